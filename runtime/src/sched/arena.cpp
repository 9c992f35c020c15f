#include "sched/arena.hpp"

#include <cstring>
#include <new>
#include <utility>

#include "stack/sanitizer.hpp"

namespace weft::detail {
namespace {

// A free record's closure bytes hold what links chains to each other.
struct chain_link {
  goroutine* next_chain;
  goroutine* last;
  std::size_t count;
};

chain_link* link_of(goroutine* g) noexcept { return reinterpret_cast<chain_link*>(g->closure); }

}  // namespace

void drop_extra(goroutine* g) noexcept {
  goroutine_extra* extra = nullptr;
  {
    spin_guard hold(visiting);
    extra = std::exchange(g->extra, nullptr);
  }
  delete extra;
}

constinit atomic<arena*> arena::newest_{nullptr};

arena& arena::of(std::size_t stack_bytes, fiber_main main) {
  static std::mutex making;
  std::lock_guard hold(making);
  // relaxed: written under `making` only.
  for (arena* a = newest_.load(relaxed); a != nullptr; a = a->older_) {
    if (a->stack_bytes_ == stack_bytes) {
      return *a;
    }
  }
  arena* a = new arena(stack_bytes, main);
  a->stack_bytes_ = stack_bytes;
  a->older_ = newest_.load(relaxed);  // relaxed: as above
  newest_.store(a, release);  // [published.1] release: publishes the arena to for_each_record()
  return *a;
}

record_chain arena::take_records() {
  {
    spin_guard hold(lock_);
    if (goroutine* first = chains_) {
      const chain_link link = *link_of(first);
      chains_ = link.next_chain;
      return {first, link.last, link.count};
    }
  }
  return new_slab();
}

void arena::give_records(record_chain c) noexcept {
  if (c.first == nullptr) {
    return;
  }
  sanitizer::open(c.first->closure, sizeof(chain_link));
  spin_guard hold(lock_);
  new (c.first->closure) chain_link{chains_, c.last, c.count};
  chains_ = c.first;
}

record_chain arena::new_slab() {
  // [stack.1] The stacks first: if there are none, the spawner is told and nothing has changed.
  stacks_.reserve_slab();
  slab* s = nullptr;
  try {
    s = new slab;
  } catch (...) {
    stacks_.release_slab();
    throw;
  }
  for (std::size_t i = 0; i + 1 < chain_records; ++i) {
    s->records[i].next = &s->records[i + 1];
  }
  std::lock_guard hold(slab_lock_);
  s->older = slabs_.load(relaxed);  // relaxed: written under slab_lock_ only
  slabs_.store(s, release);  // [published.1] release: publishes the records to for_each_record()
  return {&s->records[0], &s->records[chain_records - 1], chain_records};
}

}  // namespace weft::detail
