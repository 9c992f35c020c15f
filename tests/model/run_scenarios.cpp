// Workers and those who give them work, from the first spawn to the end.
#include <weft/exceptions.hpp>

#include "run_scenarios.hpp"
#include "run_state.hpp"

namespace weft::model {
namespace {

using detail::never;
using detail::scheduler;

}  // namespace

// ---- [idle] ----

threads a_submission_meets_a_worker_that_goes_to_sleep() {
  auto s = begin(1);
  return {[s] {
    s->spawn(0);
    await(s->ran[0]);
    s->spawn(1);
    await(s->ran[1]);
    s->end();
  }};
}

threads two_submitters_and_two_places() {
  auto s = begin(2);
  return {[s] {
            s->spawn(0);
            await(s->ran[0]);
            await(s->ran[1]);
            s->end();
          },
          [s] { s->spawn(1); }};
}

// ---- [stop] ----

threads the_end_meets_a_worker_that_goes_to_sleep() {
  auto s = begin(1);
  return {[s] {
    s->spawn(0);
    await(s->ran[0]);
    end_run(s->run);
  }};
}

threads the_end_meets_a_foreign_spawn() {
  auto s = begin(1);
  return {[s] { end_run(s->run); },
          [s] {
            try {
              s->spawn(0);
            } catch (const no_runtime&) {
            }
          }};
}

threads the_end_meets_a_wake() {
  auto s = begin(1);
  return {[s] {
            s->spawn(0);
            await(s->ran[0]);
            end_run(s->run);
          },
          [s] {
            if (scheduler::in_use r; r) {
              r->wake_one();
            }
          }};
}

threads the_end_meets_goroutines_that_yield() {
  auto s = begin(1);
  return {[s] {
    for (const int i : {0, 1}) {
      go([s, i] {
        tell(s->ran[i]);
        for (;;) {
          yield();
          detail::model_yield();
        }
      });
    }
    await(s->ran[0]);
    await(s->ran[1]);
    end_run(s->run);
  }};
}

// ---- [exit] ----

namespace {

// By a thread that is in exit(): from then on static objects are destroyed.
void exit_process(const std::shared_ptr<state>& s) {
  if (!scheduler::stop_for_exit()) {
    return;  // there is no runtime any more
  }
  s->exiting = true;
  for (int i = 0; i < 3; ++i) {
    detail::model_yield();
  }
  end_process();
}

void spawn_one_that_yields(const std::shared_ptr<state>& s) {
  go([s] {
    tell(s->ran[0]);
    for (int i = 0; i < 2; ++i) {
      yield();
      require(!s->exiting, "a goroutine goes on while static objects are destroyed");
    }
    tell(s->ran[1]);
  });
}

}  // namespace

threads exit_meets_the_end_of_the_run() {
  auto s = begin(1);
  s->time_may_pass = true;
  return {[s] {
            spawn_one_that_yields(s);
            await(s->ran[0]);
            end_run(s->run);
            require(!s->exiting, "run() returns while static objects are destroyed");
          },
          [s] {
            await(s->ran[0]);
            exit_process(s);
          }};
}

threads exit_meets_a_goroutine_that_goes_on() {
  auto s = begin(1);
  s->time_may_pass = true;
  return {[s] {
            spawn_one_that_yields(s);
            await(s->ran[1]);
            await(s->ran[2]);  // run() does not end
          },
          [s] {
            await(s->ran[0]);
            exit_process(s);
          }};
}

// ---- [drain] ----

threads a_waiter_meets_the_end_of_the_last_goroutine() {
  auto s = begin(1);
  return {[s] {
    s->spawn(0);
    s->run.await_no_goroutines(never);
    require(s->ran[0], "wait() returned before the last goroutine had ended");
    s->end();
  }};
}

threads two_waiters() {
  auto s = begin(1);
  return {[s] {
            s->spawn(0);
            s->run.await_no_goroutines(never);
            await(s->ran[1]);
            s->end();
          },
          [s] {
            s->run.await_no_goroutines(never);
            tell(s->ran[1]);
          }};
}

// ---- [retire] ----

threads a_wake_meets_a_thread_that_is_of_no_use() {
  auto s = begin(1);
  scheduler::spare_thread_ns = 0;
  return {[s] {
    go([s] {
      tell(s->ran[0]);
      await(s->ran[1]);
    });
    await(s->ran[0]);
    s->take_place();
    s->spawn(1);
    await(s->ran[1]);
    s->spawn(2);
    await(s->ran[2]);
    s->end();
  }};
}

threads a_dormant_worker_gets_a_new_thread() {
  auto s = begin(1);
  scheduler::spare_thread_ns = 0;
  return {[s] {
    go([s] {
      tell(s->ran[0]);
      await(s->ran[1]);
    });
    await(s->ran[0]);
    s->take_place();
    s->spawn(1);
    await(s->ran[1]);  // two workers go to sleep; the thread of one ends
    go([s] {
      tell(s->ran[2]);
      await(s->ran[3]);
    });
    await(s->ran[2]);
    s->take_place();
    s->spawn(3);
    await(s->ran[3]);
    s->end();
  }};
}

// ---- [pinned] ----

namespace {

threads pinned(int turns, int max_procs = 1) {
  auto s = begin(max_procs);
  s->time_may_pass = true;  // threads are made by the monitor
  return {[s, turns] {
    s->run.start();
    go([s, turns] {
      lock_os_thread();
      const std::size_t here = current();
      for (int i = 0; i < turns; ++i) {
        s->park_and_tell(s->ran[i]);
        require(current() == here, "a locked goroutine runs on another thread");
        require(s->readied > i, "a locked goroutine runs before it is made ready");
      }
      tell(s->ran[2]);
    });
    for (int i = 0; i < turns; ++i) {
      await(s->ran[i]);
      ++s->readied;
      detail::ready(s->parked);
    }
    await(s->ran[2]);
    s->spawn(3);
    await(s->ran[3]);
    const auto rest = [s] { return s->run.idle.resting() == s->run.worker_count(); };
    for (int i = 0; i < 20 && !rest(); ++i) {
      sleep_until(detail::now_ns() + 1'000'000);
    }
    require(!rest() || s->run.idle.awake_count() == 0, "a place is counted that nobody has");
    s->end();
  }};
}

}  // namespace

threads a_pinned_goroutine_is_picked_by_another_worker() { return pinned(1); }
threads a_pinned_goroutine_has_two_turns() { return pinned(2); }
threads a_pinned_goroutine_is_picked_while_its_thread_has_a_place() { return pinned(1, 2); }

// ---- [next] ----

// GR-12
threads what_was_made_ready_last_is_stolen_from_one_that_goes_on() {
  auto s = begin(2);
  return {[s] {
    go([s] {
      s->park_and_tell(s->ran[0]);
      tell(s->ran[1]);
    });
    await(s->ran[0]);
    go([s] {
      detail::ready(s->parked);
      if (s->run.wake_one()) {  // the other one may be about to sleep; the monitor would wake again
        await(s->ran[1]);
      }
      tell(s->ran[2]);
    });
    await(s->ran[1]);
    await(s->ran[2]);
    s->end();
  }};
}

// ---- [idle.6] ----

threads the_monitor_rescues_while_the_owner_comes_back() {
  auto s = begin(1);
  return {[s] {
    go([s] {
      s->spawn(1);  // waits in this worker's queue
      tell(s->ran[0]);
      await(s->ran[2]);
    });
    await(s->ran[0]);
    s->take_place();
    tell(s->ran[2]);
    s->run.worker_at(0).rescue_queues();
    await(s->ran[1]);
    s->end();
  }};
}

threads what_waits_at_a_stuck_worker_is_rescued() {
  auto s = begin(1);
  return {[s] {
    go([s] {
      s->spawn(1);
      tell(s->ran[0]);
      await(s->ran[1]);
    });
    await(s->ran[0]);
    s->take_place();
    s->run.worker_at(0).rescue_queues();
    await(s->ran[1]);
    s->end();
  }};
}

}  // namespace weft::model
