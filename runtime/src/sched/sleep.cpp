// A worker without work: it runs the timers that are due, sleeps until it is woken or a time comes,
// and ends its thread when there are more than enough.
#include <algorithm>
#include <iterator>

#include "debug/stall.hpp"
#include "detail/sys.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// Values of wake_word_.
constexpr std::uint32_t woken = 1;
constexpr std::uint32_t roused = 2;

}  // namespace

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
      goroutine* awake[std::size(due)];
      std::size_t sleepers = 0;
      for (std::size_t k = 0; k < n; ++k) {
        if (due[k].who != nullptr) {
          awake[sleepers++] = due[k].who;
        }
      }
      prefetch(awake, sleepers);
      for (std::size_t k = 0; k < n; ++k) {
        if (now - due[k].when >= sched_.stall_ns()) [[unlikely]] {
          note_late_timer(due[k].who, now - due[k].when);
        }
        if (due[k].who != nullptr) {
          ready_in_turn(due[k].who);
        } else {
          fire(due[k]);
        }
      }
      run += static_cast<std::uint32_t>(n);
      counts_.fired.bump(n);
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
  struct next_visit {
    worker& w;
    ~next_visit() { w.begin_visit(); }
  } at_the_end{*this};
  wake_word_.store(0, relaxed);  // relaxed: nobody wakes this worker before enter_sleep()
  // So that a time in a heap is that of something that will happen. Before this worker counts as
  // asleep: a heap's lock is biased, and from then on another worker may be solo's owner [solo.1].
  sched_.timers.clean_fronts();
  counts_as_asleep_ = true;
  counts_.sleeps.bump();
  counts_.slept.store(clock.now(), relaxed);  // relaxed: for thief_pace
  const std::uint32_t all = sched_.idle.enter_sleep(this, searching, futile);
  // [idle.4] the second look, after [idle.3]: at what only sleepers could miss.
  if (sched_.stopping() || stopped()) {
    return;  // find_work() ends the thread
  }
  sched_.tell_if_none_lives();
  sched_.offer_solo();
  if (!sched_.global.empty() && sched_.idle.leave_sleep(this)) {
    sched_.left_sleep();
    woken_searching_ = true;
    return;
  }
  if (!sched_.timers.try_keep(this) || !sleep_as_keeper()) {
    await_wake(all > sched_.max_procs());
    if (must_end_) {
      return;
    }
  }
  woken_searching_ = true;
}

void worker::begin_visit() noexcept {
  arrive();
  counts_as_asleep_ = false;
}

// The first thing that a worker does whose thread begins or wakes.
void worker::arrive() noexcept {
  sched_.idle.revoke_solo();                    // [solo.4]
  counts_.arrived.store(clock.now(), relaxed);  // relaxed: for thief_pace
}

// Sleeps until it is woken. `spare`: there are more threads than max_procs, and the thread of one
// that is not woken for long ends [retire].
void worker::await_wake(bool spare) noexcept {
  std::int64_t limit = spare ? clock.now() + scheduler::spare_thread_ns : never;
  for (;;) {
    const std::uint32_t word = wake_word_.load(acquire);  // [idle.7] acquire: pairs with wake()
    if (word == woken) {
      counts_.wakes.bump();
      return;
    }
    if (word == roused) {
      std::uint32_t expected = roused;
      wake_word_.compare_exchange(expected, 0, acq_rel, relaxed);  // [timer.1] acq_rel: heard
      if (limit == never && sched_.idle.awake_or_asleep() > sched_.max_procs()) {
        limit = clock.now() + scheduler::spare_thread_ns;
      }
      continue;
    }
    const std::int64_t left = limit == never ? -1 : limit - clock.now();
    if (limit != never && left <= 0) {
      limit = never;
      if (sched_.idle.retire(this, sched_.max_procs())) {
        must_end_ = true;
        return;
      }
      continue;
    }
    sys.futex_wait(wake_word_.address(), 0, left);
  }
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
      counts_.wakes.bump();
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

}  // namespace weft::detail
