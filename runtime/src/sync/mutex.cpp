#include <weft/mutex.hpp>

#include "debug/crash.hpp"
#include "time/clock.hpp"

namespace weft {
namespace {

constexpr std::int64_t patience_ns = 1'000'000;  // Go's starvation threshold

bool out_of_patience(std::int64_t since) {
  switch (detail::draw_impatience()) {
    case detail::impatience::yes:
      return true;
    case detail::impatience::no:
      return false;
    case detail::impatience::by_clock:
      break;
  }
  return detail::clock.now() - since > patience_ns;
}

}  // namespace

void mutex::lock_slow() {
  using namespace detail;
  goroutine* me = self();
  std::int64_t since = 0;
  bool was_woken = false;
  for (;;) {
    queue_lock_.lock();
    std::uint32_t state = state_.load(relaxed);  // relaxed: the CAS below decides
    std::uint32_t to = 0;
    bool take = false;
    bool starved = false;
    do {
      take = (state & locked) == 0 && ((state & starving) == 0);
      starved = !take && was_woken && out_of_patience(since);
      to = take ? state | locked : state | waiting | (starved ? starving : 0);
      if (was_woken) {
        to &= ~woken;
      }
      // [mutex.1] acquire: pairs with [mutex.2]; without the lock: from here on unlock() comes to
      // unlock_slow(), which waits for queue_lock_.
    } while (!state_.compare_exchange(state, to, acquire, relaxed));
    if (take) {
      queue_lock_.unlock();
      return;
    }
    waiter w;
    w.who = me;
    if (was_woken) {
      waiters_.push_front(&w);  // the loser keeps its turn (T12)
    } else {
      waiters_.push_back(&w);
      since = clock.now();
    }
    park(wait_reason::mutex, unlock_commit, &queue_lock_);
    if (w.result == wake_result::done) {
      // Handed over, still locked. Starvation ends with one who did not wait long.
      biased_guard hold(queue_lock_);
      if (waiters_.empty() || !out_of_patience(since)) {
        state_.fetch_and(~starving, relaxed);  // relaxed: under queue_lock_
      }
      return;
    }
    was_woken = true;
  }
}

void mutex::unlock_slow() {
  using namespace detail;
  queue_lock_.lock();
  std::uint32_t state = state_.load(relaxed);  // relaxed: the CAS below decides
  waiter* next = nullptr;
  for (;;) {
    if ((state & locked) == 0) {
      queue_lock_.unlock();
      fatal_misuse("unlock of unlocked mutex");
    }
    const bool hand_over = (state & starving) != 0 && !waiters_.empty();
    const bool wake = hand_over || ((state & woken) == 0 && !waiters_.empty());
    next = wake ? waiters_.front() : nullptr;
    std::uint32_t to = hand_over ? state : state & ~(locked | starving);
    if (next != nullptr) {
      to = hand_over ? to : to | woken;
      if (next->next == nullptr) {
        to &= ~waiting;
      }
    }
    // [mutex.2] release: pairs with [mutex.1].
    if (state_.compare_exchange(state, to, release, relaxed)) {
      if (next != nullptr) {
        waiters_.remove(next);
        next->result = hand_over ? wake_result::done : wake_result::pending;
      }
      break;
    }
  }
  queue_lock_.unlock();  // the last touch: who is woken may destroy the mutex
  if (next != nullptr) {
    ready(next->who);
  }
}

}  // namespace weft
