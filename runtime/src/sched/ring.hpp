#pragma once
// The queue of goroutines that wait for their turn on one worker: FIFO, bounded, lock-free. The
// owner pushes and pops, thieves take half. Readied and yielded goroutines go here.
// After the run queue of Go's scheduler (runtime/proc.go, runqput and runqgrab). [ring]
#include <weft/detail/atomic.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

template <class T, std::size_t Capacity>
class ring {
  static_assert((Capacity & (Capacity - 1)) == 0);

 public:
  /// Owner only. False when full.
  bool push(T* item) noexcept {
    // acquire: pairs with [ring.3]: a slot is reused only after the taker read it.
    const std::uint32_t head = head_.load(acquire);
    const std::uint32_t tail = tail_.load(relaxed);  // relaxed: owner-only word
    if (tail - head >= Capacity) {
      return false;
    }
    slots_[tail % Capacity].store(item, relaxed);  // relaxed: published by the next line
    tail_.store(tail + 1, release);  // [ring.1] release: publishes slot and item; see [ring.2]
    return true;
  }

  /// Owner only.
  T* pop() noexcept {
    // acquire: another taker may have moved it; pairs with [ring.3].
    std::uint32_t head = head_.load(acquire);
    for (;;) {
      if (head == tail_.load(relaxed)) {  // relaxed: owner-only word
        return nullptr;
      }
      T* item = slots_[head % Capacity].load(relaxed);  // relaxed: the owner wrote it
      // [ring.3] release: the slot has been read before it can be reused.
      if (head_.compare_exchange(head, head + 1, acq_rel, acquire)) {
        return item;
      }
    }
  }

  /// pop() in a section of [gate]: no locked instruction.
  T* pop_alone() noexcept {
    const std::uint32_t head = head_.load(relaxed);  // relaxed: no other taker
    if (head == tail_.load(relaxed)) {               // relaxed: owner-only word
      return nullptr;
    }
    T* item = slots_[head % Capacity].load(relaxed);  // relaxed: the owner wrote it
    head_.store(head + 1, relaxed);                   // relaxed: [gate.2] publishes it
    return item;
  }

  /// Any thread: takes up to half, at least one if there is any, into out[0..n), oldest first.
  std::size_t steal(T** out, std::size_t most) noexcept {
    std::uint32_t head = head_.load(acquire);  // acquire: pairs with [ring.3]
    for (;;) {
      // [ring.2] acquire: pairs with [ring.1]: the slots below tail are filled.
      const std::uint32_t tail = tail_.load(acquire);
      std::uint32_t n = tail - head;
      n -= n / 2;
      if (n == 0 || n > Capacity) {
        if (n == 0) {
          return 0;
        }
        // [ring.3] acquire: head and tail were read too far apart: again
        head = head_.load(acquire);
        continue;
      }
      if (n > most) {
        n = static_cast<std::uint32_t>(most);
      }
      for (std::uint32_t i = 0; i < n; ++i) {
        // relaxed: ordered by the acquire of tail; void if the CAS below fails.
        out[i] = slots_[(head + i) % Capacity].load(relaxed);
      }
      // [ring.3] release: the slots have been read before they can be reused.
      if (head_.compare_exchange(head, head + n, acq_rel, acquire)) {
        return n;
      }
    }
  }

  /// In a section of [gate], as pop_alone(): the item that is to be taken after
  /// `before` others, or null.
  T* ahead(std::uint32_t before) const noexcept {
    const std::uint32_t head = head_.load(relaxed);                // relaxed: no other taker
    return tail_.load(relaxed) - head > before                     // relaxed: owner-only word
               ? slots_[(head + before) % Capacity].load(relaxed)  // relaxed: the owner wrote it
               : nullptr;
  }

  /// Any thread: a recent number of items.
  std::uint32_t size() const noexcept {
    // relaxed: a hint; head is read first so that the difference is not negative by more than
    // what is taken meanwhile.
    const std::uint32_t head = head_.load(relaxed);
    const std::uint32_t n = tail_.load(relaxed) - head;  // relaxed: as above
    return n > Capacity ? 0 : n;
  }

  /// Any thread: moves when the oldest item leaves.
  std::uint32_t position() const noexcept {
    return head_.load(relaxed);  // relaxed: a hint about progress
  }

 private:
  // [ring] next to take; moved by CAS by the owner and by thieves, in a section of [gate] by a
  // store.
  alignas(cache_line) atomic<std::uint32_t> head_{0};
  // [ring] next to fill; written by the owner, read by thieves.
  alignas(cache_line) atomic<std::uint32_t> tail_{0};
  // [ring] slots between head and tail hold items. Written by the owner before tail moves.
  atomic<T*> slots_[Capacity];
};

}  // namespace weft::detail
