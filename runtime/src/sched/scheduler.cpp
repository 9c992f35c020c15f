#include "sched/scheduler.hpp"

#include <weft/detail/check.hpp>
#include <weft/detail/solo.hpp>

#include <random>
#include <system_error>

#include "debug/crash.hpp"
#include "detail/sys.hpp"
#include "sched/cpus.hpp"
#include "stack/race.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// How long run() waits, after main has returned, for workers that are in the middle of a
// goroutine. Whoever takes longer is abandoned.
constexpr std::int64_t grace_ns = 100'000'000;

// [stop] the running scheduler; written by run() only.
constinit atomic<scheduler*> the_scheduler{nullptr};
// [stop] foreign threads that are using it; see in_use.
constinit atomic<std::uint32_t> users{0};

std::uint64_t entropy() {
  std::random_device source;
  return (static_cast<std::uint64_t>(source()) << 32) | source();
}

}  // namespace

scheduler::in_use::in_use() noexcept {
  users.fetch_add(1, seq_cst);               // [stop.1] seq_cst: before the look at the_scheduler
  scheduler_ = the_scheduler.load(seq_cst);  // [stop.1] seq_cst: see retract(); [solo.7]
}

scheduler::in_use::~in_use() {
  users.fetch_sub(1, release);  // [stop.2] release: the use is over before the object may go
}

bool scheduler::used_from_outside() noexcept {
  return users.load(seq_cst) != 0;  // [solo.8] seq_cst: after the_scheduler was published
}

bool scheduler::publish(scheduler* s) noexcept {
  scheduler* none = nullptr;
  // [solo.7] seq_cst: publishes *s; before claim_solo() looks for foreign threads.
  return the_scheduler.compare_exchange(none, s, seq_cst, relaxed);
}

void scheduler::retract() noexcept {
  the_scheduler.store(nullptr, seq_cst);  // [stop.1] seq_cst: before the look at users
  // [stop.2] seq_cst, and acquire: either a user saw nullptr, or it is counted here.
  while (users.load(seq_cst) != 0) {
    sys.give_up_processor();
  }
}

scheduler::scheduler(const runtime_options& options)
    : idle(static_cast<std::uint32_t>(options.max_procs)),
      timers(static_cast<std::uint32_t>(options.max_procs)),
      memory(arena::of(options.stack_bytes, worker::fiber_loop)),
      options_(options),
      max_procs_(static_cast<std::uint32_t>(options.max_procs)),
      workers_(new atomic<worker*>[max_threads]),
      monitor_(*this) {
#if WEFT_SOLO
  if (sys.prepare_barrier()) {
    idle.allow_solo();
  }
#endif
}

scheduler::~scheduler() {
  memory.give_records(foreign_records_);
  for (std::uint32_t i = 0; i < worker_count(); ++i) {
    delete &worker_at(i);
  }
}

// ---- threads ----

bool scheduler::start_worker() noexcept {
  std::lock_guard hold(start_lock_);
  const std::uint32_t index = worker_count_.load(relaxed);  // relaxed: written under the lock
  if (index == max_threads || stopping()) {
    return false;
  }
  worker* w = nullptr;
  bool reserved = false;
  try {
    memory.stacks().reserve_slab();  // [stack] what its caches may hold
    reserved = true;
    w = new worker(*this, index, policy(options_.seed, index, entropy()));
  } catch (const std::exception&) {
    if (reserved) {
      memory.stacks().release_slab();
    }
    return false;
  }
  // relaxed: the new thread is started after it, and worker_count_ publishes it to others.
  workers_[index].store(w, relaxed);
  refs_.fetch_add(1, relaxed);  // relaxed: the caller holds a reference
  if (sys.thread_create(&w->thread_, worker::thread_main, w) != 0) {
    refs_.fetch_sub(1, relaxed);  // relaxed: as above
    delete w;
    memory.stacks().release_slab();
    return false;
  }
  worker_count_.store(index + 1, release);  // [workers] release: publishes workers_[index]
  return true;
}

bool scheduler::wake_one() noexcept {
  sleeper* woken = nullptr;
  switch (idle.begin_wake(woken)) {
    case idle_set::wake::none:
      return false;
    case idle_set::wake::woken:
      static_cast<worker*>(woken)->wake();
      break;
    case idle_set::wake::needs_thread:
      if (!start_worker()) {
        idle.cancel_wake();
        return false;
      }
      break;
  }
  monitor_.nudge();
  return true;
}

void scheduler::inject(goroutine* g) noexcept {
  WEFT_CHECK(global.push(g), "out of memory for the global queue");
  if (idle.must_wake()) {
    wake_one();
  }
}

void scheduler::timer_added(std::int64_t when) noexcept {
  if (worker* keeper = timers.oversleeper(when)) {
    keeper->rouse();
  } else if (!timers.kept()) {
    monitor_.expect(when);
  }
}

void scheduler::worker_exited() noexcept {
  exited_.fetch_add(1, acq_rel);  // [stop] acq_rel: all that the worker did happens before
  sys.futex_wake(exited_.address(), 1);
  drop_ref(this);
}

void scheduler::drop_ref(scheduler* s) noexcept {
  if (s->refs_.fetch_sub(1, acq_rel) == 1) {  // acq_rel: the last one sees what all did
    delete s;
  }
}

// ---- from start to stop ----

void scheduler::run_main(goroutine* g) {
  try {
    // The first worker before the monitor: its failure must be this function's, not a degraded
    // start by somebody else.
    if (!wake_one()) {
      // If it was the worker's stacks that could not be had, this says so.
      memory.stacks().reserve_slab();
      memory.stacks().release_slab();
      throw std::system_error(EAGAIN, std::generic_category(),
                              "weft: run: cannot start a worker thread");
    }
    monitor_.start();
  } catch (...) {
    stop_workers();
    g->main = false;
#if WEFT_RACE
    race::free_actor(g->actor);
#endif
    give_foreign_record(g);
    retract();
    drop_ref(this);
    throw;
  }
  inject(g);
  while (main_done_.load(acquire) == 0) {  // [stop] acquire: pairs with main_ended()
    sys.futex_wait(main_done_.address(), 0, -1);
  }
  race::acquire(ended());
  stop_workers();
  idle.revoke_solo();  // a worker may have claimed it on its way out
  abandon_goroutines();
  {
    const solo_exempt unannounced;  // else what the timers held would slow down all later runs
    timers.drop_all();
  }
  retract();
  drop_ref(this);
}

// What is left never runs again; a channel may still refer to a waiter on one of its stacks, so
// records and stacks are kept as they are, and ready() passes over them (GR-2).
void scheduler::abandon_goroutines() noexcept {
  if (live_goroutines() == 0) {
    return;
  }
  arena::for_each_record([](goroutine& g) {
    if (g.state.load(relaxed) != goroutine_state::idle) {  // relaxed: all workers have left, or
      g.kind.store(goroutine_kind::abandoned, relaxed);    // are abandoned with what they run
    }
  });
}

void scheduler::main_ended() noexcept {
  main_done_.store(1, release);  // [stop] release: what main did happens before run() returns
  sys.futex_wake(main_done_.address(), 1);
}

void scheduler::stop_workers() noexcept {
  monitor_.stop();
  std::uint32_t n = 0;
  {
    std::lock_guard hold(start_lock_);  // no worker is started after this
    stopping_.store(1, seq_cst);        // [stop] seq_cst: before the looks at sleepers below
    n = worker_count();
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    worker_at(i).attend(worker::attend_stop);
  }
  for (sleeper* w = idle.all_sleepers(); w != nullptr;) {
    sleeper* next = w->next_sleeper;
    static_cast<worker*>(w)->wake();
    w = next;
  }
  const std::int64_t limit = clock.now() + grace_ns;
  std::uint32_t out = 0;
  while ((out = exited_.load(acquire)) < n) {  // [stop] acquire: pairs with worker_exited()
    const std::int64_t left = limit - clock.now();
    if (left <= 0) {
      break;
    }
    sys.futex_wait(exited_.address(), out, left);
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    if (out < n) {
      solo_forbid();  // an abandoned worker may still use a channel, unannounced
    }
    if (out == n) {
      ::pthread_join(worker_at(i).thread(), nullptr);
    } else {
      ::pthread_detach(worker_at(i).thread());
    }
  }
}

// ---- records, ids, counts ----

goroutine* scheduler::take_foreign_record() {
  spin_guard hold(foreign_lock_);
  if (foreign_records_.first == nullptr) {
    foreign_records_ = memory.take_records();
  }
  goroutine* g = foreign_records_.first;
  foreign_records_.first = g->next;
  --foreign_records_.count;
  foreign_live_.fetch_add(1, relaxed);  // relaxed: statistics
  return g;
}

void scheduler::give_foreign_record(goroutine* g) noexcept {
  spin_guard hold(foreign_lock_);
  g->next = foreign_records_.first;
  if (foreign_records_.first == nullptr) {
    foreign_records_.last = g;
  }
  foreign_records_.first = g;
  ++foreign_records_.count;
  foreign_live_.fetch_sub(1, relaxed);  // relaxed: statistics
}

std::uint64_t scheduler::take_ids(std::uint64_t count) noexcept {
  return next_id_.fetch_add(count, relaxed);  // relaxed: ids are unique, they order nothing
}

std::int64_t scheduler::live_goroutines() noexcept {
  std::int64_t n = foreign_live_.load(relaxed);  // relaxed: statistics
  for (std::uint32_t i = 0; i < worker_count(); ++i) {
    n += worker_at(i).live();
  }
  return n;
}

std::uint32_t scheduler::set_max_procs(std::uint32_t n) noexcept {
  const std::uint32_t before = max_procs_.exchange(n, relaxed);  // relaxed: a setting
  set_width(n);
  return before;
}

void scheduler::set_width(std::uint32_t n) noexcept {
  const std::uint32_t before = idle.places();
  idle.set_places(n);
  if (n < before) {
    for (std::uint32_t i = 0; i < worker_count(); ++i) {
      worker_at(i).attend(worker::attend_surplus);
    }
  } else if (n > before) {
    wake_one();
  }
}

}  // namespace weft::detail
