#pragma once
// semaphore: a number of tokens that goroutines take and give back.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>
#include <weft/exceptions.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>

namespace weft {

/// Weighted: each caller takes as many tokens as it wants, all or none. Strictly first come, first
/// served: while the first in the queue does not fit, nobody behind it gets anything, however
/// little (SW-1). Not copyable. It may be destroyed as soon as nobody waits; tokens need not have
/// come back (HZ-1).
///
/// In all functions: n < 0 throws semaphore_error, n = 0 takes nothing but waits its turn.
class semaphore {
 public:
  class permit;

  /// size tokens, all free.   Errors  semaphore_error when size < 0.   Go  semaphore.NewWeighted.
  explicit semaphore(std::int64_t size);
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  /// Takes n tokens; waits until it is the caller's turn and there are as many.
  /// Blocks  goroutine (or the foreign thread).   Cancel  acquire(ctx, n), try_acquire_for().
  /// Order   a release() happens before the acquire() that gets its tokens returns.
  /// Errors  semaphore_error when n is more than there are at all: the wait could never end.
  ///         std::bad_alloc on a foreign thread's first wait. Nothing is held then.
  /// Cost    one lock, no allocation.   Threads any.
  /// Go      x/sync/semaphore.Weighted.Acquire; SW-1.   Test  unit/runtime/semaphore_test.cpp
  void acquire(std::int64_t n = 1) { acquire_limited(n, {}); }

  /// acquire() that gives up when ctx is done. A null error: n tokens are held; otherwise
  /// ctx.err(), and none is. A context that is done already gets none, even if they are free
  /// (SW-2). More than there are at all: waits for ctx, in nobody's way (SW-3); throws if ctx never
  /// ends.
  template <detail::cancelable Context>
  [[nodiscard]] error acquire(const Context& ctx, std::int64_t n = 1) {
    if (error e = ctx.err()) {
      return e;
    }
    return acquire_limited(n, {detail::never, detail::signal_of(ctx)}) ? error{} : ctx.err();
  }

  /// True: n tokens are held. Never waits; false also when somebody else waits.   Go  TryAcquire;
  /// SW-5.
  [[nodiscard]] bool try_acquire(std::int64_t n = 1);

  /// acquire() that gives up after d, or at t, a point of std::chrono::steady_clock. True: n tokens
  /// are held. Tries at least once, whatever the time.
  template <class Rep, class Period>
  [[nodiscard]] bool try_acquire_for(const std::chrono::duration<Rep, Period>& d,
                                     std::int64_t n = 1) {
    return acquire_limited(n, {detail::deadline_after(d), nullptr});
  }
  template <class Clock, class Duration>
  [[nodiscard]] bool try_acquire_until(const std::chrono::time_point<Clock, Duration>& t,
                                       std::int64_t n = 1) {
    return acquire_limited(n, {detail::deadline_at(t), nullptr});
  }

  /// Gives n tokens back; whoever has acquired them. Wakes as many in the queue, in order, as fit.
  /// Blocks  no.   Errors  semaphore_error when fewer are held; nothing is changed then (SW-6).
  /// Cost    O(woken).   Go  Weighted.Release.
  void release(std::int64_t n = 1);

 private:
  friend struct detail::describer;
  struct request;

  bool acquire_limited(std::int64_t n, const detail::wait_limit& limit);
  bool take_at_once(std::int64_t n) noexcept;
  detail::waiter* grant() noexcept;

  const std::int64_t size_;
  std::int64_t used_ = 0;  // guarded by lock_
  detail::biased_lock lock_;
  detail::waiter_queue waiters_;  // guarded by lock_; each is a request
};

/// Tokens that are given back at the end of the scope.
class [[nodiscard]] semaphore::permit {
 public:
  /// Holds nothing.
  permit() noexcept = default;
  /// Acquires n tokens of s.   Blocks, Errors  as acquire().
  explicit permit(semaphore& s, std::int64_t n = 1) : of_(&s), n_(n) { s.acquire(n); }
  /// Takes over n tokens that the caller has acquired.
  permit(semaphore& s, std::adopt_lock_t, std::int64_t n = 1) noexcept : of_(&s), n_(n) {}
  permit(permit&& o) noexcept : of_(std::exchange(o.of_, nullptr)), n_(o.n_) {}
  permit& operator=(permit&& o) noexcept {
    permit taken(std::move(o));
    std::swap(of_, taken.of_);
    std::swap(n_, taken.n_);
    return *this;
  }
  ~permit() { release(); }

  explicit operator bool() const noexcept { return of_ != nullptr; }
  /// Gives them back now.
  void release() noexcept {
    if (semaphore* s = std::exchange(of_, nullptr)) {
      s->release(n_);
    }
  }

 private:
  semaphore* of_ = nullptr;
  std::int64_t n_ = 0;
};

}  // namespace weft
