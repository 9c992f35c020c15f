// Creating goroutines, yielding, and starting the runtime.
#include <weft/wait_group.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>

#include "micro.hpp"

namespace {

using micro::check;

void run_empty(benchmark::State& state) {
  std::int64_t ran = 0;
  for (auto _ : state) {
    micro::on_runtime(state.range(0), [&] { ++ran; });
  }
  check(ran == state.iterations(), "how often main ran");
}
BENCHMARK(run_empty)->ArgName("procs")->ArgsProduct({micro::one_and_two_procs})->UseRealTime();

void spawn_one(benchmark::State& state) {
  micro::on_runtime(state.range(0), [&] {
    std::int64_t ran = 0;
    for (auto _ : state) {
      weft::wait_group wg;
      wg.go([&] { ++ran; });
      wg.wait();
    }
    check(ran == state.iterations(), "how many goroutines ran");
  });
}
BENCHMARK(spawn_one)->ArgName("procs")->ArgsProduct({micro::one_and_two_procs})->UseRealTime();

void spawn_batch(benchmark::State& state) {
  micro::on_runtime(state.range(1), [&] {
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
BENCHMARK(spawn_batch)
    ->ArgNames({"batch", "procs"})
    ->ArgsProduct({{10, 1000, 100'000}, micro::one_and_two_procs})
    ->UseRealTime();

// A closure too large for the goroutine's record goes to the heap.
void spawn_large_closure(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    std::array<std::int64_t, 32> captured{};
    std::int64_t sum = 0;
    for (auto _ : state) {
      ++captured[31];
      weft::wait_group wg;
      wg.go([captured, &sum] { sum += captured[31]; });
      wg.wait();
    }
    check(sum == micro::sum_below(state.iterations() + 1), "what the goroutines captured");
  });
}
BENCHMARK(spawn_large_closure)->Name("spawn_closure/bytes:264")->UseRealTime();

// The time of one yield, among `goroutines` that do nothing else.
void yield(benchmark::State& state) {
  constexpr std::int64_t yields = 100;
  const std::int64_t goroutines = state.range(0);
  micro::on_runtime(state.range(1), [&] {
    while (state.KeepRunningBatch(goroutines * yields)) {
      std::atomic<std::int64_t> total = 0;
      weft::wait_group wg;
      for (std::int64_t g = 0; g < goroutines; ++g) {
        wg.go([&] {
          std::int64_t done = 0;
          for (; done < yields; ++done) {
            weft::yield();
          }
          total += done;
        });
      }
      wg.wait();
      check(total == goroutines * yields, "yields");
    }
  });
}
BENCHMARK(yield)
    ->ArgNames({"goroutines", "procs"})
    ->ArgsProduct({{1, 2, 1000}, micro::one_and_two_procs})
    ->UseRealTime();

}  // namespace
