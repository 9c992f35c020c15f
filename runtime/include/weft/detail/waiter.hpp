#pragma once
// What a blocked party leaves in the queue of the thing that it waits for. It lives on the
// parked stack: no allocation, and it is valid exactly as long as it is linked or its owner
// is parked. Goroutines and foreign threads use the same type: `who` is either.
//
// [claim] A waiter that is linked in one queue only belongs to whoever unlinks it under that
// queue's lock. A waiter that can be woken from several sides (select) names a `ticket`: the
// first to move the goroutine's claim word from ticket to ticket + 1 + index wins; losers drop
// the waiter from their queue and go on to the next one (SE-9). Nobody touches a waiter after
// ready(who).
#include <weft/detail/atomic.hpp>

namespace weft::detail {

class goroutine;

/// What the waker tells the woken.
enum class wake_result : std::uint8_t {
  pending,
  done,
  closed,
  again,      ///< what it waits for has changed: it must look again
  abandoned,  ///< nobody is left who could end the wait
};

struct select_wait;

struct waiter {
  waiter* prev = nullptr;
  waiter* next = nullptr;
  goroutine* who = nullptr;
  void* value = nullptr;                      ///< where to put the value, or where to take it from
  std::uint64_t ticket = 0;                   ///< 0: linked in one queue only, no claim needed
  std::uint32_t index = 0;                    ///< which case of a select this is
  wake_result result = wake_result::pending;  ///< written by the waker before ready()
  bool linked = false;                        ///< in a queue; guarded by that queue's lock
  // [lost] How many of the channel's handles belong to whoever waits, for as long as it takes; 0:
  // none for certain, or nobody looks.
  std::uint8_t handles = 0;
  const select_wait* select = nullptr;  ///< [lost] all cases of the select that this is one of
};

/// Intrusive FIFO with removal from the middle in O(1) (CH-22). Guarded by its owner's lock.
class waiter_queue {
 public:
  bool empty() const noexcept { return head_ == nullptr; }
  waiter* front() const noexcept { return head_; }

  void push_back(waiter* w) noexcept {
    w->prev = tail_;
    w->next = nullptr;
    w->linked = true;
    (tail_ != nullptr ? tail_->next : head_) = w;
    tail_ = w;
  }

  void push_front(waiter* w) noexcept {
    w->prev = nullptr;
    w->next = head_;
    w->linked = true;
    (head_ != nullptr ? head_->prev : tail_) = w;
    head_ = w;
  }

  void remove(waiter* w) noexcept {
    (w->prev != nullptr ? w->prev->next : head_) = w->next;
    (w->next != nullptr ? w->next->prev : tail_) = w->prev;
    w->linked = false;
  }

  waiter* pop_front() noexcept {
    waiter* w = head_;
    if (w != nullptr) {
      remove(w);
    }
    return w;
  }

  /// All waiters as a chain by `next`, each unlinked.
  waiter* take_all() noexcept {
    waiter* first = head_;
    for (waiter* w = first; w != nullptr; w = w->next) {
      w->linked = false;
    }
    head_ = nullptr;
    tail_ = nullptr;
    return first;
  }

 private:
  waiter* head_ = nullptr;
  waiter* tail_ = nullptr;
};

}  // namespace weft::detail
