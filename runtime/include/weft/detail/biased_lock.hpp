#pragma once
// The lock of everything that goroutines wait for: a spinlock that costs its owner no locked
// instruction while only one thread runs weft code ([solo]). Not for what the monitor or a
// signal handler touches.
#include <weft/detail/solo.hpp>
#include <weft/detail/spinlock.hpp>

namespace weft::detail {

class biased_lock {
 public:
  void lock() noexcept {
    if (solo_section alone; alone && lock_.take_alone()) {
      return;
    }
    lock_shared();
  }
  /// lock() by who holds another lock already: nobody else comes first [simulated.3].
  void lock_besides() noexcept {
    if (solo_section alone; alone && lock_.take_alone()) {
      return;
    }
    lock_shared_besides();
  }
  /// For a thread that is no worker, after solo_revoke(), while no worker can become the owner.
  void lock_unowned() noexcept { lock_.lock(); }
  void unlock() noexcept { lock_.unlock(); }

 private:
  void lock_shared() noexcept;
  void lock_shared_besides() noexcept;
  spinlock lock_;
};

class biased_guard {
 public:
  explicit biased_guard(biased_lock& l) noexcept : lock_(l) { lock_.lock(); }
  ~biased_guard() { lock_.unlock(); }
  biased_guard(const biased_guard&) = delete;
  biased_guard& operator=(const biased_guard&) = delete;

 private:
  biased_lock& lock_;
};

/// By who holds another lock already.
class biased_guard_besides {
 public:
  explicit biased_guard_besides(biased_lock& l) noexcept : lock_(l) { lock_.lock_besides(); }
  ~biased_guard_besides() { lock_.unlock(); }
  biased_guard_besides(const biased_guard_besides&) = delete;
  biased_guard_besides& operator=(const biased_guard_besides&) = delete;

 private:
  biased_lock& lock_;
};

}  // namespace weft::detail
