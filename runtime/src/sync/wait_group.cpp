#include <weft/detail/race.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/wait_group.hpp>

#include <cstdint>
#include <string>

namespace weft {
namespace {

constexpr std::uint64_t one = std::uint64_t{1} << 32;  // of the counter
constexpr std::uint64_t waiters_mask = one - 1;

std::int64_t counter_of(std::uint64_t state) noexcept {
  return static_cast<std::int64_t>(state >> 32);
}

}  // namespace

// ThreadSanitizer: the first add() must be ordered before the wait() that is to notice it (WG-2): a
// wait() that comes too early pretends to write what the first add() pretends to read. After that a
// round may begin at any time (WG-3).
void wait_group::note_first_add() noexcept {
#if WEFT_RACE
  if (!used_.exchange(true, detail::relaxed)) {  // relaxed: a hint
    detail::race::read(&lock_);
  }
#endif
}

void wait_group::note_wait_at_zero() noexcept {
#if WEFT_RACE
  if (!used_.load(detail::relaxed)) {  // relaxed: a hint
    detail::race::write(&lock_);
  }
#endif
}

void wait_group::add(int n) {
  using detail::acq_rel, detail::relaxed;
  const detail::race::runtime_code in;
  detail::schedule_point();
  if (n < 0) {
    detail::race::release(&waiters_);
  }
  std::uint64_t state = state_.load(relaxed);  // relaxed: the CAS below decides
  for (;;) {
    const std::int64_t counter = counter_of(state) + n;
    if (counter < 0 || counter > INT32_MAX) {
      throw negative_counter("weft: wait_group: the counter is " +
                             std::to_string(counter_of(state)) + "; adding " + std::to_string(n) +
                             (counter < 0 ? " makes it negative" : " is too much for it"));
    }
    const std::uint64_t next = static_cast<std::uint64_t>(counter) * one | (state & waiters_mask);
    const bool releases = counter == 0 && (state & waiters_mask) != 0;
    if (releases) {
      lock_.lock();
    }
    // [wait_group.1] acq_rel: what this goroutine did happens before the wait that returns; with
    // waiters, under lock_: none can join between zero and the release (T11).
    if (state_.compare_exchange(state, releases ? 0 : next, acq_rel, relaxed)) {
      if (n > 0 && counter_of(state) == 0) {
        note_first_add();
      }
      if (releases) {
        detail::waiter* released = detail::take_claimed(waiters_, detail::wake_result::done);
        lock_.unlock();
        detail::ready_chain(released);
      }
      return;  // without waiters the CAS was the last touch of this object
    }
    if (releases) {
      lock_.unlock();
    }
  }
}

detail::wait_end wait_group::wait_limited(const detail::wait_limit& limit) {
  using detail::acq_rel, detail::acquire, detail::wait_end;  // orders: explained below
  const detail::race::runtime_code in;
  detail::goroutine* me = detail::self();
  // Under the lock even when the counter is zero: who made it zero is out of here then.
  lock_.lock();
  std::uint64_t state = state_.load(acquire);  // [wait_group.2] acquire: pairs with [wait_group.1]
  do {
    if (counter_of(state) == 0) {
      note_wait_at_zero();
      detail::race::acquire(&waiters_);
      lock_.unlock();
      return wait_end::woken;
    }
    // [wait_group.2] acq_rel: from here on zero is reached under lock_ only.
  } while (!state_.compare_exchange(state, state + 1, acq_rel, acquire));
  detail::waiter w;
  w.who = me;
  if (limit.none()) {
    waiters_.push_back(&w);
    detail::park({detail::wait_reason::wait_group, this}, detail::unlock_commit, &lock_);
    detail::race::acquire(&waiters_);
    return wait_end::woken;
  }
  w.ticket = detail::open_claim(me);
  waiters_.push_back(&w);
  const wait_end end = detail::end_of(detail::park_limited(
      {detail::wait_reason::wait_group, this}, w.ticket, limit, detail::unlock_commit, &lock_));
  if (end == wait_end::woken) {
    detail::race::acquire(&waiters_);
    return end;
  }
  detail::biased_guard hold(lock_);
  if (!w.linked) {
    detail::race::acquire(&waiters_);
    return wait_end::woken;  // zero was reached, if a moment too late: the round is over
  }
  waiters_.remove(&w);
  // Else those that gave up in one long round would reach the counter. relaxed: the number of
  // waiters changes under lock_.
  state_.fetch_sub(1, detail::relaxed);
  return end;
}

}  // namespace weft
