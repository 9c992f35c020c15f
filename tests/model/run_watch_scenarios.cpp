// Who watches a run: the monitor, and visitors.
#include <weft/blocking.hpp>

#include <cstring>

#include "debug/visit.hpp"
#include "run_scenarios.hpp"
#include "run_state.hpp"
#include "time/clock.hpp"

namespace weft::model {

// ---- [monitor], [timer.6] ----

namespace {

constexpr std::int64_t longest_ns = 10'000'000;  // of the monitor's pauses

// Says so when the monitor comes from the nth pause that is so long.
void tell_after_naps(const std::shared_ptr<state>& s, int n, bool& told) {
  run_world.after_nap = [s, n, &told](std::int64_t limit) mutable {
    if (limit >= longest_ns && --n == 0) {
      tell(told);
    }
  };
}

}  // namespace

threads a_wake_meets_a_monitor_that_goes_to_sleep() {
  auto s = begin(1);
  s->time_may_pass = true;
  tell_after_naps(s, 3, s->ran[0]);
  return {[s] {
    s->run.start();
    await(s->ran[0]);
    go([s] {
      detail::begin_blocking();
      tell(s->ran[1]);
      await(s->ran[2]);  // only the monitor can give the place to the next
      detail::end_blocking();
      tell(s->ran[3]);
    });
    await(s->ran[1]);
    s->spawn(2);
    await(s->ran[3]);
    s->end();
  }};
}

threads a_timer_meets_a_monitor_that_goes_to_sleep() {
  auto s = begin(1);
  s->time_may_pass = true;
  tell_after_naps(s, 1, s->ran[0]);
  return {[s] {
    s->run.start();
    go([s] {
      detail::begin_blocking();
      await(s->ran[0]);
      const std::int64_t when = detail::clock.now() + 200'000;
      s->run.timers.heap(0).add_event(
          when, [](void* rang, detail::timer_outcome) noexcept { tell(*static_cast<bool*>(rang)); },
          &s->ran[1]);
      s->run.timer_added(when);
      await(s->ran[1]);
      require(detail::clock.now() - when < longest_ns / 2, "the monitor slept past a time");
      detail::end_blocking();
      tell(s->ran[2]);
    });
    await(s->ran[2]);
    s->end();
  }};
}

// ---- [outside] ----

// The one that is woken is the only thread that is left: not a deadlock, however late it runs.
threads the_last_thread_outside_wakes_another() {
  auto s = begin(1, deadlock_action::exit);
  s->time_may_pass = true;
  tell_after_naps(s, 2, s->ran[0]);
  return {[s] {
            s->run.start();
            s->spawn(2);
            s->park_and_tell(s->ran[1]);
            s->end();
          },
          [s] {
            await(s->ran[1]);
            await(s->ran[0]);
            detail::ready(s->parked);
          }};
}

threads nobody_can_go_on() {
  auto s = begin(1, deadlock_action::exit);
  s->time_may_pass = true;
  return {[s] {
    s->run.start();
    s->park_and_tell(s->ran[1]);
    s->end();
  }};
}

// ---- [visit] ----

namespace {

// Reads a stack for a while: it must not change.
void walk(const void* context) {
  constexpr std::size_t bytes = 256;
  char before[bytes];
  std::memcpy(before, context, bytes);
  for (int i = 0; i < 3; ++i) {
    detail::model_yield();
    require(std::memcmp(before, context, bytes) == 0, "somebody runs on a stack that is walked");
  }
}

}  // namespace

threads a_visitor_meets_a_goroutine_that_goes_on() {
  auto s = begin(1);
  run_world.walk = walk;
  return {[s] {
            go([s] {
              s->park_and_tell(s->ran[0]);
              s->park_and_tell(s->ran[1]);
              tell(s->ran[3]);
            });
            await(s->ran[0]);
            detail::ready(s->parked);
            await(s->ran[1]);
            detail::ready(s->parked);
            await(s->ran[3]);
            await(s->ran[2]);
            s->end();
          },
          [s] {
            await(s->ran[0]);
            detail::visit_goroutines(
                &s->run, detail::visit_patience::endless,
                [](void*, const detail::goroutine_sight&, const detail::frame_list&) {}, nullptr);
            tell(s->ran[2]);
          }};
}

}  // namespace weft::model
