// Waiting until no goroutine exists: [drain] in docs/protocols.md.
#include <climits>
#include <mutex>

#include "detail/sys.hpp"
#include "sched/block_thread.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {

void scheduler::tell_if_none_lives() noexcept {
  // [drain.2] acquire: after the RMW on idle's word, which pairs with [drain.1].
  if (drain_waiters_.load(acquire) == 0 || live_goroutines() != 0) {
    return;
  }
  {
    std::lock_guard hold(drain_lock_);
    for (; drain_blocked_ != 0; --drain_blocked_) {
      discount_blocked_thread();  // [outside.2] before they can run
    }
    drained_.fetch_add(1, acq_rel);  // [drain.3] acq_rel: what the goroutines did is seen
  }
  sys.futex_wake(drained_.address(), INT_MAX);
}

// Until drained_ is no longer what was `seen`, or `left` nanoseconds (< 0: no limit) are over.
void scheduler::await_drained(std::uint32_t seen, std::int64_t left) noexcept {
  const bool counted = left < 0;
  if (counted) {
    std::lock_guard hold(drain_lock_);
    if (drained_.load(relaxed) != seen) {  // relaxed: under the lock
      return;
    }
    ++drain_blocked_;
    count_blocked_thread();
  }
  if (counted) {
    monitor_.nudge();  // [outside.1]
  }
  sys.futex_wait(drained_.address(), seen, left);
  if (counted) {
    std::lock_guard hold(drain_lock_);
    if (drained_.load(relaxed) == seen) {  // relaxed: under the lock; woken for nothing
      --drain_blocked_;
      discount_blocked_thread();
    }
  }
}

bool scheduler::await_no_goroutines(std::int64_t deadline) noexcept {
  drain_waiters_.fetch_add(1, acq_rel);  // [drain.1] acq_rel: before the RMW on idle's word
  idle.must_wake();                      // [drain.1] as an RMW on the word of enter_sleep()
  bool none = false;
  for (;;) {
    const std::uint32_t seen = drained_.load(acquire);  // [drain.3] acquire: pairs with the waker's
    none = live_goroutines() == 0;
    const std::int64_t left = deadline == never ? -1 : deadline - clock.now();
    if (none || (deadline != never && left <= 0)) {
      break;
    }
    await_drained(seen, left);
  }
  drain_waiters_.fetch_sub(1, acq_rel);  // acq_rel: see [drain.1]
  return none;
}

}  // namespace weft::detail
