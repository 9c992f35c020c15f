// Blocking and waking: [park] in docs/protocols.md.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/park.hpp>

#include <mutex>
#include <new>

#include "detail/sys.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

// The stand-in of a thread that is not a worker. Stand-ins are recycled, never freed: a waker
// may still be about to look at one when its thread has gone on.
class stand_in {
 public:
  goroutine* get() {
    if (record_ == nullptr) {
      std::lock_guard hold(free_lock());
      goroutine*& list = free_list();
      if (list != nullptr) {
        record_ = list;
        list = list->next;
      } else {
        record_ = new goroutine;
        record_->kind.store(goroutine_kind::foreign, relaxed);  // relaxed: not yet shared
      }
    }
    return record_;
  }
  ~stand_in() {
    if (record_ != nullptr) {
      std::lock_guard hold(free_lock());
      record_->next = free_list();
      free_list() = record_;
    }
  }

 private:
  // Immortal: threads may end after static destructors have run.
  static std::mutex& free_lock() {
    static std::mutex& m = *new std::mutex;
    return m;
  }
  static goroutine*& free_list() {
    static goroutine*& list = *new goroutine*(nullptr);
    return list;
  }
  goroutine* record_ = nullptr;
};

goroutine* this_thread_stand_in() {
  thread_local stand_in mine;
  return mine.get();
}

void block_thread(goroutine* g, park_commit commit, void* arg) noexcept {
  g->woken.store(0, relaxed);  // relaxed: nobody wakes it before commit
  commit(arg);
  while (g->woken.load(acquire) == 0) {  // [park.5] acquire: pairs with ready()
    sys.futex_wait(g->woken.address(), 0, -1);
  }
}

}  // namespace

goroutine* self() {
  if (worker* w = this_worker()) {
    if (goroutine* g = w->current()) {
      return g;
    }
  }
  return this_thread_stand_in();
}

void park(wait_reason reason, park_commit commit, void* arg) noexcept {
  worker* w = this_worker();
  goroutine* g = w != nullptr ? w->current() : nullptr;
  if (g == nullptr) {
    block_thread(this_thread_stand_in(), commit, arg);
    return;
  }
  g->reason.store(reason, relaxed);                  // relaxed: for dumps
  g->state.store(goroutine_state::parked, relaxed);  // relaxed: for dumps
  w->park_current(g, commit, arg);
}

void ready(goroutine* g) noexcept {
  // relaxed: constant while its run lasts; a later run's threads came after the change.
  const goroutine_kind kind = g->kind.load(relaxed);
  if (kind == goroutine_kind::abandoned) [[unlikely]] {
    return;
  }
  if (kind == goroutine_kind::foreign) {
    const void* word = g->woken.address();
    g->woken.store(1, release);  // [park.5] release: what the waker did is seen
    sys.futex_wake(word, 1);
    return;
  }
  g->state.store(goroutine_state::runnable, relaxed);  // relaxed: for dumps
  worker* w = this_worker();
  if (w != nullptr && !w->stopped()) [[likely]] {
    w->push_next(g);
  } else if (scheduler::in_use s; s) {
    s->inject(g);
  }
  // Otherwise the runtime has ended and g was abandoned with it (GR-2).
}

void unlock_commit(void* lock) noexcept { static_cast<biased_lock*>(lock)->unlock(); }

std::uint64_t random_bits() noexcept {
  if (worker* w = this_worker()) {
    return w->choices().bits();
  }
  thread_local policy mine(0, 0, reinterpret_cast<std::uintptr_t>(&mine));
  return mine.bits();
}

impatience draw_impatience() noexcept {
  worker* w = this_worker();
  if (w == nullptr || !w->choices().seeded()) {
    return impatience::by_clock;
  }
  return w->choices().coin() ? impatience::yes : impatience::no;
}

}  // namespace weft::detail
