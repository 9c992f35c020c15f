#pragma once
// The goroutines that one worker spawned and that have not started: the owner takes the newest
// (depth first, so that a tree of goroutines needs little memory and stays in cache), thieves
// take the oldest (the largest subtrees). Bounded. After Chase and Lev, "Dynamic circular
// work-stealing deque" (SPAA 2005), with the fence of Le et al. (PPoPP 2013) replaced by a
// sequentially consistent exchange, which race detectors and model checkers understand. [deque]
#include <weft/detail/atomic.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

template <class T, std::size_t Capacity>
class deque {
  static_assert((Capacity & (Capacity - 1)) == 0);

 public:
  /// Owner only. False when full.
  bool push(T* item) noexcept {
    const std::int64_t bottom = bottom_.load(relaxed);  // relaxed: owner-only word
    // acquire: pairs with [deque.4]: a slot is reused only after the thief read it.
    const std::int64_t top = top_.load(acquire);
    if (bottom - top >= static_cast<std::int64_t>(Capacity)) {
      return false;
    }
    slots_[slot(bottom)].store(item, relaxed);  // relaxed: published by the next line
    bottom_.store(bottom + 1, release);  // [deque.1] release: publishes the item; see [deque.3]
    return true;
  }

  /// Owner only: the newest.
  T* pop() noexcept {
    const std::int64_t bottom = bottom_.load(relaxed) - 1;  // relaxed: owner-only word
    // relaxed: top only grows, so an empty deque is seen as empty without a locked instruction.
    if (bottom < top_.load(relaxed)) {
      return nullptr;
    }
    // [deque.2] seq_cst RMW before the read of top: a thief's CAS of top [deque.4] and this
    // claim cannot both miss each other. A release store would (store buffering).
    bottom_.exchange(bottom, seq_cst);
    std::int64_t top = top_.load(seq_cst);  // [deque.2] seq_cst: after the claim, see above
    if (top < bottom) {
      return slots_[slot(bottom)].load(relaxed);  // relaxed: the owner wrote it
    }
    T* item = nullptr;
    if (top == bottom) {
      // The last one: race the thieves for it.
      // relaxed: the owner wrote it; void if the CAS fails.
      T* last = slots_[slot(bottom)].load(relaxed);
      // [deque.4] seq_cst: as in steal().
      if (top_.compare_exchange(top, top + 1, seq_cst, relaxed)) {
        item = last;
      }
    }
    bottom_.store(bottom + 1, release);  // [deque.1] release: as in push(): nothing is taken back
    return item;
  }

  /// pop() and steal() in a section of [gate]: no locked instruction.
  T* pop_alone() noexcept {
    const std::int64_t bottom = bottom_.load(relaxed) - 1;  // relaxed: owner-only word
    if (bottom < top_.load(relaxed)) {                      // relaxed: no other taker
      return nullptr;
    }
    bottom_.store(bottom, relaxed);             // relaxed: [gate.2] publishes it
    return slots_[slot(bottom)].load(relaxed);  // relaxed: the owner wrote it
  }
  T* steal_alone() noexcept {
    const std::int64_t top = top_.load(relaxed);  // relaxed: no other taker
    if (top >= bottom_.load(relaxed)) {           // relaxed: owner-only word
      return nullptr;
    }
    top_.store(top + 1, relaxed);            // relaxed: [gate.2] publishes it
    return slots_[slot(top)].load(relaxed);  // relaxed: the owner wrote it
  }

  /// Any thread: the oldest, or nullptr when there is none or another thread was faster.
  T* steal() noexcept {
    std::int64_t top = top_.load(seq_cst);  // [deque.3] seq_cst: before bottom, see [deque.2]
    // [deque.3] seq_cst: pairs with [deque.1] (the item) and [deque.2] (the owner's claim).
    const std::int64_t bottom = bottom_.load(seq_cst);
    if (top >= bottom) {
      return nullptr;
    }
    T* item = slots_[slot(top)].load(relaxed);  // relaxed: void if the CAS fails
    // [deque.4] seq_cst: one taker per item; release: the slot was read before it is reused.
    if (!top_.compare_exchange(top, top + 1, seq_cst, relaxed)) {
      return nullptr;
    }
    return item;
  }

  /// Any thread: a recent number of items.
  std::uint32_t size() const noexcept {
    const std::int64_t top = top_.load(relaxed);         // relaxed: a hint
    const std::int64_t n = bottom_.load(relaxed) - top;  // relaxed: a hint
    return n < 0 ? 0 : static_cast<std::uint32_t>(n);
  }

  /// Any thread: moves when the oldest item leaves.
  std::uint32_t position() const noexcept {
    return static_cast<std::uint32_t>(top_.load(relaxed));  // relaxed: a hint about progress
  }

 private:
  static std::size_t slot(std::int64_t i) noexcept {
    return static_cast<std::size_t>(i) % Capacity;
  }

  // [deque] oldest item; only grows; moved by CAS by thieves and by the owner for the
  // last item, in a section of [gate] by a store.
  alignas(cache_line) atomic<std::int64_t> top_{0};
  // [deque] one past the newest; written by the owner only.
  alignas(cache_line) atomic<std::int64_t> bottom_{0};
  // [deque] written by the owner before bottom moves.
  atomic<T*> slots_[Capacity];
};

}  // namespace weft::detail
