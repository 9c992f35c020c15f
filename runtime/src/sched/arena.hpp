#pragma once
// Goroutine records and the stacks that they may come to need, per stack size. Immortal: made
// once, kept until the process ends, so that abandoned goroutines (GR-2) and late wakers never
// meet freed memory. Creating a slab of records reserves a slab of stacks: [stack].
#include <weft/detail/spinlock.hpp>

#include <cstddef>
#include <mutex>
#include <vector>

#include "sched/goroutine.hpp"
#include "stack/pool.hpp"

namespace weft::detail {

/// A chain of free records by `next`.
struct record_chain {
  goroutine* first = nullptr;
  goroutine* last = nullptr;
  std::size_t count = 0;
};

class arena {
 public:
  /// Records move between workers and the arena in chains of this many.
#if WEFT_MODEL
  static constexpr std::size_t chain_records = 8;  // each is looked at by visitors
#else
  static constexpr std::size_t chain_records = 64;
#endif

  /// The arena for this stack size, made on first use. Throws std::bad_alloc.
  static arena& of(std::size_t stack_bytes, fiber_main main);

  /// Up to chain_records free records. Throws std::system_error or std::bad_alloc.
  record_chain take_records();
  void give_records(record_chain c) noexcept;

  stack_pool& stacks() noexcept { return stacks_; }

  /// Calls f(goroutine&) for every record of every arena, free ones included. No allocation.
  template <class F>
  static void for_each_record(F f) {
    // [published.2] acquire: pairs with the release in of(): sees the arena's fields.
    for (arena* a = newest_.load(acquire); a != nullptr; a = a->older_) {
      // [published.2] acquire: pairs with the release in new_slab(): sees the slab's records.
      for (slab* s = a->slabs_.load(acquire); s != nullptr; s = s->older) {
        for (goroutine& g : s->records) {
          f(g);
        }
      }
    }
  }

 private:
  struct slab {
    slab* older;
    alignas(2 * cache_line) goroutine records[chain_records];
  };

  arena(std::size_t stack_bytes, fiber_main main) : stacks_(stack_bytes, main) {}
  record_chain new_slab();

  // All arenas, newest first; grows only. Written under a lock in of().
  static atomic<arena*> newest_;

  arena* older_ = nullptr;
  std::size_t stack_bytes_ = 0;
  stack_pool stacks_;
  // All slabs, newest first; grows only. Written under slab_lock_.
  atomic<slab*> slabs_{nullptr};
  std::mutex slab_lock_;
  spinlock lock_;                // guards free_ and chains_
  goroutine* chains_ = nullptr;  // full chains; linked through closure storage of the first
};

}  // namespace weft::detail
