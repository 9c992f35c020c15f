// The end of a run, and of the process while one goes on: [stop] and [exit] in docs/protocols.md.
#include <weft/detail/solo.hpp>

#include <pthread.h>

#include <cstddef>
#include <mutex>
#include <new>

#include "debug/crash.hpp"
#include "debug/quit.hpp"
#include "detail/sys.hpp"
#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"
#include "stack/sanitizer.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// How long run() waits, after main has returned, for workers that are in the middle of a
// goroutine. Whoever takes longer is abandoned.
constexpr std::int64_t grace_ns = 100'000'000;

}  // namespace

std::size_t scheduler::end() noexcept {
  remove_quit_handler();
  stop_workers();
  await_crash_report();
  idle.revoke_solo();  // a worker may have claimed it on its way out
  const auto left = static_cast<std::size_t>(live_goroutines());
  if (left != 0) {
    abandon_goroutines();
  }
  {
    const solo_exempt unannounced;  // else what the timers held would slow down all later runs
    timers.drop_all();
  }
  retract();
  drop_ref(this);
  return left;
}

// What is left never runs again; a channel may still refer to a waiter on one of its stacks, so
// records and stacks are kept as they are, and ready() passes over them (GR-2).
void scheduler::abandon_goroutines() noexcept {
  arena::for_each_record([](goroutine& g) {
    if (g.state.load(relaxed) != goroutine_state::idle) {  // relaxed: all workers have left, or
      g.kind.store(goroutine_kind::abandoned, relaxed);    // are abandoned with what they run
    }
  });
}

// By the last who runs. What is only on dead frames is leaked, and shall be found to be.
void scheduler::forget_dead_frames() noexcept {
#if WEFT_ASAN
  arena::for_each_record([](goroutine& g) {
    fiber* f =
        g.extra != nullptr && g.extra->pinned_stack != nullptr ? g.extra->pinned_stack : g.stack;
    if (f != nullptr && g.state.load(relaxed) != goroutine_state::running) {  // relaxed: as above
      sanitizer::forget_dead_frames(f);
    }
  });
  memory.stacks().forget_dead_frames();
#endif
}

// Asks all workers to end; returns how many threads there are.
std::uint32_t scheduler::begin_stop() noexcept {
  monitor_.stop();
  std::uint32_t n = 0;
  std::uint32_t started = 0;
  {
    std::lock_guard hold(start_lock_);  // no thread is started after this
    stopping_.store(1, seq_cst);        // [stop.4] seq_cst: before the looks at sleepers below
    n = worker_count();
    started = started_.load(relaxed);  // relaxed: under the lock
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    worker_at(i).attend(worker::attend_stop);
    worker_at(i).stop_waiting_for_turn();
  }
  for (sleeper* w = idle.all_sleepers(); w != nullptr;) {
    sleeper* next = w->next_sleeper;
    static_cast<worker*>(w)->wake();
    w = next;
  }
  return started;
}

// Until so many threads have left, or have had time enough; returns how many have.
std::uint32_t scheduler::await_workers(std::uint32_t leaving) noexcept {
  const std::int64_t limit = real_now() + grace_ns;
  std::uint32_t out = 0;
  while ((out = exited_.load(acquire)) < leaving) {  // [stop.5] acquire: pairs with worker_exited()
    const std::int64_t left = limit - real_now();
    if (left <= 0) {
      solo_forbid();  // an abandoned worker may still use a channel, unannounced
      break;
    }
    sys.futex_wait(exited_.address(), out, left);
  }
  return out;
}

// After begin_stop(): nobody else looks at joinable_ any more.
void scheduler::part_with_threads(bool all_have_left, const worker* but) noexcept {
  for (std::uint32_t i = 0; i < worker_count(); ++i) {
    worker& w = worker_at(i);
    if (!w.joinable_) {
      continue;
    }
    if (all_have_left && &w != but) {
      ::pthread_join(w.thread_, nullptr);
    } else {
      ::pthread_detach(w.thread_);
    }
  }
}

void scheduler::stop_workers() noexcept {
  if (stopper_.exchange(1, acq_rel) != 0) {  // [exit.2] acq_rel: one of the two does it
    for (;;) {
      sys.nap(never);  // the process ends, and this run does not end before it [exit.3]
    }
  }
  if (simulation_ != nullptr) {
    simulation_->end();  // before anything else takes its time by the clock
  }
  const std::uint32_t started = begin_stop();
  const bool all_have_left = await_workers(started) == started;
  part_with_threads(all_have_left, nullptr);
  if (all_have_left) {
    forget_dead_frames();
  }
}

bool scheduler::stop_for_exit() noexcept {
  alignas(in_use) static std::byte kept[sizeof(in_use)];
  in_use* s = new (kept) in_use;  // for ever [exit.3]
  if (!*s) {
    s->~in_use();
    return false;
  }
  scheduler& me = **s;
  const worker* here = this_worker();
  if (here != nullptr && &here->sched_ != &me) {
    here = nullptr;  // abandoned by an earlier run
  }
  const std::uint32_t stays = here != nullptr ? 1 : 0;
  if (me.stopper_.exchange(1, acq_rel) == 0) {  // [exit.2] acq_rel: as in stop_workers()
    const std::uint32_t leaving = me.begin_stop() - stays;
    me.part_with_threads(me.await_workers(leaving) >= leaving, here);
  } else {
    // The run was ending anyway; who does that is held up in retract().
    me.await_workers(me.started_.load(acquire) - stays);  // [stop.5] acquire: as in thread_count()
  }
  return true;
}

}  // namespace weft::detail
