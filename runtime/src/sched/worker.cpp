// A worker thread and what its fibers do: every fiber runs the same loop. A fresh goroutine is
// called on this very stack; a suspended one is switched to, and this fiber becomes a spare.
#include "sched/worker.hpp"

#include <weft/detail/check.hpp>

#include <string>
#include <utility>

#include "debug/crash.hpp"
#include "detail/sys.hpp"
#include "sched/goexit.hpp"
#include "sched/scheduler.hpp"
#include "stack/race.hpp"
#include "stack/sanitizer.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t spare_limit = 48;  // fewer than a slab: [stack] reserves one per thread
constexpr std::size_t spare_batch = 16;
constexpr std::uint64_t id_block = 256;

// Values of wake_word_.
constexpr std::uint32_t woken = 1;
constexpr std::uint32_t roused = 2;

void nothing(void*) noexcept {}

void requeue(void* g) noexcept { this_worker()->push_back(static_cast<goroutine*>(g)); }

}  // namespace

worker::worker(scheduler& s, std::uint32_t index, const policy& choices)
    : sched_(s), index_(index), policy_(choices), port_(s.global) {}

worker::~worker() = default;

void* worker::thread_main(void* self) {
  race::begin_worker();
  static_cast<worker*>(self)->run_thread();
  race::end_worker();
  return nullptr;
}

void worker::run_thread() {
  sched_.await_published();
  const std::string name = "weft-" + std::to_string(index_);  // threads are named after their maker
  ::pthread_setname_np(::pthread_self(), name.c_str());
  set_this_worker(this);
  thread_pointer_ = thread_pointer();
  eh_ = thread_eh_globals();
  sanitizer::adopt_thread(&native_);
  crash_stack alternate;  // so that a stack overflow can be reported
  fiber_ = &native_;
  hand_over(take_spare(), nothing, nullptr);
  // Back on the thread's own stack: the runtime ends. Everything cached goes back.
  while (fiber* f = spares_) {
    spares_ = f->next;
    sched_.memory.stacks().give_spares(f, f, 1);
  }
  sched_.memory.give_records(records_);
  sched_.memory.give_records(full_);
  sched_.memory.stacks().release_slab();  // [stack] this thread holds no fiber any longer
  set_this_worker(nullptr);
  sched_.worker_exited();
}

// ---- the loop ----

WEFT_SWITCHES_CONTEXT void worker::fiber_loop() {
  for (;;) {
    worker* w = this_worker();  // after each goroutine this may be another one
    if (w->fiber_->pool == nullptr && w->handoff_ == nullptr) [[unlikely]] {
      // A fiber of one goroutine's own size, which has ended: go on with an ordinary one. (With
      // a goroutine handed over it has not begun.)
      w->hand_over(w->take_spare(), drop_fiber, w->fiber_);
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
      w->hand_over(&w->native_, recycle_fiber, w->fiber_);  // the thread ends
      continue;                                             // as another worker's spare
    }
    w->execute(g);
  }
}

WEFT_SWITCHES_CONTEXT void worker::execute(goroutine* g) {
  if (g->stack != nullptr) {
    switch_to(g, recycle_fiber, fiber_);
  } else if (g->extra != nullptr && g->extra->own_fiber != nullptr) [[unlikely]] {
    fiber* own = g->extra->own_fiber;
    g->extra->own_fiber = nullptr;
    handoff_ = g;
    hand_over(own, recycle_fiber, fiber_);
  } else {
    run_here(g);
  }
}

WEFT_SWITCHES_CONTEXT void worker::run_here(goroutine* g) {
  set_current(g);
  g->state.store(goroutine_state::running, relaxed);  // relaxed: for dumps
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

void worker::finish(goroutine* g) noexcept {
  set_current(nullptr);
  count_finished();
  const bool was_main = g->main && !g->leaving;
  if (g->extra != nullptr) [[unlikely]] {
    delete g->extra;
    g->extra = nullptr;
  }
  g->leaving = false;
  g->main = false;
  g->stack = nullptr;
  g->kind.store(goroutine_kind::ordinary, relaxed);  // relaxed: the record is nobody else's now
  g->state.store(goroutine_state::idle, relaxed);    // relaxed: for dumps
  give_record(g);
  if (was_main) [[unlikely]] {
    sched_.main_ended();
  }
}

// ---- switching ----

WEFT_SWITCHES_CONTEXT void worker::switch_to(goroutine* next, fiber_commit commit,
                                             void* arg) noexcept {
  set_current(next);
  next->state.store(goroutine_state::running, relaxed);  // relaxed: for dumps
  hand_over(next->stack, commit, arg);
}

WEFT_SWITCHES_CONTEXT void worker::hand_over(fiber* to, fiber_commit commit, void* arg) noexcept {
  fiber* from = fiber_;
  fiber_ = to;
  switch_fiber(from, to, eh_, commit, arg);
}

void worker::park_current(goroutine* g, fiber_commit commit, void* arg) noexcept {
  leave_blocking();
  goroutine* next = pick_local();
  g->stack = fiber_;
  if (next != nullptr && next->stack != nullptr) {
    switch_to(next, commit, arg);
  } else {
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
  if (next == nullptr && attention_.load(relaxed) == 0) {
    next = pop_global(1);
    if (next == nullptr) {
      return;
    }
  }
  g->stack = fiber_;
  g->state.store(goroutine_state::runnable, relaxed);  // relaxed: for dumps
  if (next != nullptr && next->stack != nullptr) {
    switch_to(next, requeue, g);
  } else {
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
  fiber* f = spares_;
  if (f == nullptr) [[unlikely]] {
    f = sched_.memory.stacks().take_spares(spare_batch, spare_count_);
    if (f == nullptr) {
      return sched_.memory.stacks().take();
    }
  }
  spares_ = f->next;
  --spare_count_;
  return f;
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
  spares_ = last->next;
  spare_count_ -= spare_limit / 2;
  sched_.memory.stacks().give_spares(first, last, spare_limit / 2);
}

// ---- records and ids ----

goroutine* worker::take_record() {
  if (records_.first == nullptr) [[unlikely]] {
    if (full_.first != nullptr) {
      records_ = full_;
      full_ = {};
    } else {
      records_ = sched_.memory.take_records();
    }
  }
  goroutine* g = records_.first;
  records_.first = g->next;
  --records_.count;
  return g;
}

void worker::give_record(goroutine* g) noexcept {
  if (records_.count == arena::chain_records) [[unlikely]] {
    sched_.memory.give_records(full_);
    full_ = records_;
    records_ = {};
  }
  g->next = records_.first;
  if (records_.first == nullptr) {
    records_.last = g;
  }
  records_.first = g;
  ++records_.count;
}

std::uint64_t worker::next_id() noexcept {
  if (id_next_ == id_end_) [[unlikely]] {
    id_next_ = sched_.take_ids(id_block);
    id_end_ = id_next_ + id_block;
  }
  return id_next_++;
}

// ---- looking up from the hot path ----

void worker::attend(std::uint32_t why) noexcept {
  attention_.fetch_or(why, acq_rel);  // acq_rel: the owner sees what made the caller set it
}

// Called between goroutines. False: the thread must end.
bool worker::settle_attention() {
  if ((attention_.load(acquire) & attend_stop) != 0) {  // acquire: pairs with attend()
    return false;
  }
  // acq_rel: pairs with attend(); what is set from here on is seen at the next pick.
  const std::uint32_t why =
      attention_.fetch_and(~(attend_surplus | attend_stuck | attend_timers), acq_rel);
  if ((why & attend_timers) != 0) {
    run_timers();
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
    if (sched_.stopping()) {
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

// ---- timers ----

WEFT_SWITCHES_CONTEXT void worker::fire(const due_timer& due) noexcept {
#if WEFT_RACE
  WEFT_LEAVE_ROOM(frame);
  const race::stranger as_nobody(fiber_->low, frame);
  race::acquire(due.owner);
#endif
  due.fire(due.owner, timer_outcome::expired);
}

// Makes runnable, or calls, what is due. True: there was something.
bool worker::run_timers() noexcept {
  timers& all = sched_.timers;
  if (!all.any()) {
    return false;
  }
  const std::int64_t now = clock.now();
  std::uint32_t run = 0;
  due_timer due[64];
  for (std::uint32_t i = 0; i < all.count(); ++i) {
    timer_heap& h = all.heap(index_ + i);  // its own first
    while (h.earliest() <= now) {
      const std::size_t n = h.pop_due(now, due, std::size(due));
      for (std::size_t k = 0; k < n; ++k) {
        if (due[k].who != nullptr) {
          ready_in_turn(due[k].who);
        } else {
          fire(due[k]);
        }
      }
      run += static_cast<std::uint32_t>(n);
    }
  }
  if (run != 0) {
    all.note_run(run);
  }
  if (run >= batch) {
    wake_thief();  // fewer are run sooner than a thief would come
  }
  return run != 0;
}

// ---- sleeping ----

// The caller has no work. Returns when it was woken: then it holds a place and is a searcher.
void worker::sleep(bool searching, bool futile) noexcept {
  wake_word_.store(0, relaxed);  // relaxed: nobody wakes this worker before enter_sleep()
  // So that a time in a heap is that of something that will happen. Before this worker counts as
  // asleep: a heap's lock is biased, and from then on another worker may be solo's owner [solo.1].
  sched_.timers.clean_fronts();
  counts_as_asleep_ = true;
  struct awake_again {
    bool& asleep;
    ~awake_again() { asleep = false; }
  } at_the_end{counts_as_asleep_};
  sched_.idle.enter_sleep(this, searching, futile);
  // [idle.4] the second look, after [idle.3]: at what only sleepers could miss.
  if (sched_.stopping()) {
    return;  // find_work() ends the thread
  }
  if (!sched_.global.empty() && sched_.idle.leave_sleep(this)) {
    sched_.left_sleep();
    woken_searching_ = true;
    return;
  }
  if (!sched_.timers.try_keep(this) || !sleep_as_keeper()) {
    // [idle.7] acquire: pairs with the release in wake(). A late rouse() is of no interest here.
    for (std::uint32_t word = 0; (word = wake_word_.load(acquire)) != woken;) {
      sys.futex_wait(wake_word_.address(), word, -1);
    }
  }
  woken_searching_ = true;
}

// [timer] Sleeps at most until the earliest time. True: awake again, with a place; false: what is
// due is for others, who are awake, and this worker sleeps until it is woken.
bool worker::sleep_as_keeper() noexcept {
  for (;;) {
    const std::int64_t until = sched_.timers.keep_until();
    const std::int64_t slack = sched_.timers.slack();
    const std::int64_t left = until >= never - slack ? -1 : until + slack - clock.now();
    if (left <= 0 && until != never) {
      // [timer.4] In this order: whoever is awake and has the last place must not find a keeper
      // that is about to give up when it goes to sleep itself.
      sched_.timers.stop_keeping();
      const bool mine = sched_.idle.leave_sleep(this);
      if (mine) {
        sched_.left_sleep();
      }
      return mine;
    }
    std::uint32_t word = wake_word_.load(acquire);  // [idle.7] acquire: pairs with wake()
    if (word == 0) {
      sys.futex_wait(wake_word_.address(), 0, left);
      word = wake_word_.load(acquire);  // [idle.7] acquire: pairs with wake()
    }
    if (word == woken) {
      sched_.timers.stop_keeping();
      return true;
    }
    // [timer.1] acq_rel: takes the rouse back, but not a wake.
    wake_word_.compare_exchange(word = roused, 0, acq_rel, relaxed);
  }
}

void worker::wake() noexcept {
  wake_word_.store(woken, release);  // [idle.7] release: what the waker did is seen
  sys.futex_wake(wake_word_.address(), 1);
}

void worker::rouse() noexcept {
  std::uint32_t sleeps = 0;
  // [timer.1] acq_rel: a wake is not overwritten; it is as good.
  if (wake_word_.compare_exchange(sleeps, roused, acq_rel, relaxed)) {
    sys.futex_wake(wake_word_.address(), 1);
  }
}

// ---- blocking on purpose ----

void worker::begin_blocking() noexcept { blocking_.store(1, release); }  // release: for dumps

void worker::end_blocking() noexcept {
  blocking_.store(0, release);  // release: for dumps
  // relaxed: a hint; the place may be lost, then the goroutine goes on where there is one.
  if (attention_.load(relaxed) != 0 && current() != nullptr) {
    yield_current();
  }
}

}  // namespace weft::detail
