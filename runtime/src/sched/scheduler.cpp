#include "sched/scheduler.hpp"

#include <weft/detail/check.hpp>
#include <weft/detail/lost_wait.hpp>
#include <weft/detail/solo.hpp>

#include <climits>
#include <system_error>
#include <utility>

#include "debug/crash.hpp"
#include "debug/dump.hpp"
#include "debug/quit.hpp"
#include "detail/sys.hpp"
#include "sched/block_thread.hpp"
#include "sched/cpus.hpp"
#include "sched/process.hpp"
#include "stack/race.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// [stop] the running scheduler; written by run() only.
constinit atomic<scheduler*> the_scheduler{nullptr};
// [stop] foreign threads that are using it; see in_use.
constinit atomic<std::uint32_t> users{0};

// So that two runs choose differently; nothing is a secret.
std::uint64_t entropy() {
  std::uint64_t bits = 0;
  if (!sys.random(&bits, sizeof bits)) {
    bits = static_cast<std::uint64_t>(clock.now()) ^ reinterpret_cast<std::uintptr_t>(&bits);
  }
  return bits;
}

}  // namespace

std::int64_t scheduler::spare_thread_ns = 5'000'000'000;

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
  if (!the_scheduler.compare_exchange(none, s, seq_cst, relaxed)) {
    return false;
  }
  watch_process();
  watch_lost_waits(s->options().on_lost_wait);
  return true;
}

void scheduler::retract() noexcept {
  unwatch_process();  // before another runtime can be watched
  watch_lost_waits(lost_wait_action::ignore);
  the_scheduler.store(nullptr, seq_cst);  // [stop.1] seq_cst: before the look at users
  constexpr int short_waits = 1000;
  constexpr std::int64_t nap_ns = 1'000'000;
  // [stop.2] seq_cst, and acquire: either a user saw nullptr, or it is counted here.
  for (int i = 0; users.load(seq_cst) != 0; ++i) {
    if (i < short_waits) {
      sys.give_up_processor();
    } else {
      sys.nap(nap_ns);  // whoever is in exit() never goes [exit.3]
    }
  }
}

scheduler::scheduler(const runtime_options& options, simulation* simulated)
    : idle(static_cast<std::uint32_t>(options.max_procs)),
      timers(static_cast<std::uint32_t>(options.max_procs)),
      memory(arena::of(options.stack_bytes, worker::fiber_loop)),
      options_(options),
      simulation_(simulated),
      stall_ns_(options.stall_limit.count() != 0
                    ? std::chrono::nanoseconds(options.stall_limit).count()
                    : never),
      max_procs_(static_cast<std::uint32_t>(options.max_procs)),
      workers_(new atomic<worker*>[max_threads]),
      monitor_(*this) {
#if WEFT_SOLO
  // Simulated, each operation must come to its schedule point.
  if (simulated == nullptr && sys.prepare_barrier()) {
    gates_ = thief_gate::may_open::yes;
    // [lock_cycle.1] With a solo owner locks are taken inline, where nobody notes who has them.
    if (options.on_lost_wait == lost_wait_action::ignore) {
      idle.allow_solo();
    }
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

bool scheduler::start_worker(worker* dormant) noexcept {
  std::lock_guard hold(start_lock_);
  const std::uint32_t index = worker_count_.load(relaxed);  // relaxed: written under the lock
  if (stopping() || (dormant == nullptr && index == max_threads)) {
    return false;
  }
  worker* w = dormant;
  bool reserved = false;
  try {
    memory.stacks().reserve_slab();  // [stack.2] what its caches may hold
    reserved = true;
    if (w == nullptr) {
      w = new worker(*this, index, policy(options_.seed, index, entropy()));
    }
  } catch (const std::exception&) {
    if (reserved) {
      memory.stacks().release_slab();
    }
    return false;
  }
  if (dormant == nullptr) {
    // relaxed: the new thread is started after it, and worker_count_ publishes it to others.
    workers_[index].store(w, relaxed);
  }
  if (!start_thread(*w)) {
    memory.stacks().release_slab();
    if (dormant == nullptr) {
      delete w;
    }
    return false;
  }
  if (dormant == nullptr) {
    worker_count_.store(index + 1, release);  // [workers.1] release: publishes workers_[index]
  }
  return true;
}

// Under start_lock_.
bool scheduler::start_thread(worker& w) noexcept {
  if (w.joinable_) {
    ::pthread_join(w.thread_, nullptr);  // [retire.4] it has no more to do than to end
    w.joinable_ = false;
  }
  refs_.fetch_add(1, relaxed);  // relaxed: the caller holds a reference
  started_.bump();              // before the thread can be counted as exited
  if (sys.thread_create(&w.thread_, worker::thread_main, &w) != 0) {
    started_.store(started_.load(relaxed) - 1, relaxed);  // relaxed: under the lock
    refs_.fetch_sub(1, relaxed);                          // relaxed: as above
    return false;
  }
  w.joinable_ = true;
  return true;
}

bool scheduler::wake_one() noexcept {
  if (awaits_host()) {
    return false;  // what another thread has spawned by now, the host finds in the global queue
  }
  sleeper* woken = nullptr;
  switch (idle.begin_wake(woken)) {
    case idle_set::wake::none:
      return false;
    case idle_set::wake::woken:
      static_cast<worker*>(woken)->wake();
      break;
    case idle_set::wake::needs_thread:
      if (worker* w = this_worker(); w != nullptr && w->pinned()) {
        // What its goroutine did to this thread, a new one would inherit (RT-9): the monitor's is
        // clean, and it sees that work waits.
        idle.cancel_wake(woken);
        monitor_.nudge();
        monitor_.expect(0);
        return false;
      }
      if (!start_worker(static_cast<worker*>(woken))) {
        idle.cancel_wake(woken);
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
  exited_.fetch_add(1, acq_rel);  // [stop.5] acq_rel: all that the worker did happens before
  sys.futex_wake(exited_.address(), INT_MAX);  // the run's end and exit() may both wait [exit.2]
  drop_ref(this);
}

void scheduler::drop_ref(scheduler* s) noexcept {
  if (s->refs_.fetch_sub(1, acq_rel) == 1) {  // [refs.1] acq_rel: the last one sees what all did
    delete s;
  }
}

// ---- from start to stop ----

void scheduler::start() {
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
  begin_reports();
}

void scheduler::begin_reports() noexcept {
  set_traceback(options_.traceback);
  install_quit_handler(options_.on_sigquit);  // the monitor answers
}

// The calling thread becomes a worker's, to which the main goroutine is locked (RT-11), unless it
// is the only thread anyway.
worker* scheduler::adopt_caller(goroutine* main) {
  const bool locked = simulation_ == nullptr;
  if (locked && main->extra == nullptr) {
    main->extra = new goroutine_extra;
  }
  std::lock_guard hold(start_lock_);
  memory.stacks().reserve_slab();  // [stack.2] as in start_worker()
  worker* w = nullptr;
  try {
    w = new worker(*this, 0, policy(options_.seed, 0, entropy()));
  } catch (...) {
    memory.stacks().release_slab();
    throw;
  }
  sleeper* none = nullptr;
  WEFT_CHECK(idle.begin_wake(none) == idle_set::wake::needs_thread, "a worker before the host");
  idle.end_search();  // it has work
  if (locked) {
    main->extra->thread_locks = 1;
    w->pin(main);
  }
  w->handoff_ = main;
  host_ = w;
  workers_[0].store(w, relaxed);  // relaxed: worker_count_ publishes it
  refs_.fetch_add(1, relaxed);    // relaxed: the caller holds a reference
  started_.bump();
  worker_count_.store(1, release);  // [workers.1] release: publishes workers_[0]
  return w;
}

void scheduler::run_main(goroutine* g) {
  worker* host = nullptr;
  try {
    if (simulation_ != nullptr) {
      set_traceback(options_.traceback);
      host = adopt_caller(g);
    } else if (options_.lock_main_thread) {
      monitor_.start();
      begin_reports();
      host = adopt_caller(g);
    } else {
      start();
    }
  } catch (...) {
    stop_workers();
    g->main = false;
#if WEFT_RACE
    race::free_actor(g->actor);
#endif
    delete std::exchange(g->extra, nullptr);
    give_foreign_record(g);
    retract();
    drop_ref(this);
    throw;
  }
  if (host != nullptr) {
    host->run_thread();
  } else {
    inject(g);
  }
  count_blocked_thread();
  while (main_done_.load(acquire) == 0) {  // [stop.3] acquire: pairs with main_ended()
    sys.futex_wait(main_done_.address(), 0, -1);
  }
  race::acquire(ended());
  discount_blocked_thread();
  end();
}

void scheduler::main_ended() noexcept {
  main_done_.store(1, release);  // [stop.3] release: what main did happens before run() returns
  sys.futex_wake(main_done_.address(), 1);
  if (host_ != nullptr) {
    // run()'s caller works: it must come back from that first.
    host_->attend(worker::attend_stop);
    // After this lock either the host is among the sleepers, or it sees the bit before it sleeps.
    idle.awake_or_asleep();
    host_->wake();
    host_->stop_waiting_for_turn();
  }
}

scheduler* scheduler::forget_in_child() noexcept {
  users.store(0, relaxed);                          // relaxed: there is no other thread
  return the_scheduler.exchange(nullptr, relaxed);  // relaxed: as above
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

void scheduler::give_up_foreign_spawn(goroutine* g) noexcept {
  give_foreign_record(g);
  idle.must_wake();  // [drain.2] as an RMW on the word of enter_sleep()
  tell_if_none_lives();
}

std::uint64_t scheduler::take_ids(std::uint64_t count) noexcept {
  return next_id_.fetch_add(count, relaxed);  // relaxed: ids are unique, they order nothing
}

// First all that have ended, then all that were made: both only grow, so that the result is never
// less than what lives at the moment between.
std::int64_t scheduler::live_goroutines() noexcept {
  const std::uint32_t n = worker_count();
  std::uint64_t ended = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    ended += worker_at(i).goroutines_ended();
  }
  const std::uint32_t m = worker_count();
  // relaxed: statistics, read after the acquire loads above.
  std::uint64_t made = static_cast<std::uint64_t>(foreign_live_.load(relaxed));
  for (std::uint32_t i = 0; i < m; ++i) {
    made += worker_at(i).goroutines_made();
  }
  return static_cast<std::int64_t>(made - ended);
}

std::uint32_t scheduler::set_max_procs(std::uint32_t n) noexcept {
  if (simulation_ != nullptr) {
    return max_procs();
  }
  const std::uint32_t before = max_procs_.exchange(n, relaxed);  // relaxed: a setting
  set_width(n);
  if (n < before) {
    // Who sleeps as one of few may be one of too many now.
    idle.for_each_sleeper([](sleeper& w) { static_cast<worker&>(w).rouse(); });
  }
  return before;
}

void scheduler::offer_solo() noexcept {
  if (!idle.looks_solo()) {
    return;
  }
  for (std::uint32_t i = 0, n = worker_count(); i < n; ++i) {
    // What is seen of it comes before its thread's pointer is read: it may have got a new thread.
    if (worker_at(i).visited_current() != nullptr) {
      worker_at(i).claim_solo();
    }
  }
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
