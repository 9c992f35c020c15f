#pragma once
// cond_var: waits for a condition that a lock guards.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>

#include <chrono>
#include <condition_variable>
#include <utility>

namespace weft {

/// Those who wait, first come, first served. No spurious wake-ups. Not copyable (CV-4). It may be
/// destroyed as soon as nobody waits.
class cond_var {
 public:
  cond_var() noexcept = default;
  cond_var(const cond_var&) = delete;
  cond_var& operator=(const cond_var&) = delete;

  /// Joins the queue, unlocks `lock`, waits for its turn, locks again. A notification after the
  /// unlock is not lost (CV-1). Lock: weft::mutex, std::unique_lock<weft::mutex>, or anything
  /// with lock() and unlock(); it is locked by the caller.
  /// Blocks  goroutine (or the foreign thread).   Cancel  wait(lock, ctx), wait_for(lock, d).
  /// Order   notify happens before the wait() that it wakes returns (MM-6).
  /// Errors  what lock and unlock throw; if unlock throws, the caller has left the queue.
  /// Threads any.   Go  sync.Cond.Wait; CV-1.   Test  unit/runtime/cond_var_test.cpp
  template <class Lock>
  void wait(Lock& lock) {
    turn mine(*this);
    lock.unlock();
    mine.wait({});
    lock.lock();
  }
  /// while (!condition()) wait(lock);
  template <class Lock, class Condition>
  requires(!detail::cancelable<Condition>) void wait(Lock& lock, Condition condition) {
    while (!condition()) {
      wait(lock);
    }
  }

  /// wait() that gives up after d, or at t, a point of std::chrono::steady_clock. The lock is held
  /// again in either case. A wait that has timed out has used up no notification (T13).
  template <class Lock, class Rep, class Period>
  std::cv_status wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& d) {
    return wait_limited(lock, {detail::deadline_after(d), nullptr}) == detail::wait_end::woken
               ? std::cv_status::no_timeout
               : std::cv_status::timeout;
  }
  template <class Lock, class Clock, class Duration>
  std::cv_status wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& t) {
    return wait_limited(lock, {detail::deadline_at(t), nullptr}) == detail::wait_end::woken
               ? std::cv_status::no_timeout
               : std::cv_status::timeout;
  }
  /// while (!condition()) wait, within one limit for all; returns condition()'s last answer.
  template <class Lock, class Rep, class Period, class Condition>
  bool wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& d, Condition condition) {
    return wait_limited(lock, {detail::deadline_after(d), nullptr}, condition);
  }
  template <class Lock, class Clock, class Duration, class Condition>
  bool wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& t,
                  Condition condition) {
    return wait_limited(lock, {detail::deadline_at(t), nullptr}, condition);
  }

  /// wait() that gives up when ctx is done: then ctx.err(), else a null error. The lock is held
  /// again in either case.   Go  golang/go#9578 asks for it; U-6.
  template <class Lock, detail::cancelable Context>
  [[nodiscard]] error wait(Lock& lock, const Context& ctx) {
    if (error e = ctx.err()) {
      return e;
    }
    return wait_limited(lock, {detail::never, detail::signal_of(ctx)}) == detail::wait_end::woken
               ? error{}
               : ctx.err();
  }
  /// while (!condition()), a null error once it is true, whatever the context says.
  template <class Lock, detail::cancelable Context, class Condition>
  [[nodiscard]] error wait(Lock& lock, const Context& ctx, Condition condition) {
    while (!condition()) {
      if (error e = wait(lock, ctx)) {
        return condition() ? error{} : e;
      }
    }
    return {};
  }

  /// Wakes the one who has waited longest, if any. The lock need not be held (CV-2).
  /// Blocks  no.   Go  sync.Cond.Signal.
  void notify_one() noexcept;
  /// Wakes all who wait now, none who come later (CV-3).
  /// Blocks  no.   Cost  O(waiters).   Go  sync.Cond.Broadcast.
  void notify_all() noexcept;

 private:
  // A place in the queue. [cond.1] Between joining and parking the caller runs user code (unlock),
  // so a notifier may come first: it then only marks the waiter, and the caller does not park.
  class turn {
   public:
    explicit turn(cond_var& c);
    ~turn();  // leaves the queue if unlock() threw
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    detail::wait_end wait(const detail::wait_limit& limit) noexcept;

   private:
    cond_var& cond_;
    detail::waiter waiter_;
    bool waited_ = false;
  };

  template <class Lock>
  detail::wait_end wait_limited(Lock& lock, const detail::wait_limit& limit) {
    turn mine(*this);
    lock.unlock();
    const detail::wait_end end = mine.wait(limit);
    lock.lock();
    return end;
  }
  template <class Lock, class Condition>
  bool wait_limited(Lock& lock, const detail::wait_limit& limit, Condition& condition) {
    while (!condition()) {
      if (wait_limited(lock, limit) != detail::wait_end::woken) {
        return condition();
      }
    }
    return true;
  }

  detail::waiter* pop_notified() noexcept;

  detail::biased_lock lock_;  // guards waiters_ and each waiter's result and value
  detail::waiter_queue waiters_;
};

}  // namespace weft
