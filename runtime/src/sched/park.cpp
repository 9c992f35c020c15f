// Blocking and waking: [park] in docs/protocols.md.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/race.hpp>

#include <pthread.h>

#include <mutex>
#include <new>

#include "detail/sys.hpp"
#include "sched/block_thread.hpp"
#include "sched/process.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// The stand-in of a thread that is not a worker. Stand-ins are recycled, never freed: a waker
// may still be about to look at one when its thread has gone on.
//
// A thread may wait as late as in a destructor of its last thread_local. So the pointer has none,
// and the record is given back by a key's destructor, which runs after all of those.
constinit thread_local goroutine* stand_in = nullptr;

void outside_changed() noexcept;

struct free_stand_ins {
  std::mutex lock;
  goroutine* first = nullptr;  // guarded by lock
  pthread_key_t key{};
  bool have_key = false;

  free_stand_ins() { have_key = ::pthread_key_create(&key, give_back) == 0; }
  static void give_back(void* record) {
    stand_in = nullptr;
    auto* g = static_cast<goroutine*>(record);
    free_stand_ins& f = get();
    {
      std::lock_guard hold(f.lock);
      g->next = f.first;
      f.first = g;
    }
    outside_changed();
  }
  // Immortal: threads may end after static destructors have run.
  static free_stand_ins& get() {
    static free_stand_ins& f = *new free_stand_ins;
    return f;
  }
};

goroutine* take_stand_in() {
  free_stand_ins& f = free_stand_ins::get();
  std::lock_guard hold(f.lock);
  goroutine* g = f.first;
  if (g != nullptr) {
    f.first = g->next;
  } else {
    g = new goroutine;
    g->kind.store(goroutine_kind::foreign, relaxed);  // relaxed: not yet shared
  }
#if WEFT_RACE
  g->actor = race::of_thread();
#endif
  if (f.have_key) {
    ::pthread_setspecific(f.key, g);  // should it fail, the record is not used again
  }
  return g;
}

goroutine* this_thread_stand_in() {
  if (stand_in == nullptr) {
    stand_in = take_stand_in();
  }
  return stand_in;
}

// A thread outside blocks or ends: if all workers sleep, this may have been the last that could
// have made a goroutine ready.
void outside_changed() noexcept {
  if (scheduler::in_use s; s) {
    s->left_sleep();
  }
}

// g is an ordinary goroutine: before it is in a queue.
void say_runnable(goroutine* g) noexcept {
  race::notice(g);
  g->since().store(coarse_now.load(relaxed), relaxed);  // relaxed: for dumps
  g->state.store(goroutine_state::runnable,
                 release);  // [visit.1] release: its stack was made before
}

bool is_ordinary(const goroutine* g) noexcept {
  // relaxed: constant while its run lasts; a later run's threads came after the change.
  return g->kind.load(relaxed) == goroutine_kind::ordinary;
}

// By who is no worker, or one that has stopped; or of what is no ordinary goroutine.
__attribute__((noinline)) void make_ready_elsewhere(goroutine* g) noexcept {
  const race::runtime_code in;
  const goroutine_kind kind = g->kind.load(relaxed);  // relaxed: as above
  if (kind == goroutine_kind::abandoned) {
    return;
  }
  if (kind == goroutine_kind::foreign) {
    race::notice(g);
    // relaxed: written by the thread before it could be woken.
    if (g->state.load(relaxed) == goroutine_state::parked) {
      g->state.store(goroutine_state::running, relaxed);  // relaxed: as above
      discount_blocked_thread();
    }
    const void* word = g->woken.address();
    g->woken.store(1, release);  // [park.5] release: what the waker did is seen
    sys.futex_wake(word, 1);
    return;
  }
  say_runnable(g);
  if (scheduler::in_use s; s) {
    s->inject(g);
  }
  // Otherwise the runtime has ended and g was abandoned with it (GR-2).
}

}  // namespace

atomic<std::uint64_t> blocked_threads{0};

void block_thread_limited(goroutine* g, const thread_deadline& limit, park_commit commit,
                          void* arg) noexcept {
  check_thread_may_wait();
  const race::runtime_code in;
  race::about_to_wait(g);
  g->woken.store(0, relaxed);  // relaxed: nobody wakes it before commit
  if (limit.deadline == never) {
    g->state.store(goroutine_state::parked, relaxed);  // relaxed: read by who wakes it
    count_blocked_thread();
    outside_changed();
  }
  commit(arg);
  std::int64_t deadline = limit.deadline;
  while (g->woken.load(acquire) == 0) {  // [park.5] acquire: pairs with ready()
    std::int64_t left = -1;
    if (deadline != never && (left = deadline - clock.now()) <= 0) {
      std::uint64_t open = limit.ticket;
      // [limit.3] acq_rel: one winner, as in try_claim(). relaxed on failure: somebody else has won
      // and wakes this thread.
      if (g->claim.compare_exchange(open, limit.ticket + 1 + limit.timeout_index, acq_rel,
                                    relaxed)) {
        return;
      }
      deadline = never;
      left = -1;
    }
    sys.futex_wait(g->woken.address(), 0, left);
  }
  race::saw_notice(g);
}

goroutine* self() {
  const race::runtime_code in;
  if (worker* w = this_worker()) {
    if (goroutine* g = w->current()) {
      return g;
    }
  }
  return this_thread_stand_in();
}

void park(wait_cause why, park_commit commit, void* arg) noexcept {
  const race::runtime_code in;
  worker* w = this_worker();
  goroutine* g = w != nullptr ? w->current() : nullptr;
  if (g == nullptr) {
    block_thread_limited(this_thread_stand_in(), {}, commit, arg);
    return;
  }
  g->object = why.object;
  g->reason.store(why.reason, relaxed);                 // relaxed: for dumps
  g->since().store(coarse_now.load(relaxed), relaxed);  // relaxed: for dumps
  g->state.store(goroutine_state::parked, release);  // [visit.1] release: its stack was made before
  race::about_to_wait(g);
  w->park_current(g, commit, arg);
  race::saw_notice(g);
}

void ready(goroutine* g) noexcept {
  const race::runtime_code in;
  if (worker* w = this_worker(); w != nullptr && !w->stopped() && is_ordinary(g)) [[likely]] {
    say_runnable(g);
    return w->push_next(g);
  }
  make_ready_elsewhere(g);
}

void ready_in_turn(goroutine* g) noexcept {
  const race::runtime_code in;
  if (worker* w = this_worker(); w != nullptr && !w->stopped() && is_ordinary(g)) [[likely]] {
    say_runnable(g);
    return w->push_quietly(g);
  }
  make_ready_elsewhere(g);
}

namespace {

// [next.3] By worker `me`, which draws nothing: more than one, as ready() of one after the other
// would leave them. The last runs next, the others wait in their order behind who was to run next.
// But the slot is emptied and filled once, and thieves are woken now and then.
void ready_together(worker& me, waiter* first) noexcept {
  constexpr unsigned portion = 64;
  goroutine* last = nullptr;
  unsigned n = 0;
  while (first != nullptr) {
    goroutine* g = first->who;
    first = first->next;  // before g can run: its waiter is gone then
    if (!is_ordinary(g)) {
      make_ready_elsewhere(g);
      continue;
    }
    say_runnable(g);
    last == nullptr ? me.displace_next() : me.push_quietly(last);
    last = g;
    if (++n % portion == 0) {
      me.wake_thief();
    }
  }
  if (last != nullptr) {
    me.push_next(last);
    me.wake_thief();
  }
}

}  // namespace

void ready_chain(waiter* first) noexcept {
  const race::runtime_code in;
  worker* const me = this_worker();
  const bool many = first != nullptr && first->next != nullptr;
  if (many && me != nullptr && !me->stopped() && !me->choices().seeded()) {
    return ready_together(*me, first);
  }
  while (first != nullptr) {
    goroutine* g = first->who;
    first = first->next;  // before ready(): its waiter is gone after it
    ready(g);
  }
}

void note_contention() noexcept {
  const race::runtime_code in;
  if (worker* w = this_worker()) {
    w->count_contended();
  }
}

void unlock_commit(void* lock) noexcept { static_cast<biased_lock*>(lock)->unlock(); }

std::uint64_t random_bits() noexcept {
  const race::runtime_code in;
  if (worker* w = this_worker()) {
    return w->choices().bits();
  }
  thread_local policy mine(0, 0, reinterpret_cast<std::uintptr_t>(&mine));
  return mine.bits();
}

impatience draw_impatience() noexcept {
  const race::runtime_code in;
  worker* w = this_worker();
  if (w == nullptr || !w->choices().seeded()) {
    return impatience::by_clock;
  }
  return w->choices().coin() ? impatience::yes : impatience::no;
}

}  // namespace weft::detail
