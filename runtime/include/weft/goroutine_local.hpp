#pragma once
// goroutine_local: a variable of which each goroutine has its own. A thread_local is no substitute:
// goroutines share threads, and move between them whenever they wait.
//
//   weft::goroutine_local<std::string> request_id{weft::inheritance::copy};
//   ...
//   *request_id = "4711";
//   weft::go([] { log(*request_id); });      // "4711"
#include <weft/detail/atomic.hpp>
#include <weft/detail/locals.hpp>
#include <weft/exceptions.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

/// What a goroutine that is started by go() gets of its spawner's value.
enum class inheritance : std::uint8_t {
  none,  ///< nothing: it starts anew
  copy,  ///< a copy, made by the spawner in go(), if the spawner has a value then
};

/// A T for each goroutine, and for each foreign thread. It is made when it is first used and
/// destroyed when the goroutine ends: on its own stack, where it may wait, after the function's
/// captures are gone (and wait_group::go has said done()), before the goroutine counts as ended;
/// the last one made first. Those of abandoned goroutines are not destroyed (GR-2). The main
/// goroutine inherits nothing.
///
/// Usually a static variable. It may die earlier: the values live on until their goroutines end.
/// T's default or copy constructor and its destructor may use other goroutine_locals, but not this
/// one; an inherited T's copy constructor must not start goroutines, which would inherit, too.
/// Threads any, at the same time; the values belong to one goroutine each.
/// Go      there is none, on purpose; profiler labels are inherited: GR-14.
/// Test    unit/runtime/goroutine_local_test.cpp
template <class T>
class goroutine_local {
  static_assert(std::is_object_v<T> && std::is_same_v<T, std::remove_cv_t<T>>,
                "weft: a goroutine_local holds a plain object type");
  static_assert(std::is_nothrow_destructible_v<T>,
                "weft: what a goroutine_local holds must have a destructor that does not throw");

 public:
  /// Each goroutine starts with T(), and inherits nothing.
  constexpr goroutine_local() noexcept requires std::default_initializable<T>
  = default;

  /// Each goroutine starts with T(), or a copy of its spawner's.
  constexpr explicit goroutine_local(
      inheritance how) noexcept requires std::default_initializable<T> && std::copy_constructible<T>
      : how_(how) {}

  /// Each goroutine starts with a copy of `initial`, or of its spawner's.
  constexpr explicit goroutine_local(
      T initial, inheritance how = inheritance::none) requires std::copy_constructible<T>
      : how_(how), initial_(std::move(initial)) {}

  goroutine_local(const goroutine_local&) = delete;
  goroutine_local& operator=(const goroutine_local&) = delete;

  /// The caller's value, valid until the goroutine (or the foreign thread) ends or calls reset().
  /// Blocks  no, as far as T's constructor does not.
  /// Errors  what making a T throws; std::bad_alloc; misuse when called by the destructor of this
  ///         very value.
  /// Cost    O(goroutine_locals that the caller uses); an allocation at first use.
  T& get() {
    if (T* value = find()) {
      return *value;
    }
    return add(make());
  }
  T& operator*() { return get(); }
  T* operator->() { return std::addressof(get()); }

  /// The caller's value, or nullptr if it has not been made.   Errors  misuse, as get().
  T* find() { return static_cast<T*>(detail::find_local(key())); }

  /// Replaces the caller's value.   Errors  as get(); what assigning throws.
  void set(T value) requires std::movable<T> {
    if (T* old = find()) {
      *old = std::move(value);
    } else {
      add(std::make_unique<T>(std::move(value)));
    }
  }

  /// Destroys the caller's value, if there is one; the next use makes a new one.
  void reset() noexcept { detail::drop_local(key()); }

 private:
  static void destroy(void* value) noexcept { delete static_cast<T*>(value); }
  static void* copy(const void* value) {
    if constexpr (std::copy_constructible<T>) {
      return new T(*static_cast<const T*>(value));
    } else {
      return nullptr;  // the constructors see to it that this is not reached
    }
  }
  static constexpr detail::local_type own{destroy, nullptr}, inherited{destroy, copy};

  std::unique_ptr<T> make() {
    if constexpr (std::copy_constructible<T>) {
      if (initial_) {
        return std::make_unique<T>(*initial_);
      }
    }
    if constexpr (std::default_initializable<T>) {
      return std::make_unique<T>();
    } else {
      return nullptr;  // not reached: there is an initial value
    }
  }

  T& add(std::unique_ptr<T> value) {
    detail::add_local(key(), value.get(), how_ == inheritance::copy ? inherited : own);
    return *value.release();
  }

  std::uint64_t key() noexcept {
    // relaxed: the number is all there is to see.
    std::uint64_t key = key_.load(detail::relaxed);
    if (key == 0) [[unlikely]] {
      const std::uint64_t fresh = detail::new_local_key();
      // relaxed: as above; who loses takes the winner's.
      key = key_.compare_exchange(key, fresh, detail::relaxed, detail::relaxed) ? fresh : key;
    }
    return key;
  }

  inheritance how_ = inheritance::none;
  std::optional<T> initial_;
  // 0 until first used, then the key of the values. A number that no other goroutine_local has, so
  // that values may outlive it.
  detail::atomic<std::uint64_t> key_{0};
};

}  // namespace weft
