#pragma once
// Something that happens once, for all who wait, as one more wake source of a wait: what a context
// gives to every primitive that can be cancelled. See [limit] in docs/protocols.md.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/detail/waiter.hpp>

#include <cstdint>

namespace weft::detail {

class done_signal {
 public:
  done_signal() noexcept = default;
  done_signal(const done_signal&) = delete;
  done_signal& operator=(const done_signal&) = delete;

  /// Has it happened? One load. What preceded it happens before a true answer.
  bool done() const noexcept {
    return done_.load(acquire) != 0;  // [limit.5] acquire: pairs with finish_locked()
  }

  /// For park_limited(), after its caller has left its stack: adds a waiter with a ticket; when it
  /// has happened already, claims the wait and wakes the goroutine at once.
  void join(waiter* w) noexcept;
  /// Takes the waiter out, if it is still in. After this nobody touches it.
  void leave(waiter* w) noexcept;

  /// It happens now. False: it had happened before.
  bool fire() noexcept;

 protected:
  /// The parts of fire() for an owner that guards more than this with lock_. With lock_ held, not
  /// done: marks it done and returns those who must be woken, after unlocking, by ready_chain().
  [[nodiscard]] waiter* finish_locked() noexcept;

  biased_lock lock_;  // guards waiters_ and the change of done_

 private:
  // [limit] 1 once it has happened. Written under lock_, read without it.
  atomic<std::uint32_t> done_{0};
  waiter_queue waiters_;
};

}  // namespace weft::detail
