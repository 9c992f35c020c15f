#pragma once
// mutex: mutual exclusion between goroutines (and threads).
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>

#include <chrono>
#include <cstdint>

namespace weft {

/// Meets std's TimedLockable: use it with std::lock_guard, std::unique_lock, std::scoped_lock. Not
/// reentrant: a second lock() by the holder blocks. It has no owner: another goroutine may unlock
/// it (MU-1). It may be destroyed as soon as it is unlocked and nobody waits (HZ-1).
///
/// Policy (MU-2, MU-3): a woken waiter competes with running arrivals, which are on a processor
/// already; if it loses it goes back to the front. A waiter that has waited for more than a
/// millisecond makes the mutex starving: then unlock hands it to the first waiter, arrivals
/// queue, try_lock fails; this ends with the first waiter that waited less, or was the last. In a
/// seeded run the choices of the scheduler take the place of the clock.
class mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Blocks  goroutine (or the foreign thread).   Cancel  lock(ctx), try_lock_for().
  /// Order   the n-th unlock() happens before the m-th lock() returns, n < m (MM-6).
  /// Errors  none (std::bad_alloc on a foreign thread's first wait).
  /// Cost    when free, one locked instruction; none while one thread runs weft code.   Threads
  /// any.   Go  sync.Mutex.Lock; MU-1..3.
  void lock() {
    if (!take_alone()) {
      lock_shared();
    }
  }

  /// lock() that gives up when ctx is done. A null error: locked; otherwise ctx.err(), not locked.
  /// A context that is done already: not locked, even if the mutex is free. Blocks, Order, Cost  as
  /// lock().   Go  golang/go#40026 asks for it; U-6.
  template <detail::cancelable Context>
  [[nodiscard]] error lock(const Context& ctx) {
    if (error e = ctx.err()) {
      return e;
    }
    const bool mine =
        try_lock() || lock_slow({detail::never, detail::signal_of(ctx)}) == detail::wait_end::woken;
    return mine ? error{} : ctx.err();
  }

  /// lock() that gives up after d, or at t, a point of std::chrono::steady_clock. True: locked.
  /// Tries at least once, whatever the time.
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_for(const std::chrono::duration<Rep, Period>& d) {
    return try_lock() || try_lock_until_ns(detail::deadline_after(d));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_until(const std::chrono::time_point<Clock, Duration>& t) {
    return try_lock_until_ns(detail::deadline_at(t));
  }

  /// True: locked. Never waits; may fail although the mutex is free, and then orders nothing.
  /// Go  sync.Mutex.TryLock; MU-4.
  [[nodiscard]] bool try_lock() noexcept { return take_alone() || try_lock_shared(); }

  /// Errors  unlocking an unlocked mutex ends the program, naming the goroutine (PN-4).
  /// Go      sync.Mutex.Unlock.
  void unlock() {
    if (detail::solo_section alone; alone) {
      const std::uint32_t state = state_.load(detail::relaxed);  // relaxed: see [solo]
      if (wakes_nobody(state)) {
        state_.store(state & ~locked, detail::relaxed);  // relaxed: [solo.3] publishes it
        return;
      }
    }
    unlock_shared();
  }

 private:
  static constexpr std::uint32_t locked = 1;
  static constexpr std::uint32_t waiting = 2;   // waiters_ is not empty
  static constexpr std::uint32_t woken = 4;     // a waiter was woken and has not yet competed
  static constexpr std::uint32_t starving = 8;  // hand over, do not compete

  static constexpr bool is_free(std::uint32_t state) noexcept {
    return (state & (locked | starving)) == 0;
  }
  // May who unlocks leave the queue alone? Nobody is in it, or a waiter was woken already, who will
  // compete and look after the rest.
  static constexpr bool wakes_nobody(std::uint32_t state) noexcept {
    return (state & (locked | starving)) == locked &&
           ((state & waiting) == 0 || (state & woken) != 0);
  }
  bool take_alone() noexcept {
    if (detail::solo_section alone; alone) {
      const std::uint32_t state = state_.load(detail::relaxed);  // relaxed: see [solo]
      if (is_free(state)) {
        state_.store(state | locked, detail::relaxed);  // relaxed: [solo.3] publishes it
        return true;
      }
    }
    return false;
  }
  // The same while other threads run weft code.
  void lock_shared();
  bool try_lock_shared() noexcept;
  void unlock_shared();
  friend class shared_mutex;  // its writers wait for each other with a reason of their own
  detail::wait_end lock_slow(const detail::wait_limit& limit,
                             detail::wait_cause why = detail::wait_reason::mutex);
  detail::wait_end wait_in_queue(const detail::wait_limit& limit, detail::wait_cause why);
  bool try_lock_until_ns(std::int64_t deadline);
  void leave_queue(detail::waiter* w) noexcept;
  void forget_if_empty() noexcept;
  void unlock_slow();

  // [mutex] the bits above. `locked` changes by CAS anywhere; the others under queue_lock_ only.
  detail::atomic<std::uint32_t> state_{0};
  detail::biased_lock queue_lock_;
  detail::waiter_queue waiters_;  // guarded by queue_lock_
  // [lock_cycle.1] Who has it, noted only in a run that watches for lost waits.
  detail::atomic<std::uint64_t> owner_{0};
};

}  // namespace weft
