#pragma once
// sleep, sleep_until. Timers and tickers that are channels: <weft/time.hpp>.
#include <weft/detail/cancelable.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>

#include <chrono>
#include <cstdint>

namespace weft {

using time_point = std::chrono::steady_clock::time_point;

/// The time by which weft waits: that of std::chrono::steady_clock; in a bubble
/// (<weft/testing.hpp>) and in a deterministic run that of the simulated clock. Programs that are
/// to be simulated read this one.
/// Blocks  no.   Errors  none.   Threads any.   Go  time.Now; ST-2.
inline time_point now() noexcept {
  return time_point(
      std::chrono::duration_cast<time_point::duration>(std::chrono::nanoseconds(detail::now_ns())));
}

namespace detail {
/// Parks until the limit ends it.
wait_end sleep_limited(const wait_limit& limit);
}  // namespace detail

/// Waits for at least d. d <= 0 returns at once and is no yield; a d so long that its end cannot be
/// represented waits for ever (TM-1).
/// Blocks  goroutine (or the foreign thread).   Cancel  sleep(ctx, d).
/// Order   none.   Errors  none (std::bad_alloc on a foreign thread's first wait).
/// Units   any std::chrono duration, counted by std::chrono::steady_clock (TM-2).
/// Cost    O(log sleepers), no allocation in the long run.   Threads any.
/// Go      time.Sleep; TM-1, TM-2.   Test  unit/channels/time_test.cpp
template <class Rep, class Period>
void sleep(const std::chrono::duration<Rep, Period>& d) {
  if (const std::int64_t ns = detail::to_ns(d); ns > 0) {
    detail::sleep_limited({detail::deadline_after_ns(ns), nullptr});
  }
}

/// Waits until t, a point of std::chrono::steady_clock; returns at once if that is past. As
/// sleep().
template <class Clock, class Duration>
void sleep_until(const std::chrono::time_point<Clock, Duration>& t) {
  if (const std::int64_t deadline = detail::deadline_at(t); deadline > detail::now_ns()) {
    detail::sleep_limited({deadline, nullptr});
  }
}

/// sleep() that ends early when ctx is done. A null error: slept for d; otherwise ctx.err(). A
/// context that is done already: its error at once, even for d <= 0.   Go  golang/go#40736 asks for
/// it; U-12.
template <detail::cancelable Context, class Rep, class Period>
[[nodiscard]] error sleep(const Context& ctx, const std::chrono::duration<Rep, Period>& d) {
  if (error e = ctx.err()) {
    return e;
  }
  if (const std::int64_t ns = detail::to_ns(d); ns > 0) {
    if (detail::sleep_limited({detail::deadline_after_ns(ns), detail::signal_of(ctx)}) ==
        detail::wait_end::cancel) {
      return ctx.err();
    }
  }
  return {};
}

}  // namespace weft
