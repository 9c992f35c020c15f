#pragma once
// A context with several parents. Its links and its references to the parents follow it in memory.
#include <weft/detail/context_node.hpp>

#include <cstdint>
#include <span>

namespace weft::detail {

class merged_node final : public cancel_node {
 public:
  /// With a reference to each parent. points[i]: where to join for the i-th; null: nowhere.
  static merged_node* make(std::span<const context_node* const> parents,
                           std::span<cancel_node* const> points, std::int64_t deadline);

  std::span<const context_node* const> parents() const noexcept { return {parents_, count_}; }
  void join_all() noexcept {
    join();
    leave_if_done();  // [context.8] one parent may have finished it before it has joined the next
  }

  // [context.5] Who finished it. Written under lock_, once; read by who has seen it done.
  sweep_route finished_by;

 private:
  merged_node(std::span<const context_node* const> parents, std::span<cancel_node* const> points,
              std::int64_t deadline) noexcept;
  const context_node** parents_;
  const std::uint32_t count_;
};

}  // namespace weft::detail
