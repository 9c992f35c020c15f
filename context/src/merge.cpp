// merge().
#include <weft/context.hpp>

#include <algorithm>
#include <new>
#include <vector>

#include "merged.hpp"

namespace weft {
namespace detail {

merged_node* merged_node::make(std::span<const context_node* const> parents,
                               std::span<cancel_node* const> points, std::int64_t deadline) {
  static_assert(alignof(context_link) <= alignof(merged_node));
  void* room = ::operator new(sizeof(merged_node) + parents.size() * sizeof(context_link) +
                              parents.size() * sizeof(context_node*));
  return ::new (room) merged_node(parents, points, deadline);
}

merged_node::merged_node(std::span<const context_node* const> parents,
                         std::span<cancel_node* const> points, std::int64_t deadline) noexcept
    : cancel_node(context_kind::merged, nullptr, nullptr, deadline,
                  [](context_node* n) noexcept {
                    auto* m = static_cast<merged_node*>(n);
                    m->~merged_node();  // links need no destruction
                    ::operator delete(static_cast<void*>(m));
                  }),
      count_(static_cast<std::uint32_t>(parents.size())) {
  static_assert(std::is_trivially_destructible_v<context_link>);
  auto* links = reinterpret_cast<context_link*>(this + 1);
  parents_ = reinterpret_cast<const context_node**>(links + count_);
  std::uint32_t joined = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    parents[i]->retain();
    ::new (static_cast<void*>(parents_ + i)) const context_node*(parents[i]);
    if (points[i] != nullptr) {
      auto* l = ::new (static_cast<void*>(links + joined++)) context_link(link_kind::child);
      l->parent = points[i];
      l->child = this;
    }
  }
  set_links(links, joined);
  if (joined == 0) {
    provide(nullptr);  // never done: values only
  }
}

}  // namespace detail

context merge(std::span<const context> contexts) {
  if (contexts.empty()) {
    throw misuse("weft: merge: no contexts were given");
  }
  std::vector<const detail::context_node*> parents;
  std::vector<detail::cancel_node*> points;
  parents.reserve(contexts.size());
  points.reserve(contexts.size());
  std::int64_t deadline = detail::never;
  for (const context& c : contexts) {
    detail::context_node* n = &detail::context_access::node(c, "merge");
    if (std::find(parents.begin(), parents.end(), n) != parents.end()) {
      continue;
    }
    parents.push_back(n);
    points.push_back(detail::attach_point(n));
    deadline = std::min(deadline, detail::deadline_of(n));
  }
  if (parents.size() == 1) {
    return contexts.front();
  }
  auto* m = detail::merged_node::make(parents, points, deadline);
  m->join_all();
  return detail::context_access::adopt(m);
}

}  // namespace weft
