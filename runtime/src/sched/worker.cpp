// A worker thread and what its fibers do: every fiber runs the same loop. A fresh goroutine is
// called on this very stack; a suspended one is switched to, and this fiber becomes a spare.
#include "sched/worker.hpp"

#include <weft/detail/check.hpp>

#include <unistd.h>

#include <string>
#include <utility>

#include "debug/ask.hpp"
#include "debug/crash.hpp"
#include "detail/sys.hpp"
#include "sched/goexit.hpp"
#include "sched/process.hpp"
#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"
#include "stack/race.hpp"
#include "stack/sanitizer.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t spare_limit = 48;  // fewer than a slab: [stack.2] reserves one per thread
constexpr std::size_t spare_batch = 16;
constexpr std::uint64_t id_block = 256;

void nothing(void*) noexcept {}

void requeue(void* g) noexcept { this_worker()->push_back(static_cast<goroutine*>(g)); }

}  // namespace

worker::worker(scheduler& s, std::uint32_t index, const policy& choices)
    : sched_(s),
      index_(index),
      special_mask_(choices.seeded() ? 0 : special_every - 1),
      policy_(choices),
      port_(s.global),
      // The choices of a seed go other ways, without sections.
      gate_(choices.seeded() ? thief_gate::may_open::no : s.gates()) {}

worker::~worker() = default;

void* worker::thread_main(void* self) {
  static_cast<worker*>(self)->run_thread();
  worker_thread_over();
  return nullptr;
}

void worker::run_thread() {
  race::begin_worker();
  stop_workers_at_exit();
  serve();
  race::end_worker();
}

void worker::serve() {
  sched_.await_published();
  if (!sched_.is_host(*this)) {  // that thread's name is the process's
    const std::string name = "weft-" + std::to_string(index_);
    sys.name_thread(name.c_str());
  }
  set_this_worker(this);
  arrive();
  tid_.store(static_cast<std::int32_t>(::gettid()), relaxed);  // relaxed: for dumps
  thread_pointer_ = thread_pointer();
  eh_ = thread_eh_globals();
  const auto what = sched_.is_host(*this) ? sanitizer::thread_stack::of_who_called_run
                                          : sanitizer::thread_stack::only_frames_of_the_runtimes;
  sanitizer::adopt_thread(&native_, what);
  crash_stack alternate;  // so that a stack overflow can be reported
  let_thread_be_asked();
  fiber_ = &native_;
  woken_searching_ = handoff_ == nullptr;  // [idle.5] begin_wake() counted it so
  if (sched_.idle.looks_solo()) {
    claim_solo();
  }
  hand_over(take_spare(), nothing, nullptr);
  // Back on the thread's own stack: the runtime or this thread ends. Everything cached goes back.
  sanitizer::part_from_thread(&native_, what);
  check_worker_may_end();
  sched_.memory.stacks().give_spares(std::exchange(spares_, nullptr));
  spare_count_ = 0;
  sched_.memory.give_records(std::exchange(records_, {}));
  sched_.memory.give_records(std::exchange(full_, {}));
  sched_.memory.stacks().release_slab();  // [stack.3] this thread holds no fiber any longer
  tid_.store(0, relaxed);                 // relaxed: for dumps
  sched_.idle.revoke_solo();              // its thread goes, and may come again as another one
  set_this_worker(nullptr);
  scheduler& s = sched_;
  if (std::exchange(must_end_, false)) {
    s.idle.become_dormant(this);  // [retire.2] from here on it may be another thread's
  }
  s.worker_exited();
}

// ---- the loop ----

// Not inlined: dumps know a goroutine's first frame by this function's name.
__attribute__((noinline)) WEFT_SWITCHES_CONTEXT void worker::run_here(goroutine* g) {
  // [stack.5] If it waits, this worker goes on with another stack, and needs it with a channel's
  // lock held: no place for the system calls and page faults of a stack that is used for the first
  // time.
  if (spares_ == nullptr) [[unlikely]] {
    stock_up();
  }
  enter(g);
#if WEFT_RACE
  WEFT_LEAVE_ROOM(frame);
  race::enter(g->actor, fiber_->low, frame);
#endif
  try {
    g->run(g->room());
    if (g->leaving) {
      fatal_goroutine(g, "goexit was swallowed: a catch (...) did not rethrow");
    }
  } catch (const goexit_unwind&) {
    // goexit() ends here. Other exceptions find no handler: std::terminate, with the throwing
    // frames still on the stack (PN-1).
  }
  if (g->extra != nullptr && g->extra->locals != nullptr) [[unlikely]] {
    g->extra->locals->clear();  // user code, which may still use them, and wait
  }
#if WEFT_RACE
  race::release(this_worker()->sched().ended());
  race::leave();
  race::free_actor(g->actor);
  g->actor = nullptr;
#endif
  this_worker()->finish(g);
}

// It returns when somebody has use for this fiber again, and is called anew [spare.1].
WEFT_SWITCHES_CONTEXT void worker::fiber_loop() {
  for (;;) {
    worker* w = this_worker();  // after each goroutine this may be another one
    if (w->fiber_->pool == nullptr && w->handoff_ == nullptr) [[unlikely]] {
      // A fiber of one goroutine's own size, which has ended: go on with an ordinary one. (With
      // a goroutine handed over it has not begun.)
      return w->leave_spare(w->take_spare(), drop_fiber);
    }
    goroutine* g = w->handoff_;
    w->handoff_ = nullptr;
    if (g == nullptr) {
      g = w->pick_local();
    }
    if (g == nullptr) {
      g = w->find_work();
    }
    if (g == nullptr) {
      return w->leave_spare(&w->native_, recycle_fiber);  // the thread ends
    }
    if (g->stack != nullptr) {
      w->enter(g);
      return w->leave_spare(g->stack, recycle_fiber);
    }
    if (g->extra != nullptr) [[unlikely]] {
      if (g->extra->pinned_to != nullptr && g->extra->pinned_to != w) {
        w->hand_to_pinned(g);
        continue;
      }
      if (g->extra->own_fiber != nullptr) {
        w->handoff_ = g;
        return w->leave_spare(std::exchange(g->extra->own_fiber, nullptr), recycle_fiber);
      }
    }
    w->run_here(g);
  }
}

// It has ended: its record is made as new and given back.
inline void worker::recycle(goroutine* g) noexcept {
  sanitizer::close(g->closure, sizeof(g->closure));
  g->leaving = false;
  g->main = false;
  g->stack = nullptr;
  g->kind.store(goroutine_kind::ordinary, relaxed);  // relaxed: nobody looks
  g->state.store(goroutine_state::idle, relaxed);    // relaxed: for dumps
  give_record(g);
}

void worker::finish(goroutine* g) noexcept {
  set_current(nullptr);
  count_finished();
  if (g->extra != nullptr || g->main) [[unlikely]] {
    return finish_unusual(g);
  }
  recycle(g);
}

__attribute__((noinline)) void worker::finish_unusual(goroutine* g) noexcept {
  const bool was_main = g->main && !g->leaving;
  if (g->extra != nullptr) {
    if (pinned_ == g) {
      pinned_ = nullptr;  // the bit stays: await_turn() ends the thread
    }
    drop_extra(g);
  }
  recycle(g);
  if (was_main) {
    sched_.main_ended();
  }
}

// ---- switching ----

WEFT_SWITCHES_CONTEXT void worker::switch_to(goroutine* next, fiber_commit commit,
                                             void* arg) noexcept {
  enter(next);
  hand_over(next->stack, commit, arg);
}

WEFT_SWITCHES_CONTEXT void worker::hand_over(fiber* to, fiber_commit commit, void* arg) noexcept {
  fiber* from = fiber_;
  fiber_ = to;
  switch_fiber(from, to, eh_, commit, arg, nullptr);
}

WEFT_SWITCHES_CONTEXT void worker::leave_spare(fiber* to, fiber_commit commit) noexcept {
  fiber* from = fiber_;
  fiber_ = to;
  switch_fiber(from, to, eh_, commit, from, fiber_loop);
}

void worker::park_current(goroutine* g, fiber_commit commit, void* arg) noexcept {
  leave_blocking();
  parks_.bump();
  goroutine* next = pick_local();
  g->stack = fiber_;
  if (next != nullptr && next->stack != nullptr) {
    switch_to(next, commit, arg);
  } else {
    hide_pinned(g);
    handoff_ = next;
    set_current(nullptr);
    hand_over(take_spare(), commit, arg);
  }
}

void worker::yield_current() {
  leave_blocking();
  goroutine* g = current();
  goroutine* next = pick_local();
  // relaxed: a hint; if somebody wants this worker's attention, its fiber loop sees to it.
  const std::uint32_t why = next == nullptr ? attention_.load(relaxed) : 0;
  if (next == nullptr && why == 0) {
    next = pop_global(1);
    if (next == nullptr) {
      return;
    }
  }
  if (why == attend_pinned && !sample().any() && sched_.global.empty()) {
    return;
  }
  counts_.yields.bump();
  g->stack = fiber_;
  g->since().store(coarse_now.load(relaxed), relaxed);  // relaxed: for dumps
  g->state.store(goroutine_state::runnable,
                 release);  // [visit.1] release: its stack was made before
  if (next != nullptr && next->stack != nullptr) {
    switch_to(next, requeue, g);
  } else {
    hide_pinned(g);
    handoff_ = next;
    set_current(nullptr);
    hand_over(take_spare(), requeue, g);
  }
}

void worker::recycle_fiber(void* f) noexcept {
  fiber* spare = static_cast<fiber*>(f);
  worker* w = this_worker();
  w->give_spare(spare);
}

void worker::drop_fiber(void* f) noexcept { stack_pool::unmap_fiber(static_cast<fiber*>(f)); }

fiber* worker::take_spare() noexcept {
  if (spares_ == nullptr) [[unlikely]] {
    stock_up();
  }
  fiber* f = spares_;
  spares_ = f->next;
  --spare_count_;
  return f;
}

void worker::stock_up() noexcept {
  spares_ = sched_.memory.stacks().take_some(spare_batch, spare_count_);
}

void worker::give_spare(fiber* f) noexcept {
  f->next = spares_;
  spares_ = f;
  if (++spare_count_ < spare_limit) [[likely]] {
    return;
  }
  fiber* last = spares_;
  for (std::size_t i = 1; i < spare_limit / 2; ++i) {
    last = last->next;
  }
  fiber* first = spares_;
  spares_ = std::exchange(last->next, nullptr);
  spare_count_ -= spare_limit / 2;
  sched_.memory.stacks().give_spares(first);
}

// ---- records and ids ----

void worker::restock() {
  if (records_.first == nullptr) {
    refuse_after_fork("go");
    if (full_.first != nullptr) {
      records_ = std::exchange(full_, {});
    } else {
      records_ = sched_.memory.take_records();
    }
  }
  if (id_next_ == id_end_) {
    id_next_ = sched_.take_ids(id_block);
    id_end_ = id_next_ + id_block;
  }
}

// [fork.2]
void worker::only_thread_left() noexcept {
  attend(attend_stop);
  records_ = {};
  full_ = {};
}

__attribute__((noinline)) void worker::give_record_too_many(goroutine* g) noexcept {
  sched_.memory.give_records(full_);
  full_ = std::exchange(records_, {});
  put_record(g);
}

// ---- looking up from the hot path ----

void worker::attend(std::uint32_t why) noexcept {
  // [attention.1] acq_rel: the owner sees what made the caller set it
  attention_.fetch_or(why, acq_rel);
}

// Called between goroutines. False: the thread must end.
bool worker::settle_attention() {
  // [attention.2] acquire: pairs with attend()
  if ((attention_.load(acquire) & attend_stop) != 0) {
    return false;
  }
  // [attention.2] acq_rel: pairs with attend(); what is set from here on is seen at the next pick.
  const std::uint32_t why =
      attention_.fetch_and(~(attend_surplus | attend_stuck | attend_timers), acq_rel);
  if ((why & attend_timers) != 0) {
    run_timers();
  }
  if ((why & attend_pinned) != 0) {
    return await_turn();
  }
  const bool must_go = (why & attend_stuck) != 0 ? !sched_.idle.regain_place(this)
                                                 : sched_.idle.yield_surplus_place(this);
  if (must_go) {
    // What waits here waits for the others from now on; this thread becomes a spare.
    flush_queues();
    sched_.wake_one();
    sleep(false, false);
  }
  return true;
}

goroutine* worker::find_work() {
  bool searching = std::exchange(woken_searching_, false);
  for (;;) {
    if (sched_.stopping() || must_end_) {
      return nullptr;
    }
    // relaxed: a hint; settle_attention() reads it properly.
    if (attention_.load(relaxed) != 0) [[unlikely]] {
      if (searching) {
        sched_.idle.end_search();
        searching = false;
      }
      if (!settle_attention()) {
        return nullptr;
      }
      if (handoff_ != nullptr) {
        return std::exchange(handoff_, nullptr);  // [pinned.4]
      }
      searching = std::exchange(woken_searching_, false);
      continue;
    }
    goroutine* g = pick_local();
    // relaxed: a hint; pick_local() saw it, too, and did not look at the queues then.
    if (g == nullptr && attention_.load(relaxed) != 0) {
      continue;
    }
    if (g == nullptr) {
      g = pop_global(batch);
    }
    if (g == nullptr && run_timers()) {
      continue;
    }
    if (simulation* s = sched_.simulated(); s != nullptr && g == nullptr) [[unlikely]] {
      s->when_idle();
      continue;
    }
    bool futile = false;
    if (g == nullptr && (searching || (searching = sched_.idle.try_search()))) {
      g = search(futile);
    }
    if (g != nullptr) {
      if (searching) {
        sched_.idle.end_search();
        wake_thief();  // more than one may have been waiting
      }
      return g;
    }
    sleep(searching, futile);
    searching = std::exchange(woken_searching_, false);
  }
}

// ---- blocking on purpose ----

void worker::begin_blocking() noexcept { blocking_.store(1, relaxed); }  // relaxed: a hint

void worker::end_blocking() noexcept {
  blocking_.store(0, relaxed);  // relaxed: a hint
  // relaxed: a hint; the place may be lost, then the goroutine goes on where there is one.
  if ((attention_.load(relaxed) & ~attend_pinned) != 0 && current() != nullptr) {
    yield_current();
  }
}

}  // namespace weft::detail
