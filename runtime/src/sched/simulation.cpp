#include "sched/simulation.hpp"

#include <weft/debug.hpp>
#include <weft/detail/check.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/exceptions.hpp>

#include <sys/single_threaded.h>

#include <algorithm>
#include <utility>

#include "debug/crash.hpp"
#include "debug/dump.hpp"
#include "detail/sys.hpp"
#include "sched/block_thread.hpp"
#include "sched/scheduler.hpp"
#include "stack/race.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

using testing::failure_kind;

// Far from 0, so that earlier times exist; always the same, so that a replay is one.
constexpr std::int64_t first_now = 1'000'000'000'000'000;
// In a program time creeps: one that waits for a time by yielding or polling would never get there.
constexpr std::int64_t creep_ns = 1'000;
constexpr std::uint32_t timers_every = 64;  // steps between looks at timers while time creeps
// Steps of one goroutine in a row, after which it counts as waiting for the others.
constexpr std::uint32_t longest_streak = 1'000;
constexpr std::int64_t look_again_ns = 1'000'000;  // for what other threads have done

// The time of the run. Threads outside may read it, also when the run is just over. Written by the
// thread that runs it.
constinit atomic<std::int64_t> time_now{0};
constinit clock_source clock_before{nullptr};

std::int64_t now() noexcept { return time_now.load(relaxed); }            // relaxed: own, or a hint
void set_time(std::int64_t ns) noexcept { time_now.store(ns, relaxed); }  // relaxed: as above

}  // namespace

constinit atomic<std::uint32_t> simulating{0};

simulation::simulation(scope s, std::uint64_t seed, std::uint64_t max_steps)
    : scope_(s), seed_(seed), max_steps_(max_steps), strategy_(seed) {
  result_.runs = 1;
  result_.schedule = 0xcbf2'9ce4'8422'2325u;
}

void simulation::begin(scheduler& s) noexcept {
  scheduler_ = &s;
  set_time(first_now);
  clock_before = std::exchange(clock, clock_source{now});
  simulating.store(1, relaxed);  // [simulated.1] relaxed: read by this thread
#if WEFT_RACE
  // The process may have no other thread: then the standard library counts without atomic
  // operations, which between goroutines looks like a race.
  __libc_single_threaded = 0;
#endif
}

void simulation::end() noexcept {
  simulating.store(0, relaxed);  // [simulated.1] relaxed: as above
  clock = clock_before;
}

// ---- by the worker ----

void simulation::add(goroutine* g) {
  runnable_.push_back(g);
  ids_.push_back(g->id);
}

goroutine* simulation::choose(goroutine* leaving) {
  if (!std::exchange(preempting_, false) && leaving != nullptr) {
    strategy_.step_back(leaving->id);
  }
  count_step();
  if (creep()) {
    this_worker()->attend(worker::attend_timers);
  }
  if (runnable_.empty()) {
    return nullptr;
  }
  streak_ = 0;
  const std::size_t i = strategy_.choose(ids_);
  goroutine* g = runnable_[i];
  runnable_.erase(runnable_.begin() + static_cast<std::ptrdiff_t>(i));
  ids_.erase(ids_.begin() + static_cast<std::ptrdiff_t>(i));
  note_choice(g->id);
  return g;
}

// True: timers are due, and it is time to look at them.
bool simulation::creep() noexcept {
  if (scope_ != scope::program) {
    return false;
  }
  set_time(now() + creep_ns);
  return ++steps_ % timers_every == 0 && scheduler_->timers.earliest() <= now();
}

void simulation::count_step() {
  if (++result_.steps == max_steps_) {
    fail(failure_kind::endless, "the run did not end within " + std::to_string(max_steps_) +
                                    " steps (options::max_steps)");
  }
}

void simulation::note_choice(std::uint64_t id) noexcept {
  result_.schedule = (result_.schedule ^ id) * 0x0000'0100'0000'01b3u;
}

bool simulation::when_idle() {
  for (goroutine** who : {&waiter_, &drainer_}) {
    if (*who != nullptr) {
      ready(std::exchange(*who, nullptr));
      return true;
    }
  }
  timers& all = scheduler_->timers;
  all.clean_fronts();
  const std::int64_t first = all.earliest();
  if (!time_stands_ && first != never) {
    set_time(std::max(now(), first));
    return true;
  }
  if (scope_ == scope::program) {
    return await_other_threads();
  }
  if (scheduler_->live_goroutines() == 0) {  // main ended by goexit
    scheduler_->main_ended();
    return false;
  }
  std::string why = "all goroutines are blocked, and no timer is left to wake one";
  if (sys.count_threads() > 1) {  // 0: the system does not say
    why +=
        "; other threads may be about to, but a bubble does not wait for threads: what wakes its "
        "goroutines must be one of them";
  }
  fail(failure_kind::deadlock, std::move(why));
  return false;
}

// Threads that are no goroutines may do something yet. Otherwise the process ends here.
bool simulation::await_other_threads() {
  const std::uint64_t blocked = blocked_threads.load(acquire);  // acquire: pairs with [outside.1]
  if (scheduler_->options().on_deadlock == deadlock_action::ignore ||
      sys.count_threads() != 1 + static_cast<std::uint32_t>(blocked)) {
    sys.nap(look_again_ns);
    return true;
  }
  // [outside.4] A thread that has ended between the look at the queues and the count may have left
  // work behind. acquire: pairs with [outside.1].
  if (!scheduler_->global.empty() || blocked_threads.load(acquire) != blocked ||
      (!time_stands_ && scheduler_->timers.earliest() != never)) {
    return true;
  }
  deadlock_exit(scheduler_, scheduler_->live_goroutines());
}

// ---- by goroutines ----

void simulation::point() noexcept {
  const race::runtime_code in;
  worker* w = this_worker();
  goroutine* g = w->current();
  if (g == nullptr || pauses_ != 0) {
    return;
  }
  w->collect(*this);
  count_step();
  if (result_.failure) {
    w->yield_current();  // for ever: the run is over
    return;
  }
  if (creep()) {
    w->attend(worker::attend_timers);
    preempting_ = true;
    w->yield_current();  // where timers run
    return;
  }
  if (runnable_.empty()) {
    return;
  }
  bool tired = false;
  if (++streak_ >= longest_streak) {
    streak_ = 0;
    tired = true;
    strategy_.step_back(g->id);
  }
  if (strategy_.preempts(g->id, ids_) || tired) {
    preempting_ = true;
    w->yield_current();
  }
}

void simulation::lock_in_turn(spinlock& lock, goes_first who) noexcept {
  if (who == goes_first::others) {
    point();
  }
  while (!lock.try_lock()) {
    const race::runtime_code in;
    worker* w = this_worker();
    w->collect(*this);
    if (w->current() != nullptr && pauses_ == 0 && !runnable_.empty()) {
      w->yield_current();
      continue;
    }
    WEFT_CHECK(sys.count_threads() != 1, "a lock is held by a goroutine that cannot go on");
    lock.lock();  // a thread outside has it
    return;
  }
}

void simulation::wait() {
  const race::runtime_code in;
  if (waiter_ != nullptr) {
    throw misuse("weft: testing::wait: another goroutine is in wait() already");
  }
  waiter_ = self();
  await_all();
}

// The caller is noted as who waits.
void simulation::await_all() noexcept {
  park(
      wait_reason::bubble, [](void*) noexcept {}, nullptr);
  race::acquire_from_parked();
  race::acquire(scheduler_->ended());
}

void simulation::drain() {
  const race::runtime_code in;
  time_stands_ = true;
  drainer_ = self();
  await_all();
  const std::int64_t left = scheduler_->live_goroutines() - 1;
  if (left != 0) {
    fail(failure_kind::leak, std::to_string(left) +
                                 (left == 1 ? " goroutine is" : " goroutines are") +
                                 " left, blocked, after the function has returned; since then time "
                                 "stands still: no timer wakes anybody");
  }
}

void simulation::fail(failure_kind kind, std::string message, std::exception_ptr thrown) {
  if (!result_.failure) {
    if (kind != failure_kind::exception) {
      message += "\n\n" + dump_goroutines();
    }
    result_.failure = {kind, seed_, std::move(message), std::move(thrown)};
  }
  scheduler_->main_ended();
}

void simulation::fail_by_exception() noexcept {
  {
    const race::runtime_code in;
    fail(failure_kind::uncaught, "an exception left a goroutine: " + current_exception_text(),
         std::current_exception());
  }
  for (;;) {
    park(
        wait_reason::bubble, [](void*) noexcept {}, nullptr);
  }
}

simulation* this_simulation() noexcept {
  worker* w = this_worker();
  return w != nullptr ? w->sched().simulated() : nullptr;
}

void take_schedule_point() noexcept {
  if (simulation* s = this_simulation()) {
    s->point();
  }
}

}  // namespace weft::detail
