#pragma once
// once: something that is done exactly once.
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>
#include <weft/exceptions.hpp>
#include <weft/runtime.hpp>

#include <cstdint>
#include <functional>
#include <utility>

namespace weft {

/// Not copyable; must outlive all calls of do_().
class once {
 public:
  constexpr once() noexcept = default;
  once(const once&) = delete;
  once& operator=(const once&) = delete;

  /// Calls f() if nobody has; whoever comes while f runs waits until it has ended. An exception
  /// or goexit counts as done, unlike with std::call_once; the exception goes to the caller
  /// whose f threw. A do_() of the same once inside f waits for ever (ON-1).
  /// Blocks  goroutine (or the foreign thread), while another one runs f.
  /// Cancel  do_(ctx, f).   Order  the end of f happens before any do_() returns (MM-6).
  /// Errors  null_function, and nothing is done then; what f throws.
  /// Cost    one load when done.   Threads any.
  /// Go      sync.Once.Do; ON-1.   Test  unit/runtime/once_test.cpp
  template <class F>
  void do_(F&& f) {
    check(f);
    // [once.1] acquire: pairs with the release in finish().
    if (state_.load(detail::acquire) != done && begin({}) == turn::mine) {
      call(std::forward<F>(f));
    }
  }

  /// do_() that stops waiting for another's f when ctx is done. A null error: it has been done;
  /// otherwise ctx.err(), and it may be going on still. A context that is done already: f is not
  /// called; what has been done has been done. An f of the caller's own is not interrupted. A do_()
  /// of the same once inside f ends with ctx.
  template <detail::cancelable Context, class F>
  [[nodiscard]] error do_(const Context& ctx, F&& f) {
    check(f);
    // [once.1] acquire: pairs with the release in finish().
    if (state_.load(detail::acquire) == done) {
      return {};
    }
    if (error e = ctx.err()) {
      return e;
    }
    switch (begin({detail::never, detail::signal_of(ctx)})) {
      case turn::mine:
        call(std::forward<F>(f));
        return {};
      case turn::over:
        return {};
      case turn::gave_up:
        break;
    }
    return ctx.err();
  }

 private:
  static constexpr std::uint8_t fresh = 0, running = 1, done = 2;
  enum class turn : std::uint8_t {
    mine,     // the caller runs f
    over,     // it has been run
    gave_up,  // the limit came before its end
  };

  template <class F>
  static void check(const F& f) {
    if (detail::is_null(f)) {
      throw null_function("weft: once: the function is null");
    }
  }
  template <class F>
  void call(F&& f) {
    struct finally {
      once& o;
      ~finally() { o.finish(); }
    } ended{*this};
    std::invoke(std::forward<F>(f));
  }

  turn begin(const detail::wait_limit& limit);
  void finish() noexcept;

  // [once] one of the above, in this order. Written under lock_.
  detail::atomic<std::uint8_t> state_{fresh};
  detail::biased_lock lock_;
  detail::waiter_queue waiters_;  // guarded by lock_
};

}  // namespace weft
