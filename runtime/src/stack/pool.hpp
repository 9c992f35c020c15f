#pragma once
// Stacks of one size. Address space is reserved in slabs by whoever creates goroutines (and may
// be told that there is none); carving a stack out of a reserved slab cannot fail, so that the
// scheduler, which needs stacks at the worst moments, never has to. Invariant [stack]:
//   stacks reserved >= goroutine records + fibers that worker threads hold.
//
// A stack is, in turn: reserved (address space only) -> carved (guard, fiber record) -> in use
// or spare; spare fibers that stayed unused for a while become cold: their pages go back to the
// system, the guard stays.
#include <weft/detail/spinlock.hpp>

#include <cstddef>
#include <mutex>
#include <vector>

#include "stack/fiber.hpp"

namespace weft::detail {

/// [visit.7] Held by whoever looks at parked stacks, and by who frees what it would look at: stacks
/// of their own size, names. A leaf.
extern constinit spinlock visiting;

class stack_pool {
 public:
  static constexpr std::size_t slab_stacks = 64;

  /// usable_bytes is rounded up; the guard comes on top. New fibers run `main`.
  stack_pool(std::size_t usable_bytes, fiber_main main);
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  /// Reserves one more slab. Throws std::system_error, naming size and limit.
  void reserve_slab();

  /// A slab's worth of stacks is not needed any longer: the next reserve_slab() takes it over.
  void release_slab() noexcept;

  /// A chain by `next` of up to `most` fibers, one at least; their number in `taken`. From the
  /// shared spares; if there are none, a cold one, or new ones from reserved stacks.
  fiber* take_some(std::size_t most, std::size_t& taken) noexcept;

  /// Gives back a chain of spare fibers.
  void give_spares(fiber* first) noexcept;

  /// Returns the pages of half of the spares that nobody needed since the last call. Called rarely:
  /// a stack that is needed again costs a page fault and clearing the page. False: nothing is left
  /// that a later call would return.
  bool trim() noexcept;

  /// Of the shared spares; in AddressSanitizer's builds only.
  void forget_dead_frames() noexcept;

  /// Calls f(low, top) for every stack that was handed out once; its guard and its fiber may not be
  /// there yet. Not while it is trimmed.
  template <class F>
  void for_each_stack(F f) {
    for (std::size_t i = 0;; ++i) {
      std::lock_guard hold(lock_);
      if (i >= next_stack_) {
        return;
      }
      char* at = slabs_[i / slab_stacks] + span_ * (i % slab_stacks);
      f(static_cast<const char*>(at) + guard_bytes_, static_cast<const char*>(at) + span_);
    }
  }

  std::size_t usable_bytes() const noexcept { return span_ - guard_bytes_; }
  /// Address space of all slabs, guards included.
  std::size_t reserved_bytes() noexcept {
    std::lock_guard hold(lock_);
    return slabs_.size() * slab_stacks * span_;
  }
  std::size_t carved() noexcept {
    std::lock_guard hold(lock_);
    return carved_;
  }

  /// A fiber with its own mapping; throws std::system_error. Ends with unmap_fiber().
  static fiber* map_fiber(std::size_t usable_bytes, fiber_main main);
  static void unmap_fiber(fiber* f) noexcept;

 private:
  fiber* take_spare() noexcept;
  fiber* take_spares(std::size_t most, std::size_t& taken) noexcept;
  char* take_reserved(std::size_t most, std::size_t& taken) noexcept;
  void discard(fiber* f) noexcept;

  const std::size_t span_;
  const std::size_t guard_bytes_;
  const fiber_main main_;
  std::mutex lock_;  // guards what follows; held for list operations, a mapping, and while spares
                     // are trimmed
  std::vector<char*> slabs_;
  std::size_t released_slabs_ = 0;  // of slabs_, those that nobody counts on
  std::size_t next_stack_ = 0;      // first stack never used: slab next / 64, place next % 64
  std::vector<fiber*> spares_;      // capacity of both covers every stack: pushing never allocates
  std::vector<char*> cold_;
  std::size_t spare_low_ = 0;  // fewest spares since the last trim
  std::size_t carved_ = 0;
  std::size_t colour_ = 0;
};

}  // namespace weft::detail
