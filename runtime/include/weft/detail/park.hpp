#pragma once
// Blocking and waking, for everything that makes goroutines wait. See [park] in
// docs/protocols.md.
#include <weft/detail/wait_reason.hpp>
#include <weft/detail/waiter.hpp>

namespace weft::detail {

/// Runs on the next fiber, after the parked goroutine has left its stack: it unlocks what makes
/// the waiter visible. It must not park, throw or run user code that may wait.
using park_commit = void (*)(void*) noexcept;

/// The calling goroutine, or the stand-in of the calling foreign thread.
/// Throws std::bad_alloc when a stand-in cannot be made.
goroutine* self();

/// Blocks the caller until ready() is called on it: parks the goroutine, or blocks the foreign
/// thread. The caller has queued its waiter and still holds the lock that guards it; commit(arg)
/// releases that lock. After park() the caller may be on another worker thread.
void park(wait_cause why, park_commit commit, void* arg) noexcept;

/// Makes a parked goroutine runnable, or wakes the foreign thread. Exactly once per park.
/// The callee may run, and its waiters may be gone, before this returns.
void ready(goroutine* g) noexcept;
/// The same, but it runs in its turn, not next, and no worker is woken to help: for many at once,
/// whose order is to be kept.
void ready_in_turn(goroutine* g) noexcept;

/// The caller starts a wait that several parties may end; returns its ticket (never 0).
std::uint64_t open_claim(goroutine* me) noexcept;

/// True for the one party that ends the wait `w->ticket`; records w->index as the winner.
bool try_claim(waiter* w) noexcept;

/// Has nobody yet ended this wait, which is still in its queue? The caller holds the queue's lock.
bool is_open(const waiter* w) noexcept;

/// After park(): the index that won.
std::uint32_t claimed_index(goroutine* me) noexcept;

/// Takes the first waiter whose wait is still open out of the queue, or nullptr. Waiters whose
/// claim was lost are dropped (SE-9). The caller holds the queue's lock.
inline waiter* pop_claimed(waiter_queue& q) noexcept {
  while (waiter* w = q.pop_front()) {
    if (w->ticket == 0 || try_claim(w)) {
      return w;
    }
  }
  return nullptr;
}

/// Takes out the waiters whose wait is still open, at most so many, with the result given, as a
/// chain by `next` for ready_chain(). The caller holds the queue's lock.
inline waiter* take_claimed(waiter_queue& q, wake_result result,
                            std::size_t most = SIZE_MAX) noexcept {
  waiter* first = nullptr;
  waiter** end = &first;
  for (std::size_t n = 0; n < most; ++n) {
    waiter* w = pop_claimed(q);
    if (w == nullptr) {
      break;
    }
    __builtin_prefetch(w->who, 1);  // for ready_chain()
    w->result = result;
    w->next = nullptr;
    *end = w;
    end = &w->next;
  }
  return first;
}
/// ready() for each, in order, with no lock held.
void ready_chain(waiter* first) noexcept;

/// The caller had to wait for a lock that is held for moments only: so the monitor learns that
/// fewer workers would be faster.
void note_contention() noexcept;

/// A commit that unlocks the biased_lock given as arg.
void unlock_commit(void* lock) noexcept;

/// Sixteen random bits or so for choices that must be fair: select order, victims. Seeded when
/// the runtime is.
std::uint64_t random_bits() noexcept;

/// Has a waiter waited too long? A seeded run draws the answer: a clock would give another
/// schedule each time. All others look at the clock.
enum class impatience { by_clock, no, yes };
impatience draw_impatience() noexcept;

}  // namespace weft::detail
