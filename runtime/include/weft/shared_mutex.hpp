#pragma once
// shared_mutex: many readers or one writer.
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>
#include <weft/mutex.hpp>

#include <chrono>
#include <cstdint>

namespace weft {

/// Meets std's SharedTimedMutex: use it with std::unique_lock, std::lock_guard, std::shared_lock.
/// It has no owner: another goroutine may release what one has locked (RW-4). It may be destroyed
/// as soon as it is unlocked and nobody waits (HZ-1).
///
/// Policy: a writer that waits keeps new readers out (RW-1), so a reader must not lock it a second
/// time: between the two a writer may have come, and then both wait for ever (RW-2). Neither can a
/// reader become a writer, or the reverse. The writer waits only for the readers that were inside
/// when it came; when it leaves, all readers that wait by then go before the next writer (RW-3).
/// Among themselves writers compete as for a mutex.
///
///              | free     readers inside   + a writer waits    a writer inside
///  lock_shared | enters   enters           waits               waits
///  lock        | enters   waits            waits               waits
class shared_mutex {
 public:
  constexpr shared_mutex() noexcept = default;
  shared_mutex(const shared_mutex&) = delete;
  shared_mutex& operator=(const shared_mutex&) = delete;

  /// Locks for writing.
  /// Blocks  goroutine (or the foreign thread).   Cancel  lock(ctx), try_lock_for().
  /// Order   every unlock() and unlock_shared() before it happens before lock() returns (MM-6).
  /// Errors  none (std::bad_alloc on a foreign thread's first wait).
  /// Cost    two locked instructions when free.   Threads any.   Go  sync.RWMutex.Lock; RW-1..3.
  /// Test    unit/runtime/shared_mutex_test.cpp
  void lock() { lock_limited({}); }

  /// lock() that gives up when ctx is done. A null error: locked; otherwise ctx.err(), not locked,
  /// and the readers that waited behind it are let in. A context that is done already: not locked,
  /// even if the lock is free.   Go  golang/go#40026 asks for it; U-6.
  template <detail::cancelable Context>
  [[nodiscard]] error lock(const Context& ctx) {
    if (error e = ctx.err()) {
      return e;
    }
    return lock_limited({detail::never, detail::signal_of(ctx)}) == detail::wait_end::woken
               ? error{}
               : ctx.err();
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

  /// True: locked for writing. Never waits; may fail although the lock is free, and then orders
  /// nothing.   Go  sync.RWMutex.TryLock; RW-5.
  [[nodiscard]] bool try_lock() noexcept;

  /// Errors  without a writer inside it ends the program, naming the goroutine (RW-4).
  /// Cost    two locked instructions, and O(readers that wait).   Go  sync.RWMutex.Unlock; RW-3.
  void unlock();

  /// Locks for reading. Blocks, Errors, Threads  as lock().   Cancel  lock_shared(ctx),
  /// try_lock_shared_for().
  /// Order   every unlock() before it happens before lock_shared() returns; every unlock_shared()
  ///         happens before the next lock() returns (MM-6).
  /// Cost    one locked instruction while no writer is there, none while one worker is awake.
  /// Go      sync.RWMutex.RLock; RW-1, RW-2.
  void lock_shared() {
    if (!try_lock_shared()) {
      lock_shared_slow({});
    }
  }

  /// lock_shared() that gives up when ctx is done; as lock(ctx).
  template <detail::cancelable Context>
  [[nodiscard]] error lock_shared(const Context& ctx) {
    if (error e = ctx.err()) {
      return e;
    }
    const bool mine =
        try_lock_shared() ||
        lock_shared_slow({detail::never, detail::signal_of(ctx)}) == detail::wait_end::woken;
    return mine ? error{} : ctx.err();
  }

  /// lock_shared() that gives up after d, or at t; as try_lock_for().
  template <class Rep, class Period>
  [[nodiscard]] bool try_lock_shared_for(const std::chrono::duration<Rep, Period>& d) {
    return try_lock_shared() || try_lock_shared_until_ns(detail::deadline_after(d));
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_lock_shared_until(const std::chrono::time_point<Clock, Duration>& t) {
    return try_lock_shared_until_ns(detail::deadline_at(t));
  }

  /// True: locked for reading. Never waits. False: a writer is inside or waits for the readers to
  /// leave.   Go  sync.RWMutex.TryRLock; RW-5.
  [[nodiscard]] bool try_lock_shared() noexcept {
    if (detail::solo_section alone; alone) {
      const std::uint32_t state = state_.load(detail::relaxed);  // relaxed: see [solo]
      if ((state & writer) == 0) {
        state_.store(state + one_reader, detail::relaxed);  // relaxed: [solo.3] publishes it
        return true;
      }
    }
    return try_lock_shared_beside();
  }

  /// Errors  without a reader inside it ends the program, naming the goroutine (RW-4).
  /// Cost    as lock_shared(), while no writer waits.   Go  sync.RWMutex.RUnlock.
  void unlock_shared() {
    if (detail::solo_section alone; alone) {
      const std::uint32_t state = state_.load(detail::relaxed);  // relaxed: see [solo]
      if ((state & writer) == 0 && state >= one_reader) {
        state_.store(state - one_reader, detail::relaxed);  // relaxed: [solo.3] publishes it
        return;
      }
    }
    unlock_shared_beside();
  }

 private:
  static constexpr std::uint32_t writer = 1;      // one is inside, or waits for readers to leave
  static constexpr std::uint32_t waiting = 2;     // on readers_ or as announced_; with writer only
  static constexpr std::uint32_t one_reader = 4;  // counts those inside; 2^30 goroutines do not fit

  struct batch {
    detail::waiter* first;  // for ready_chain()
    std::uint32_t inside;   // to be added to state_
  };

  void race_acquire_for_writing() noexcept;
  detail::wait_end lock_limited(const detail::wait_limit& limit);
  detail::wait_end lock_in_turn(const detail::wait_limit& limit);
  detail::wait_end announce(const detail::wait_limit& limit);
  void withdraw(detail::waiter* w);
  bool try_lock_until_ns(std::int64_t deadline);
  void unlock_slow();

  // While other threads run weft code.
  bool try_lock_shared_beside() noexcept;
  void unlock_shared_beside();
  detail::wait_end lock_shared_slow(const detail::wait_limit& limit);
  detail::wait_end wait_to_read(const detail::wait_limit& limit);
  void leave_queue(detail::waiter* w) noexcept;
  bool try_lock_shared_until_ns(std::int64_t deadline);
  void unlock_shared_slow();

  batch take_readers() noexcept;
  bool claim_announced() noexcept;

  // [shared_mutex] the bits above. Changes by CAS, the owner of [solo] needs none, while `writer`
  // is not set; while it is, by its holder when nobody waits, else under lock_ only.
  detail::atomic<std::uint32_t> state_{0};
  detail::biased_lock lock_;
  detail::waiter_queue readers_;  // guarded by lock_
  detail::waiter* announced_ =
      nullptr;     // guarded by lock_: the writer that waits, holding writers_
  mutex writers_;  // held by the writer inside, or by announced_
};

}  // namespace weft
