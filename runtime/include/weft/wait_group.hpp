#pragma once
// wait_group: waits for a number of goroutines to finish.
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>
#include <weft/go.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weft {

/// A counter and those who wait until it is zero. Starts at zero. It may be destroyed as soon as
/// every wait() has returned: done() touches nothing after that (HZ-1). A new round may begin
/// while waiters of the last one are still returning (WG-3, better than Go).
class wait_group {
 public:
  wait_group() noexcept = default;
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  /// Adds n, which may be negative, to the counter; at zero, all waiters are released. Going up
  /// from zero must be ordered before the wait() that is to notice it (WG-2).
  /// Blocks  no.   Order  what precedes done() or add() happens before the wait() it releases.
  /// Errors  negative_counter when the counter would go below zero, or above 2^31-1; it is
  ///         unchanged then.
  /// Cost    O(1), and O(waiters) at zero.   Threads any.   Go  sync.WaitGroup.Add; WG-1..3.
  void add(int n);

  /// add(-1).   Go  sync.WaitGroup.Done.
  void done() { add(-1); }

  /// Waits until the counter is zero.
  /// Blocks  goroutine (or the foreign thread).   Cancel  wait(ctx), wait_for(d).
  /// Errors  none (std::bad_alloc on a foreign thread's first wait).
  /// Threads any number of waiters.   Go  sync.WaitGroup.Wait; WG-1.
  void wait() { wait_limited({}); }

  /// wait() that gives up after d, or at t, a point of std::chrono::steady_clock. True: the counter
  /// was zero. False: it was not; the group may not be destroyed yet.   Go  golang/go#40916; U-6.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(const std::chrono::duration<Rep, Period>& d) {
    return wait_limited({detail::deadline_after(d), nullptr}) == detail::wait_end::woken;
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool wait_until(const std::chrono::time_point<Clock, Duration>& t) {
    return wait_limited({detail::deadline_at(t), nullptr}) == detail::wait_end::woken;
  }
  /// wait() that gives up when ctx is done: then ctx.err(). A null error: the counter was zero;
  /// that is looked at first, so a group that is through is not reported as cancelled.
  template <detail::cancelable Context>
  [[nodiscard]] error wait(const Context& ctx) {
    return wait_limited({detail::never, detail::signal_of(ctx)}) == detail::wait_end::woken
               ? error{}
               : ctx.err();
  }

  /// add(1), then runs f() in a new goroutine, then done() when f returns or calls goexit. An
  /// exception that leaves f ends the program before done(), so that wait() cannot return first
  /// (WG-4, U-1).
  /// Errors  those of weft::go; the counter is unchanged then.   Go  sync.WaitGroup.Go; WG-4, WG-5.
  template <class F>
  requires std::is_invocable_v<std::decay_t<F>>
  void go(F&& f, std::source_location site = std::source_location::current()) {
    if (detail::is_null(f)) {
      throw null_function("weft: wait_group: go: the function is null");
    }
    add(1);
    try {
      weft::go(
          [this, f = std::decay_t<F>(std::forward<F>(f))]() mutable {
            struct finally {
              wait_group* group;
              ~finally() { group->done(); }
            } f_ended{this};
            auto own = std::move(f);  // its captures are gone before done()
            std::invoke(std::move(own));
          },
          site);
    } catch (...) {
      done();
      throw;
    }
  }

 private:
  friend struct detail::describer;
  detail::wait_end wait_limited(const detail::wait_limit& limit);
  void note_first_add() noexcept;
  void note_wait_at_zero() noexcept;

  // [wait_group] { counter:32, waiters:32 }. Written by add() and wait(), RMW only. The counter
  // reaches zero while there are waiters only under lock_.
  detail::atomic<std::uint64_t> state_{0};
  detail::biased_lock lock_;  // guards waiters_
#if WEFT_RACE
  detail::atomic<bool> used_{false};  // has been above zero
#endif
  detail::waiter_queue waiters_;
};

}  // namespace weft
