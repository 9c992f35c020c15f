#pragma once
// Values of contexts: the key is a type, so keys of different modules cannot be mixed up, and a
// lookup compares addresses.
#include <weft/detail/context_node.hpp>

#include <concepts>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace weft {

/// Base of a key that is not the type of its value: struct user_name : context_key<std::string> {};
template <class T>
struct context_key {
  using mapped_type = T;
};

namespace detail {

template <class K>
concept tag_key = requires {
  typename K::mapped_type;
  requires std::derived_from<K, context_key<typename K::mapped_type>>;
};

template <class K>
struct mapped {
  using type = K;
};
template <tag_key K>
struct mapped<K> {
  using type = typename K::mapped_type;
};

struct key_info {
  const std::type_info* type;
};
template <class K>
inline constexpr key_info key_info_of{&typeid(K)};

}  // namespace detail

/// A key as a user's context sees it.
class value_key {
 public:
  template <class K>
  static value_key of() noexcept {
    static_assert(std::is_object_v<K> && std::is_same_v<K, std::remove_cv_t<K>>,
                  "weft: the key of a context's value is a plain object type");
    return value_key(&detail::key_info_of<K>);
  }
  template <class K>
  bool is() const noexcept {
    return *this == of<K>();
  }
  friend bool operator==(value_key a, value_key b) noexcept { return a.info_ == b.info_; }
  const std::type_info& type() const noexcept { return *info_->type; }

 private:
  explicit value_key(const detail::key_info* info) noexcept : info_(info) {}
  const detail::key_info* info_;
};

namespace detail {

class value_node : public context_node {
 public:
  value_node(const context_node* parent, value_key k, destroyer destroy) noexcept
      : context_node(context_kind::value, parent, destroy), key(k) {
    provide(parent->provider());
  }
  const value_key key;
  const void* at = nullptr;  // null hides an outer value
};

template <class T>
class typed_value_node final : public value_node {
 public:
  template <class... Args>
  typed_value_node(const context_node* parent, value_key k, Args&&... args)
      : value_node(parent, k,
                   [](context_node* n) noexcept { delete static_cast<typed_value_node*>(n); }) {
    try {
      value_.emplace(std::forward<Args>(args)...);
    } catch (...) {
      unmake();
      throw;
    }
    at = std::addressof(*value_);
  }

 private:
  std::optional<T> value_;
};

context_node* make_empty_value(const context_node* parent, value_key key);

/// The nearest value, or null. Errors  std::bad_alloc, with more than a few merged contexts; what a
/// user's value() throws.
const void* find_value(const context_node* from, value_key key);

}  // namespace detail
}  // namespace weft
