// Starting the runtime, goroutines and blocking sections; yielding.
#include <weft/blocking.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#include "micro.hpp"

namespace {

using micro::check;

void run_empty_uncontended(benchmark::State& state) {
  std::int64_t ran = 0;
  const micro::counts before = micro::counts::now();
  for (auto _ : state) {
    weft::run(weft::runtime_options{.max_procs = static_cast<int>(state.range(0))}, [&] { ++ran; });
  }
  check(ran == state.iterations(), "how often main ran");
  micro::show_outside_per_operation(state, before);
}
BENCHMARK(run_empty_uncontended)
    ->ArgName("procs")
    ->ArgsProduct({micro::one_and_two_procs})
    ->UseRealTime();

void go_one_uncontended(benchmark::State& state) {
  micro::on_runtime(state.range(0), state, [&] {
    std::int64_t ran = 0;
    for (auto _ : state) {
      weft::wait_group wg;
      wg.go([&] { ++ran; });
      wg.wait();
    }
    check(ran == state.iterations(), "how many goroutines ran");
  });
}
BENCHMARK(go_one_uncontended)
    ->ArgName("procs")
    ->ArgsProduct({micro::one_and_two_procs})
    ->UseRealTime();

void go_batch(benchmark::State& state) {
  micro::on_runtime(state.range(1), state, [&] {
    const std::int64_t batch = state.range(0);
    while (state.KeepRunningBatch(batch)) {
      std::vector<char> ran(static_cast<std::size_t>(batch));
      weft::wait_group wg;
      for (char& slot : ran) {
        wg.go([&slot] { slot = 1; });
      }
      wg.wait();
      check(std::ranges::count(ran, 1) == batch, "how many goroutines ran");
    }
  });
}
BENCHMARK(go_batch)
    ->ArgNames({"batch", "procs"})
    ->ArgsProduct({{10, 1000, 100'000}, micro::one_and_two_procs})
    ->UseRealTime();

// A closure too large for the goroutine's record goes to the heap.
void go_large_closure(benchmark::State& state) {
  std::array<std::int64_t, 32> captured{};
  std::int64_t sum = 0;
  micro::alone(state, [&] {
    ++captured[31];
    weft::wait_group wg;
    wg.go([captured, &sum] { sum += captured[31]; });
    wg.wait();
  });
  check(sum == micro::sum_below(state.iterations() + 1), "what the goroutines captured");
}
BENCHMARK(go_large_closure)->Name("go_one_uncontended/closure_bytes:264")->UseRealTime();

void go_named_uncontended(benchmark::State& state) {
  std::int64_t ran = 0;
  micro::alone(state, [&] {
    weft::wait_group wg;
    wg.add(1);
    weft::go({.name = "one with a name"}, [&] {
      ++ran;
      wg.done();
    });
    wg.wait();
  });
  check(ran == state.iterations(), "how many goroutines ran");
}
BENCHMARK(go_named_uncontended)->UseRealTime();

void go_own_stack(benchmark::State& state) {
  std::int64_t ran = 0;
  micro::alone(state, [&] {
    weft::wait_group wg;
    wg.add(1);
    weft::go({.stack_bytes = 1 << 20}, [&] {
      ++ran;
      wg.done();
    });
    wg.wait();
  });
  check(ran == state.iterations(), "how many goroutines ran");
}
BENCHMARK(go_own_stack)->Name("go_one_uncontended/stack_bytes:1048576")->UseRealTime();

void yield_uncontended(benchmark::State& state) {
  micro::alone(state, [] { weft::yield(); });
}
BENCHMARK(yield_uncontended)->UseRealTime();

const bool yield_contended =
    micro::contended("yield", [](benchmark::State& state, std::int64_t goroutines) {
      micro::together(state, goroutines, [](std::int64_t) { weft::yield(); });
    });

void blocking_uncontended(benchmark::State& state) {
  std::int64_t done = 0;
  micro::alone(state, [&] { weft::blocking([&] { ++done; }); });
  check(done == state.iterations(), "blocking sections");
}
BENCHMARK(blocking_uncontended)->UseRealTime();

}  // namespace
