#pragma once
// Blocking a thread that is not running a goroutine: what park() is for goroutines.
#include <weft/detail/park.hpp>
#include <weft/detail/wait_limit.hpp>

#include <cstdint>

#include "sched/goroutine.hpp"

namespace weft::detail {

/// [outside] Threads that are not workers and wait in weft for as long as it takes, in the low
/// half; how often one began or ended to do so in the high half. For the deadlock report.
extern atomic<std::uint64_t> blocked_threads;
inline void count_blocked_thread() noexcept {
  // [outside.1] acq_rel: before it sleeps; what it did before is seen by who finds it blocked.
  blocked_threads.fetch_add((std::uint64_t{1} << 32) + 1, acq_rel);
}
inline void discount_blocked_thread() noexcept {
  // [outside.2] acq_rel: by the waker, before the thread can run.
  blocked_threads.fetch_add((std::uint64_t{1} << 32) - 1, acq_rel);
}

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
