#pragma once
// Time as channels: after, timer, ticker, tick; and as goroutines: after_func. sleep is in
// <weft/sleep.hpp>. All times are of std::chrono::steady_clock; nothing changes when somebody sets
// the date (TM-2).
//
// The channel of a timer has no buffer and nobody behind it: a value is there when the time has
// come and a receiver looks. So a timer that nobody waits for costs nothing while it runs, and
// stop() and reset() leave no stale value (TM-3..5, T8).
#include <weft/chan.hpp>
#include <weft/detail/timer.hpp>
#include <weft/go.hpp>
#include <weft/sleep.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {

// What timer and ticker share.
class timed_chan {
 public:
  timed_chan(std::int64_t first_ns, std::int64_t period_ns);
  timed_chan(timed_chan&&) noexcept = default;
  timed_chan& operator=(timed_chan&& o) noexcept {
    if (this != &o) {
      set(false, 0, 0);
      chan_ = std::move(o.chan_);
    }
    return *this;
  }
  ~timed_chan() { set(false, 0, 0); }
  const recv_chan<time_point>& chan() const noexcept { return chan_; }
  bool set(bool active, std::int64_t first_ns, std::int64_t period_ns) noexcept;

 private:
  recv_chan<time_point> chan_;
};

recv_chan<time_point> after_ns(std::int64_t ns);
[[noreturn]] void throw_bad_period(const char* who);
template <class Rep, class Period>
std::int64_t period_ns(const char* who, const std::chrono::duration<Rep, Period>& d) {
  const std::int64_t ns = to_ns(d);
  if (ns == 0) {
    throw_bad_period(who);
  }
  return ns;
}

}  // namespace detail

/// A channel that gives one value, the time that was due, once d has passed; at once for d <= 0,
/// never for a d whose end cannot be represented. If nobody receives it, it goes with its last
/// handle.
/// Blocks  no.   Errors  std::bad_alloc.   Cost  one allocation.
/// Order   what precedes the call happens before a receive from the channel (MM-8).
/// Threads any; a runtime is needed only by goroutines that wait.
/// Go      time.After; TM-3, TM-14.
template <class Rep, class Period>
[[nodiscard]] recv_chan<time_point> after(const std::chrono::duration<Rep, Period>& d) {
  return detail::after_ns(detail::to_ns(d));
}

/// One value on a channel, once d has passed, unless stopped before. Destruction stops it. It can
/// be moved; the channel stays the same.
///
/// | state             | stop()     | reset(d)       | receive                                  |
/// |-------------------|------------|----------------|------------------------------------------|
/// | running           | true       | true, runs     | waits                                    |
/// | due, not received | true       | true, runs     | gives the time that was due; then spent  |
/// | spent or stopped  | false      | false, runs    | waits (a stop does not end the wait)     |
///
/// After stop() or reset() no value of the former setting is received (TM-4, TM-5). Its channel has
/// length and capacity 0 (TM-3) and is never closed (TM-6).
/// Threads any function from several threads at once (TM-17); a move or destruction alone.
/// Go      time.Timer; TM-3..6, TM-12, TM-14, TM-17.   Test  unit/channels/time_test.cpp
class timer {
 public:
  /// Errors  std::bad_alloc.   Go  time.NewTimer.
  template <class Rep, class Period>
  explicit timer(const std::chrono::duration<Rep, Period>& d) : core_(detail::to_ns(d), 0) {}

  const recv_chan<time_point>& chan() const noexcept { return core_.chan(); }
  /// True if a value is prevented, one that is due but not received included. Does not wake those
  /// who wait for it.   Blocks  no.   Go  Timer.Stop; TM-4, TM-6.
  bool stop() noexcept { return core_.set(false, 0, 0); }
  /// Starts it anew; the result as for stop().   Blocks  no.   Go  Timer.Reset; TM-5.
  template <class Rep, class Period>
  bool reset(const std::chrono::duration<Rep, Period>& d) noexcept {
    return core_.set(true, detail::to_ns(d), 0);
  }

 private:
  detail::timed_chan core_;
};

/// A value on a channel every d. One tick at most waits to be received; those that come while it
/// does are dropped; the grid is kept, there is no drift (TM-9). Each value is the time at which
/// the tick was due. Destruction stops it; the channel is never closed.
/// Threads as timer.
/// Go      time.Ticker; TM-9, TM-10.   Test  unit/channels/time_test.cpp
class ticker {
 public:
  /// Errors  bad_period for d <= 0; std::bad_alloc.   Go  time.NewTicker.
  template <class Rep, class Period>
  explicit ticker(const std::chrono::duration<Rep, Period>& d)
      : ticker(detail::period_ns("ticker", d)) {}

  const recv_chan<time_point>& chan() const noexcept { return core_.chan(); }
  /// No more ticks, not even one that is due.   Blocks  no.   Go  Ticker.Stop; TM-10.
  void stop() noexcept { core_.set(false, 0, 0); }
  /// A new period; the first tick comes when it has passed.
  /// Errors  bad_period for d <= 0; nothing changes.   Go  Ticker.Reset; TM-10.
  template <class Rep, class Period>
  void reset(const std::chrono::duration<Rep, Period>& d) {
    const std::int64_t ns = detail::period_ns("ticker: reset", d);
    core_.set(true, ns, ns);
  }

 private:
  explicit ticker(std::int64_t ns) : core_(ns, ns) {}
  detail::timed_chan core_;
};

/// A ticker's channel without the ticker; nil for d <= 0 (TM-11). It ticks as long as it has
/// handles.
/// Errors  std::bad_alloc.   Go  time.Tick.
template <class Rep, class Period>
[[nodiscard]] recv_chan<time_point> tick(const std::chrono::duration<Rep, Period>& d);

namespace detail {

// A function that runs in a goroutine of its own when the time has come. Kept by its handle, by the
// armed timer, and by each goroutine that runs it.
class func_timer {
 public:
  func_timer(const func_timer&) = delete;
  func_timer& operator=(const func_timer&) = delete;

  void start(std::int64_t ns) {
    biased_guard hold(lock_);
    arm(ns);
  }
  bool stop() noexcept;
  bool reset(std::int64_t ns);

  void retain() noexcept { refs_.fetch_add(1, relaxed); }  // relaxed: the caller holds one
  void drop() noexcept {
    // [refs.1] acq_rel: who destroys it sees all that the others did.
    if (refs_.fetch_sub(1, acq_rel) == 1) {
      delete this;
    }
  }

 protected:
  explicit func_timer(std::source_location site) noexcept : site_(site) {}
  virtual ~func_timer() = default;
  virtual void run() = 0;

 private:
  void arm(std::int64_t ns);
  bool disarm() noexcept;
  static void fire(void* self, timer_outcome outcome) noexcept;

  atomic<std::uint32_t> refs_{1};
  biased_lock lock_;      // guards the rest
  bool forever_ = false;  // started with a time that never comes
  armed_timer armed_;
  const std::source_location site_;
};

template <class F>
class func_timer_of final : public func_timer {
 public:
  template <class G>
  func_timer_of(G&& f, std::source_location site) : func_timer(site), f_(std::forward<G>(f)) {}

 private:
  void run() override { std::invoke(f_); }
  F f_;
};

struct func_timer_access;

/// Can be called again and again once it was copied.
template <class F>
concept repeatable = std::is_invocable_v < std::decay_t<F>
& > ;

}  // namespace detail

/// What after_func() returns: stops the function's start. Destruction stops it, too, unless
/// detached.
/// Go  time.Timer as returned by time.AfterFunc; TM-7, TM-8.
class [[nodiscard("destruction stops it: keep it, or call detach()")]] func_timer_handle {
 public:
  func_timer_handle(func_timer_handle && o) noexcept : core_(std::exchange(o.core_, nullptr)) {}
  /// The function that it had is stopped.
  func_timer_handle& operator=(func_timer_handle&& o) noexcept {
    func_timer_handle taken(std::move(o));
    std::swap(core_, taken.core_);
    return *this;
  }
  ~func_timer_handle() {
    if (core_ != nullptr) {
      core_->stop();
      core_->drop();
    }
  }

  /// True if it kept the function from starting; false if it has started, or was stopped before.
  /// Does not wait for it.   Blocks  no.   Go  Timer.Stop; TM-7.
  bool stop() noexcept { return core_ != nullptr && core_->stop(); }
  /// Starts it anew; true if it had been running. After false, two runs of the function may overlap
  /// (TM-8).   Errors  no_runtime, std::bad_alloc; it is stopped then.   Go  Timer.Reset.
  template <class Rep, class Period>
  bool reset(const std::chrono::duration<Rep, Period>& d) {
    return core_ != nullptr && core_->reset(detail::to_ns(d));
  }
  /// It goes on without this handle.
  void detach() noexcept {
    if (core_ != nullptr) {
      std::exchange(core_, nullptr)->drop();
    }
  }

 private:
  friend struct detail::func_timer_access;
  explicit func_timer_handle(detail::func_timer * core) noexcept : core_(core) {}
  detail::func_timer* core_;
};

struct detail::func_timer_access {
  static func_timer_handle start(std::int64_t ns, func_timer* core) {
    func_timer_handle h(core);
    core->start(ns);
    return h;
  }
};

/// Runs f() in a goroutine of its own once d has passed; soon for d <= 0. f is decay-copied now and
/// destroyed when it cannot run any more.
/// Blocks  no.   Order  what precedes the call, or reset(), happens before f (MM-8).
/// Errors  null_function, no_runtime, std::bad_alloc, what copying f throws: nothing happens then.
///         An exception that leaves f ends the program (PN-1). If there is no memory for the
///         goroutine when the time has come, the program ends with a message.
/// Threads any.   Go  time.AfterFunc; TM-7, TM-8.   Test  unit/channels/time_test.cpp
template <class Rep, class Period, detail::repeatable F>
func_timer_handle after_func(const std::chrono::duration<Rep, Period>& d, F&& f,
                             std::source_location site = std::source_location::current()) {
  if (detail::is_null(f)) {
    throw null_function("weft: after_func: the function is null");
  }
  return detail::func_timer_access::start(
      detail::to_ns(d), new detail::func_timer_of<std::decay_t<F>>(std::forward<F>(f), site));
}

namespace detail {
recv_chan<time_point> tick_ns(std::int64_t ns);
}  // namespace detail

template <class Rep, class Period>
recv_chan<time_point> tick(const std::chrono::duration<Rep, Period>& d) {
  const std::int64_t ns = detail::to_ns(d);
  return ns == 0 ? recv_chan<time_point>() : detail::tick_ns(ns);
}

}  // namespace weft
