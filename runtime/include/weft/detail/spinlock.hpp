#pragma once
// A byte-sized lock for the few instructions that a queue of waiters needs. It is held across
// a goroutine switch (the next fiber unlocks), never across user code that may wait.
// Uncontended: one exchange and one plain store. A waiter spins briefly, then gives up its
// processor, then naps: the holder may have been preempted by the kernel, and on a machine with
// two cores spinning would only keep it from running. The unlocker never looks back, so the
// object that contains the lock may die right after the store.
#include <weft/detail/atomic.hpp>

namespace weft::detail {

class spinlock {
 public:
  void lock() noexcept {
    // [spinlock.1] acquire: pairs with the release in unlock(): all that the previous holder wrote
    // is seen.
    if (held_.exchange(1, acquire) != 0) [[unlikely]] {
      lock_slow();
    }
  }
  bool try_lock() noexcept {
    // [spinlock.1] acquire: as in lock().
    return held_.exchange(1, acquire) == 0;
  }
  /// lock() for the only thread that runs weft code: no locked instruction. False: it is held.
  bool take_alone() noexcept {
    if (held_.load(relaxed) != 0) {  // relaxed: see [solo]
      return false;
    }
    held_.store(1, relaxed);  // relaxed: as above
    return true;
  }
  void unlock() noexcept {
    // [spinlock.2] release: publishes what was written under the lock; the last touch of this
    // object.
    held_.store(0, release);
  }

 private:
  void lock_slow() noexcept;
  // 1: held. Written by lock and unlock only.
  atomic<std::uint8_t> held_;
};

class spin_guard {
 public:
  explicit spin_guard(spinlock& l) noexcept : lock_(l) { lock_.lock(); }
  ~spin_guard() { lock_.unlock(); }
  spin_guard(const spin_guard&) = delete;
  spin_guard& operator=(const spin_guard&) = delete;

 private:
  spinlock& lock_;
};

}  // namespace weft::detail
