#pragma once
// Blocking a thread that is not running a goroutine: what park() is for goroutines.
#include <weft/detail/park.hpp>
#include <weft/detail/wait_limit.hpp>

#include <cstdint>

#include "sched/goroutine.hpp"

namespace weft::detail {

/// The claim that the thread makes for itself when the deadline comes first.
struct thread_deadline {
  std::uint64_t ticket = 0;
  std::uint32_t timeout_index = 0;
  std::int64_t deadline = never;
};

/// Runs commit(arg), then sleeps until ready(g), or until it has claimed its own wait at the
/// deadline.
void block_thread_limited(goroutine* g, const thread_deadline& limit, park_commit commit,
                          void* arg) noexcept;

}  // namespace weft::detail
