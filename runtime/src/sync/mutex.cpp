#include <weft/detail/lost_wait.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/mutex.hpp>

#include <optional>

#include "debug/crash.hpp"
#include "sync/lock_cycle.hpp"
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

bool watching() noexcept { return detail::watch_mode() != detail::lost_waits::ignored; }

}  // namespace

void mutex::lock_shared() {
  if (!try_lock_shared()) {
    detail::note_contention();
    lock_slow({});
  }
}

bool mutex::try_lock_shared() noexcept {
  detail::solo_meet();
  detail::schedule_point();
  std::uint32_t seen = state_.load(detail::relaxed);  // relaxed: the CAS below decides
  while (is_free(seen)) {
    // [mutex.1] acquire: pairs with [mutex.2].
    if (state_.compare_exchange(seen, seen | locked, detail::acquire, detail::relaxed)) {
      if (watching()) [[unlikely]] {
        detail::note_locked(owner_);
      }
      return true;
    }
  }
  return false;
}

void mutex::unlock_shared() {
  detail::solo_meet();
  detail::schedule_point();
  if (watching()) [[unlikely]] {
    detail::note_unlocking(owner_);
  }
  std::uint32_t seen = state_.load(detail::relaxed);  // relaxed: the CAS below decides
  while (wakes_nobody(seen)) {
    // [mutex.2] release: pairs with [mutex.1]; the last touch.
    if (state_.compare_exchange(seen, seen & ~locked, detail::release, detail::relaxed)) {
      return;
    }
  }
  unlock_slow();
}

detail::wait_end mutex::lock_slow(const detail::wait_limit& limit, detail::wait_cause why) {
  const detail::race::runtime_code in;
  const detail::wait_end end = wait_in_queue(limit, why);
  if (end == detail::wait_end::woken) {
    detail::race::acquire(&state_);
  }
  return end;
}

detail::wait_end mutex::wait_in_queue(const detail::wait_limit& limit, detail::wait_cause why) {
  using namespace detail;
  if (why.object == nullptr) {
    why.object = this;
  }
  goroutine* me = self();
  std::int64_t since = 0;
  bool was_woken = false;
  bool in_front = false;
  std::optional<lock_wait> watch;
  bool suspicious = false;  // it may wait for ever: looks again after a while
  const auto mine = [&] {
    if (watching()) [[unlikely]] {
      watch.reset();
      note_locked(owner_);
    }
    return wait_end::woken;
  };
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
      return mine();
    }
    if (was_woken) {
      note_contention();  // woken in vain
    }
    if (was_woken && limit.deadline != never && clock.now() >= limit.deadline) {
      forget_if_empty();
      queue_lock_.unlock();
      return wait_end::timeout;
    }
    if (watching() && limit.none() && !watch) [[unlikely]] {
      watch.emplace(me, this, owner_);
      suspicious = watch->closed_circle();
    }
    wait_limit bound = limit;
    if (suspicious) {
      bound.deadline = clock.now() + lock_cycle_patience_ns;
    }
    waiter w;
    w.who = me;
    w.ticket = bound.none() ? 0 : open_claim(me);
    if (was_woken || in_front) {
      waiters_.push_front(&w);  // the loser keeps its turn (T12)
    } else {
      waiters_.push_back(&w);
      since = clock.now();
    }
    if (w.ticket == 0) {
      park(why, unlock_commit, &queue_lock_);
    } else {
      const wait_end end = end_of(park_limited(why, w.ticket, bound, unlock_commit, &queue_lock_));
      if (end != wait_end::woken) {
        leave_queue(&w);
        if (!suspicious) {
          return end;
        }
        watch->report_circle();
        suspicious = false;
        in_front = true;  // it keeps its turn
        was_woken = false;
        continue;
      }
    }
    if (w.result == wake_result::done) {
      // Handed over, still locked. Starvation ends with one who did not wait long.
      biased_guard hold(queue_lock_);
      if (waiters_.empty() || !out_of_patience(since)) {
        state_.fetch_and(~starving, relaxed);  // relaxed: under queue_lock_
      }
      return mine();
    }
    was_woken = true;
  }
}

// A waiter whose wait was ended by its limit.
void mutex::leave_queue(detail::waiter* w) noexcept {
  detail::biased_guard hold(queue_lock_);
  if (w->linked) {
    waiters_.remove(w);
  }
  forget_if_empty();
}

// With queue_lock_ held: with the queue empty unlock() is to be the plain CAS again, which touches
// nothing after it: whoever gets the mutex then may destroy it.
void mutex::forget_if_empty() noexcept {
  if (waiters_.empty()) {
    state_.fetch_and(~(waiting | starving), detail::relaxed);  // relaxed: under queue_lock_
  }
}

void mutex::unlock_slow() {
  using namespace detail;
  const race::runtime_code in;
  race::release(&state_);
  queue_lock_.lock();
  std::uint32_t state = state_.load(relaxed);  // relaxed: the CAS below decides
  while (state == locked) {
    // Whoever waited has given up. Without waiters the CAS must be the last touch: the next holder
    // may destroy the mutex and needs no queue_lock_ for that.
    queue_lock_.unlock();
    // [mutex.2] release: pairs with [mutex.1].
    if (state_.compare_exchange(state, 0, release, relaxed)) {
      return;
    }
    queue_lock_.lock();
    state = state_.load(relaxed);  // relaxed: the CAS decides
  }
  if ((state & locked) == 0) {
    queue_lock_.unlock();
    fatal_misuse("unlock of unlocked mutex");
  }
  const bool hand_over = (state & starving) != 0;
  // While the mutex is locked, and under queue_lock_, the other bits do not change.
  waiter* next = hand_over || (state & woken) == 0 ? pop_claimed(waiters_) : nullptr;
  std::uint32_t to = state & ~(locked | starving);
  if (next != nullptr) {
    to = hand_over ? state : to | woken;
    next->result = hand_over ? wake_result::done : wake_result::pending;
  }
  if (waiters_.empty()) {
    to &= ~waiting;
  }
  // [mutex.2] release: pairs with [mutex.1]. It fails only when two unlock at once.
  if (!state_.compare_exchange(state, to, release, relaxed)) {
    queue_lock_.unlock();
    fatal_misuse("unlock of unlocked mutex");
  }
  queue_lock_.unlock();  // the last touch: who is woken may destroy the mutex
  if (next != nullptr) {
    ready(next->who);
  }
}

bool mutex::try_lock_until_ns(std::int64_t deadline) {
  return try_lock() ||
         (deadline > detail::now_ns() && lock_slow({deadline, nullptr}) == detail::wait_end::woken);
}

}  // namespace weft
