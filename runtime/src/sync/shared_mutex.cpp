#include <weft/detail/race.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/shared_mutex.hpp>

#include <utility>

#include "debug/crash.hpp"

namespace weft {

using detail::wait_end;
using detail::waiter;

// ---- writers ----

bool shared_mutex::try_lock() noexcept {
  const detail::race::runtime_code in;
  if (!writers_.try_lock()) {
    return false;
  }
  std::uint32_t free = 0;
  // [shared_mutex.3] acquire: pairs with [shared_mutex.2] and [shared_mutex.4].
  if (state_.compare_exchange(free, writer, detail::acquire, detail::relaxed)) {
    race_acquire_for_writing();
    return true;
  }
  writers_.unlock();
  return false;
}

// ThreadSanitizer: readers do not order each other, so their edges are not those of one word. Who
// unlocks after reading releases to writers only; who unlocks after writing, to all.
void shared_mutex::race_acquire_for_writing() noexcept {
  detail::race::acquire(&readers_);
  detail::race::acquire(&announced_);
}

wait_end shared_mutex::lock_limited(const detail::wait_limit& limit) {
  const detail::race::runtime_code in;
  const wait_end end = lock_in_turn(limit);
  if (end == wait_end::woken) {
    race_acquire_for_writing();
  }
  return end;
}

wait_end shared_mutex::lock_in_turn(const detail::wait_limit& limit) {
  if (!writers_.try_lock()) {
    if (const wait_end end = writers_.lock_slow(limit, {detail::wait_reason::rwmutex_write, this});
        end != wait_end::woken) {
      return end;
    }
  }
  std::uint32_t free = 0;
  // [shared_mutex.3] acquire: pairs with [shared_mutex.2] and [shared_mutex.4].
  if (state_.compare_exchange(free, writer, detail::acquire, detail::relaxed)) {
    return wait_end::woken;
  }
  try {
    return announce(limit);
  } catch (...) {  // a foreign thread's first wait, and no memory
    writers_.unlock();
    throw;
  }
}

// With writers_ held: keeps new readers out and waits until those inside have left. Of another
// writer there can be no more than its way out of unlock(). If the limit ends the wait, writers_ is
// free again.
wait_end shared_mutex::announce(const detail::wait_limit& limit) {
  using namespace detail;
  goroutine* me = self();
  lock_.lock();
  std::uint32_t state = state_.load(relaxed);  // relaxed: the CAS below decides
  // [shared_mutex.3] acquire: pairs with [shared_mutex.2] and [shared_mutex.4]; from here on the
  // others come to lock_.
  while (!state_.compare_exchange(state, state == 0 ? writer : state | writer | waiting, acquire,
                                  relaxed)) {
  }
  if (state == 0) {
    lock_.unlock();
    return wait_end::woken;
  }
  waiter w;
  w.who = me;
  announced_ = &w;
  if (limit.none()) {
    park({wait_reason::rwmutex_write, this}, unlock_commit, &lock_);
    return wait_end::woken;
  }
  w.ticket = open_claim(me);
  const wait_end end = end_of(
      park_limited({wait_reason::rwmutex_write, this}, w.ticket, limit, unlock_commit, &lock_));
  if (end != wait_end::woken) {
    withdraw(&w);
  }
  return end;
}

// [shared_mutex.5] The readers that came after this writer must not go on waiting for it.
void shared_mutex::withdraw(waiter* w) {
  using namespace detail;
  batch in{nullptr, 0};
  lock_.lock();
  if (announced_ == w) {
    announced_ = nullptr;
    // relaxed: with a writer announced the word changes under lock_ only.
    if (const std::uint32_t state = state_.load(relaxed); state >= one_reader) {
      in = take_readers();
      // [shared_mutex.5] acq_rel RMW: keeps the releases of the readers that have left.
      state_.exchange((state & ~(writer | waiting)) + in.inside, acq_rel);
    } else if (readers_.empty()) {
      state_.fetch_and(~waiting, relaxed);  // relaxed: under lock_; the writer inside is leaving
    }
  }
  lock_.unlock();
  ready_chain(in.first);
  writers_.unlock();
}

void shared_mutex::unlock() {
  const detail::race::runtime_code in;
  detail::race::release(&readers_);
  std::uint32_t state = state_.load(detail::relaxed);  // relaxed: only looks for misuse
  if ((state & writer) == 0 || state >= one_reader) {
    detail::fatal_misuse("unlock of unlocked shared_mutex");
  }
  writers_.unlock();
  state = writer;
  // [shared_mutex.4] release: pairs with [shared_mutex.1] and [shared_mutex.3]; the last touch when
  // nobody waits.
  if (!state_.compare_exchange(state, 0, detail::release, detail::relaxed)) {
    unlock_slow();
  }
}

void shared_mutex::unlock_slow() {
  using namespace detail;
  lock_.lock();
  std::uint32_t state = state_.load(relaxed);  // relaxed: with waiters it changes under lock_ only
  while (state == writer) {                    // they have given up
    lock_.unlock();
    // [shared_mutex.4] release: as in unlock().
    if (state_.compare_exchange(state, 0, release, relaxed)) {
      return;
    }
    lock_.lock();
    state = state_.load(relaxed);  // relaxed: as above
  }
  if (state != (writer | waiting)) {  // two unlocked at once
    lock_.unlock();
    fatal_misuse("unlock of unlocked shared_mutex");
  }
  const batch in = take_readers();
  waiter* next = nullptr;
  std::uint32_t to = in.inside;
  if (announced_ != nullptr && in.inside != 0) {
    to |= writer | waiting;  // it waits for this batch
  } else if (waiter* w = announced_; claim_announced()) {
    next = w;
    to = writer;
  }
  // [shared_mutex.4] acq_rel RMW: who sees it has seen what this writer did.
  state_.exchange(to, acq_rel);
  lock_.unlock();  // the last touch: who is let in may destroy the shared_mutex
  ready_chain(in.first);
  if (next != nullptr) {
    ready(next->who);
  }
}

bool shared_mutex::try_lock_until_ns(std::int64_t deadline) {
  return try_lock() ||
         (deadline > detail::now_ns() && lock_limited({deadline, nullptr}) == wait_end::woken);
}

// ---- readers ----

bool shared_mutex::try_lock_shared_beside() noexcept {
  const detail::race::runtime_code in;
  detail::solo_meet();
  detail::schedule_point();
  std::uint32_t seen = state_.load(detail::relaxed);  // relaxed: the CAS below decides
  while ((seen & writer) == 0) {
    // [shared_mutex.1] acquire: pairs with [shared_mutex.4].
    if (state_.compare_exchange(seen, seen + one_reader, detail::acquire, detail::relaxed)) {
      detail::race::acquire(&readers_);
      return true;
    }
  }
  return false;
}

void shared_mutex::unlock_shared_beside() {
  const detail::race::runtime_code in;
  detail::solo_meet();
  detail::schedule_point();
  detail::race::release(&announced_);
  std::uint32_t seen = state_.load(detail::relaxed);  // relaxed: the CAS below decides
  while ((seen & writer) == 0 && seen >= one_reader) {
    // [shared_mutex.2] release: pairs with [shared_mutex.3]; the last touch when no writer waits.
    if (state_.compare_exchange(seen, seen - one_reader, detail::release, detail::relaxed)) {
      return;
    }
  }
  unlock_shared_slow();
}

wait_end shared_mutex::lock_shared_slow(const detail::wait_limit& limit) {
  const detail::race::runtime_code in;
  const wait_end end = wait_to_read(limit);
  if (end == wait_end::woken) {
    detail::race::acquire(&readers_);
  }
  return end;
}

wait_end shared_mutex::wait_to_read(const detail::wait_limit& limit) {
  using namespace detail;
  goroutine* me = self();
  lock_.lock();
  std::uint32_t state = state_.load(relaxed);  // relaxed: the CAS below decides
  // [shared_mutex.1] acquire: pairs with [shared_mutex.4]; with `waiting` unlock() comes to lock_.
  while (!state_.compare_exchange(
      state, (state & writer) == 0 ? state + one_reader : state | waiting, acquire, relaxed)) {
  }
  if ((state & writer) == 0) {
    lock_.unlock();
    return wait_end::woken;
  }
  waiter w;
  w.who = me;
  if (limit.none()) {
    readers_.push_back(&w);
    park({wait_reason::rwmutex_read, this}, unlock_commit, &lock_);
    return wait_end::woken;
  }
  w.ticket = open_claim(me);
  readers_.push_back(&w);
  const wait_end end = end_of(
      park_limited({wait_reason::rwmutex_read, this}, w.ticket, limit, unlock_commit, &lock_));
  if (end != wait_end::woken) {
    leave_queue(&w);
  }
  return end;
}

// [shared_mutex.6] A reader whose wait was ended by its limit.
void shared_mutex::leave_queue(waiter* w) noexcept {
  detail::biased_guard hold(lock_);
  if (w->linked) {
    readers_.remove(w);
    if (readers_.empty() && announced_ == nullptr) {
      state_.fetch_and(~waiting, detail::relaxed);  // relaxed: under lock_
    }
  }
}

void shared_mutex::unlock_shared_slow() {
  using namespace detail;
  lock_.lock();
  std::uint32_t state = state_.load(relaxed);  // relaxed: with a writer it changes under lock_ only
  while ((state & writer) == 0 && state >= one_reader) {  // the writer has given up
    lock_.unlock();
    // [shared_mutex.2] release: as in unlock_shared().
    if (state_.compare_exchange(state, state - one_reader, release, relaxed)) {
      return;
    }
    lock_.lock();
    state = state_.load(relaxed);  // relaxed: as above
  }
  if (state < one_reader) {
    lock_.unlock();
    fatal_misuse("unlock_shared of a shared_mutex without readers");
  }
  waiter* next = nullptr;
  batch in{nullptr, 0};
  std::uint32_t to = state - one_reader;
  if (to < one_reader) {  // the last one out
    if (waiter* w = announced_; claim_announced()) {
      next = w;
      to = writer | (readers_.empty() ? 0 : waiting);
    } else {
      in = take_readers();  // [shared_mutex.5] in the place of the writer that has given up
      to = in.inside;
    }
  }
  // [shared_mutex.2] acq_rel RMW: the writer sees what all readers before it did.
  state_.exchange(to, acq_rel);
  lock_.unlock();  // the last touch: who is let in may destroy the shared_mutex
  if (next != nullptr) {
    ready(next->who);
  }
  ready_chain(in.first);
}

bool shared_mutex::try_lock_shared_until_ns(std::int64_t deadline) {
  return try_lock_shared() ||
         (deadline > detail::now_ns() && lock_shared_slow({deadline, nullptr}) == wait_end::woken);
}

// ---- under lock_ ----

// All readers that wait and have not given up.
shared_mutex::batch shared_mutex::take_readers() noexcept {
  batch in{detail::take_claimed(readers_, detail::wake_result::done), 0};
  for (const waiter* w = in.first; w != nullptr; w = w->next) {
    in.inside += one_reader;
  }
  return in;
}

// True: the writer that was announced gets the lock and must be made ready. It is not announced any
// more in either case.
bool shared_mutex::claim_announced() noexcept {
  waiter* w = std::exchange(announced_, nullptr);
  return w != nullptr && (w->ticket == 0 || detail::try_claim(w));
}

}  // namespace weft
