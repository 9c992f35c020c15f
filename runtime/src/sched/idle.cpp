#include "sched/idle.hpp"

#include <weft/detail/solo.hpp>

namespace weft::detail {

idle_set::wake idle_set::begin_wake(sleeper*& woken) noexcept {
  spin_guard hold(lock_);
  std::uint32_t w = word_.load(relaxed);  // relaxed: the CAS below decides
  do {
    if (searching(w) != 0 || awake(w) >= places()) {
      return wake::none;
    }
    // [idle.5] acq_rel: counted before it is woken, so that one submission wakes one worker.
  } while (!word_.compare_exchange(w, w + awake_one + searching_one, acq_rel, relaxed));
  // [solo.4] Who comes takes the ownership away itself, when it comes: that may be late. The owner
  // gives it up at once, for which it needs no barrier.
  if (solo.owner.load(relaxed) == thread_pointer()) {  // relaxed: under lock_
    solo_revoke();
  }
  woken = sleepers_;
  if (woken != nullptr) {
    sleepers_ = woken->next_sleeper;
    --asleep_;
    woken->asleep = false;
    woken->has_place = true;
    return wake::woken;
  }
  woken = dormant_;  // [retire.3] this worker is the caller's until its new thread runs
  if (woken != nullptr) {
    dormant_ = woken->next_sleeper;
    --dormant_count_;
    woken->has_place = true;
  }
  return wake::needs_thread;
}

void idle_set::cancel_wake(sleeper* w) noexcept {
  spin_guard hold(lock_);
  if (w != nullptr) {
    add_dormant(w);
  }
  word_.fetch_sub(awake_one + searching_one, acq_rel);  // [idle.3] as in enter_sleep()
}

void idle_set::add_dormant(sleeper* w) noexcept {
  w->has_place = false;
  w->lost_place = false;
  w->next_sleeper = dormant_;
  dormant_ = w;
  ++dormant_count_;
}

void idle_set::unlink_sleeper(sleeper* w) noexcept {
  for (sleeper** at = &sleepers_; *at != nullptr; at = &(*at)->next_sleeper) {
    if (*at == w) {
      *at = w->next_sleeper;
      break;
    }
  }
  --asleep_;
  w->asleep = false;
}

bool idle_set::try_search() noexcept {
  std::uint32_t w = word_.load(relaxed);  // relaxed: the CAS below decides
  do {
    if (2 * searching(w) >= awake(w)) {
      return false;
    }
    // [idle.2] acq_rel: a submitter that sees searching > 0 leaves its work to this searcher.
  } while (!word_.compare_exchange(w, w + searching_one, acq_rel, relaxed));
  return true;
}

void idle_set::end_search() noexcept {
  word_.fetch_sub(searching_one, acq_rel);  // [idle.3] acq_rel: see must_wake()
}

std::uint32_t idle_set::enter_sleep(sleeper* self, bool is_searching, bool futile) noexcept {
  spin_guard hold(lock_);
  self->asleep = true;
  self->next_sleeper = sleepers_;
  sleepers_ = self;
  ++asleep_;
  if (solo.owner.load(relaxed) == thread_pointer()) {  // relaxed: under lock_
    solo_revoke();
  }
  const std::uint32_t less = (self->has_place ? awake_one : 0) + (is_searching ? searching_one : 0);
  self->has_place = false;
  self->lost_place = false;
  std::uint32_t w = word_.load(relaxed);  // relaxed: the CAS below decides
  std::uint32_t to = 0;
  do {
    to = w - less;
    if (is_searching) {
      to = futile ? to | damped : to & ~damped;
    }
    // [idle.3] acq_rel RMW on the word of [idle.2]: the look at the global queue comes after it.
  } while (!word_.compare_exchange(w, to, acq_rel, relaxed));
  return asleep_ + awake(to);
}

bool idle_set::leave_sleep(sleeper* self) noexcept {
  spin_guard hold(lock_);
  if (!self->asleep) {
    return false;
  }
  std::uint32_t w = word_.load(relaxed);  // relaxed: the CAS below decides
  do {
    if (awake(w) >= places()) {
      return false;
    }
    // [idle.5] acq_rel: counted again.
  } while (!word_.compare_exchange(w, w + awake_one + searching_one, acq_rel, relaxed));
  unlink_sleeper(self);
  solo_revoke();
  self->has_place = true;
  return true;
}

bool idle_set::retire(sleeper* self, std::uint32_t enough) noexcept {
  spin_guard hold(lock_);
  // relaxed: places come and go under this lock.
  if (!self->asleep || asleep_ + awake(word_.load(relaxed)) <= enough) {
    return false;
  }
  unlink_sleeper(self);
  return true;
}

void idle_set::become_dormant(sleeper* w) noexcept {
  spin_guard hold(lock_);
  add_dormant(w);
}

bool idle_set::take_place_away(sleeper* w) noexcept {
  spin_guard hold(lock_);
  if (!w->has_place) {
    return false;
  }
  w->has_place = false;
  w->lost_place = true;
  solo_revoke();                        // [solo.4] it may be the owner, and is not alone any more
  word_.fetch_sub(awake_one, acq_rel);  // [idle.6] acq_rel: before a sleeper may take the place
  return true;
}

void idle_set::pass_place(sleeper* from, sleeper* to) noexcept {
  spin_guard hold(lock_);
  if (!from->has_place || to->has_place) {
    return;
  }
  solo_revoke();  // [solo.4] as above
  from->has_place = false;
  to->has_place = true;
  to->lost_place = false;
}

bool idle_set::regain_place(sleeper* self) noexcept {
  spin_guard hold(lock_);
  if (self->has_place) {
    return true;
  }
  std::uint32_t w = word_.load(relaxed);  // relaxed: the CAS below decides
  do {
    if (awake(w) >= places()) {
      return false;
    }
    // [idle.6] acq_rel: a place is given to one worker.
  } while (!word_.compare_exchange(w, w + awake_one, acq_rel, relaxed));
  solo_revoke();
  self->has_place = true;
  self->lost_place = false;
  return true;
}

bool idle_set::yield_surplus_place(sleeper* self) noexcept {
  spin_guard hold(lock_);
  std::uint32_t w = word_.load(relaxed);  // relaxed: the CAS below decides
  do {
    if (!self->has_place || awake(w) <= places()) {
      return false;
    }
    // [idle.6] acq_rel: as above.
  } while (!word_.compare_exchange(w, w - awake_one, acq_rel, relaxed));
  self->has_place = false;
  return true;
}

void idle_set::claim_solo(const sleeper& w, const void* thread,
                          const atomic<std::uint32_t>& workers) noexcept {
  spin_guard hold(lock_);
  if (solo_forbidden()) {
    solo_allowed_.store(0, relaxed);  // relaxed: a setting
    return;
  }
  // relaxed: places come and go under this lock.
  const std::uint32_t others = awake(word_.load(relaxed)) - (w.has_place ? 1 : 0);
  // [workers.2] acquire: a worker is counted before it runs anything, so one that runs without a
  // place is among them.
  if ((w.has_place || w.lost_place) && !w.asleep && others == 0 &&
      asleep_ + dormant_count_ == workers.load(acquire) - 1) {
    solo_claim(thread);
  }
}

void idle_set::revoke_solo() noexcept {
  spin_guard hold(lock_);
  solo_revoke();
}

void idle_set::undamp() noexcept {
  // [idle.3] acq_rel: keeps the word's RMW order; a hint otherwise
  word_.fetch_and(~damped, acq_rel);
}

sleeper* idle_set::all_sleepers() noexcept {
  spin_guard hold(lock_);
  solo_revoke();
  sleeper* first = sleepers_;
  sleepers_ = nullptr;
  asleep_ = 0;
  for (sleeper* w = first; w != nullptr; w = w->next_sleeper) {
    w->asleep = false;
    w->has_place = true;
    word_.fetch_add(awake_one + searching_one, acq_rel);  // [idle.5] acq_rel: counted again
  }
  return first;
}

}  // namespace weft::detail
