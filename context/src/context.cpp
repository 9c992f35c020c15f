// The roots, with_cancel, values, without_cancel.
#include <weft/context.hpp>

#include <string>
#include <vector>

#include "custom.hpp"
#include "merged.hpp"

namespace weft {
namespace detail {
namespace {

// Immortal: contexts may be used before main and in static destructors.
struct root_node final : context_node {
  constexpr explicit root_node(context_kind kind) noexcept : context_node(kind, nullptr) {}
};
constinit root_node background_node(context_kind::background);
constinit root_node todo_node(context_kind::todo);

template <class Node>
void delete_node(context_node* n) noexcept {
  delete static_cast<Node*>(n);
}

class without_cancel_node final : public context_node {
 public:
  explicit without_cancel_node(const context_node* parent) noexcept
      : context_node(context_kind::without_cancel, parent, delete_node<without_cancel_node>) {}
};

cancel_node* derive_cancel(const context& parent, context_kind kind, const char* who) {
  const context_node* above = &context_access::node(parent, who);
  cancel_node* point = attach_point(above);
  auto* n = new cancel_node(kind, above, point, deadline_of(above), delete_node<cancel_node>);
  n->join();
  return n;
}

}  // namespace

void throw_nil_context(const char* who) {
  throw nil_context(std::string("weft: ") + who +
                    ": the context is nil, default-made or moved from; use weft::background()");
}

context_node* make_empty_value(const context_node* parent, value_key key) {
  return new value_node(parent, key, delete_node<value_node>);
}

const void* find_value(const context_node* from, value_key key) {
  if (key.is<nearest_node>()) {
    const context_node* p = from->provider();
    return p == nullptr || p->can_cancel() ? static_cast<const cancel_node*>(p)
                                           : static_cast<const custom_node*>(p)->user().value(key);
  }
  std::vector<const context_node*> later;  // further parents of merged contexts, the last first
  for (const context_node* n = from; n != nullptr;) {
    const context_node* next = n->parent();
    if (n->kind() == context_kind::value) {
      const auto* v = static_cast<const value_node*>(n);
      if (v->key == key) {
        return v->at;
      }
    } else if (n->kind() == context_kind::custom) {
      if (const void* found = static_cast<const custom_node*>(n)->user().value(key)) {
        return found;
      }
    } else if (n->kind() == context_kind::merged) {
      const auto parents = static_cast<const merged_node*>(n)->parents();
      later.insert(later.end(), parents.rbegin(), parents.rend());
    }
    if (next == nullptr && !later.empty()) {
      next = later.back();
      later.pop_back();
    }
    n = next;
  }
  return nullptr;
}

}  // namespace detail

context background() noexcept { return detail::context_access::adopt(&detail::background_node); }
context todo_() noexcept { return detail::context_access::adopt(&detail::todo_node); }

cancelable_context with_cancel(const context& parent) {
  return detail::context_access::pair(
      detail::derive_cancel(parent, detail::context_kind::cancel, "with_cancel"));
}

cancelable_cause_context with_cancel_cause(const context& parent) {
  return detail::context_access::cause_pair(
      detail::derive_cancel(parent, detail::context_kind::cancel_cause, "with_cancel_cause"));
}

context without_cancel(const context& parent) {
  return detail::context_access::adopt(
      new detail::without_cancel_node(&detail::context_access::node(parent, "without_cancel")));
}

error cause(const context& ctx) {
  return detail::cause_of(&detail::context_access::node(ctx, "cause"));
}

std::optional<context::time_point> context::deadline() const {
  const std::int64_t ns = detail::deadline_of(&node("deadline"));
  if (ns == detail::never) {
    return std::nullopt;
  }
  return time_point(std::chrono::duration_cast<time_point::duration>(std::chrono::nanoseconds(ns)));
}

}  // namespace weft
