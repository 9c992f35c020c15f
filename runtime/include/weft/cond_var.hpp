#pragma once
// cond_var: waits for a condition that a lock guards.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/park.hpp>

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
  /// Blocks  goroutine (or the foreign thread).   Cancel  not interruptible.
  /// Order   notify happens before the wait() that it wakes returns (MM-6).
  /// Errors  what lock and unlock throw; if unlock throws, the caller has left the queue.
  /// Threads any.   Go  sync.Cond.Wait; CV-1.   Test  unit/runtime/cond_var_test.cpp
  template <class Lock>
  void wait(Lock& lock) {
    turn mine(*this);
    lock.unlock();
    mine.wait();
    lock.lock();
  }
  /// while (!condition()) wait(lock);
  template <class Lock, class Condition>
  void wait(Lock& lock, Condition condition) {
    while (!condition()) {
      wait(lock);
    }
  }

  /// Wakes the one who has waited longest, if any. The lock need not be held (CV-2).
  /// Blocks  no.   Go  sync.Cond.Signal.
  void notify_one() noexcept;
  /// Wakes all who wait now, none who come later (CV-3).
  /// Blocks  no.   Cost  O(waiters).   Go  sync.Cond.Broadcast.
  void notify_all() noexcept;

 private:
  // A place in the queue. [cond] Between joining and parking the caller runs user code (unlock),
  // so a notifier may come first: it then only marks the waiter, and the caller does not park.
  class turn {
   public:
    explicit turn(cond_var& c);
    ~turn();  // leaves the queue if unlock() threw
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    void wait() noexcept;

   private:
    cond_var& cond_;
    detail::waiter waiter_;
    bool waited_ = false;
  };

  detail::biased_lock lock_;  // guards waiters_ and each waiter's result and value
  detail::waiter_queue waiters_;
};

}  // namespace weft
