// errgroup, with_scope, singleflight.
#include <weft/context.hpp>
#include <weft/errgroup.hpp>
#include <weft/scope.hpp>
#include <weft/singleflight.hpp>

#include <atomic>

#include "micro.hpp"

namespace {

using micro::check;

// One operation: a task, one of `tasks` in a group.
void errgroup_tasks(benchmark::State& state) {
  const std::int64_t tasks = state.range(0);
  micro::on_runtime(state.range(1), state, [&] {
    std::atomic<std::int64_t> ran = 0;
    while (state.KeepRunningBatch(tasks)) {
      weft::errgroup group;
      for (std::int64_t i = 0; i < tasks; ++i) {
        group.go([&] { ++ran; });
      }
      check(!group.wait(), "no task failed");
    }
    check(ran == state.iterations(), "how many tasks ran");
  });
}
BENCHMARK(errgroup_tasks)
    ->ArgNames({"tasks", "procs"})
    ->ArgsProduct({{1, 1000}, micro::one_and_two_procs})
    ->UseRealTime();

// The same with a context, and no more than four at once.
void errgroup_limited(benchmark::State& state) {
  const std::int64_t tasks = state.range(0);
  micro::on_runtime(state.range(1), state, [&] {
    std::atomic<std::int64_t> ran = 0;
    while (state.KeepRunningBatch(tasks)) {
      auto [group, ctx] = weft::errgroup::with_context(weft::background());
      group.set_limit(4);
      for (std::int64_t i = 0; i < tasks; ++i) {
        group.go([&] { ++ran; });
      }
      check(!group.wait(), "no task failed");
    }
    check(ran == state.iterations(), "how many tasks ran");
  });
}
BENCHMARK(errgroup_limited)
    ->ArgNames({"tasks", "procs"})
    ->ArgsProduct({{1000}, micro::one_and_two_procs})
    ->UseRealTime();

void errgroup_failing_uncontended(benchmark::State& state) {
  const weft::error broken("broken");
  micro::alone(state, [&] {
    auto [group, ctx] = weft::errgroup::with_context(weft::background());
    group.go([&] { return broken; });
    check(group.wait() == broken, "the task's error");
  });
}
BENCHMARK(errgroup_failing_uncontended)->UseRealTime();

void scope_one_uncontended(benchmark::State& state) {
  std::int64_t ran = 0;
  micro::alone(state, [&] {
    const weft::error e =
        weft::with_scope(weft::background(), [&](weft::scope& s) { s.go([&] { ++ran; }); });
    check(!e, "no task failed");
  });
  check(ran == state.iterations(), "how many tasks ran");
}
BENCHMARK(scope_one_uncontended)->UseRealTime();

void singleflight_uncontended(benchmark::State& state) {
  weft::singleflight<int, std::int64_t> flights;
  std::int64_t ran = 0;
  micro::alone(state, [&] {
    const auto got = flights.do_(7, [&] { return ++ran; });
    check(got.value == ran && !got.shared, "a flight of its own");
  });
  check(ran == state.iterations(), "how many flights there were");
}
BENCHMARK(singleflight_uncontended)->UseRealTime();

// The function gives way, so that others join.
const bool singleflight_contended =
    micro::contended("singleflight", [](benchmark::State& state, std::int64_t n) {
      weft::singleflight<int, int> flights;
      std::atomic<std::int64_t> ran = 0;
      micro::together(state, n, [&](std::int64_t) {
        const auto got = flights.do_(7, [&] {
          weft::yield();
          ++ran;
          return 42;
        });
        check(got.value == 42, "another value");
      });
      check(ran > 0 && ran <= state.iterations(), "how many flights there were");
    });

}  // namespace
