#pragma once
// once: something that is done exactly once.
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/park.hpp>
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
  /// Cancel  not interruptible.   Order  the end of f happens before any do_() returns (MM-6).
  /// Errors  null_function, and nothing is done then; what f throws.
  /// Cost    one load when done.   Threads any.
  /// Go      sync.Once.Do; ON-1.   Test  unit/runtime/once_test.cpp
  template <class F>
  void do_(F&& f) {
    if (detail::is_null(f)) {
      throw null_function("weft: once: the function is null");
    }
    // [once.1] acquire: pairs with the release in finish().
    if (state_.load(detail::acquire) == done || !begin()) {
      return;
    }
    struct finally {
      once& o;
      ~finally() { o.finish(); }
    } ended{*this};
    std::invoke(std::forward<F>(f));
  }

 private:
  static constexpr std::uint8_t fresh = 0, running = 1, done = 2;

  bool begin();  // true: the caller runs f; false: it has been run
  void finish() noexcept;

  // [once] one of the above, in this order. Written under lock_.
  detail::atomic<std::uint8_t> state_{fresh};
  detail::biased_lock lock_;
  detail::waiter_queue waiters_;  // guarded by lock_
};

}  // namespace weft
