#pragma once
// What the micro benchmarks share. Each runs on a runtime of its own, reports time per operation
// (the runtime's start and stop are outside of the clock), counts per operation (counters.hpp), and
// checks its result.
//
// Names end in the contention: _uncontended is one goroutine alone on one worker, _contended_8
// eight that do nothing else, on 1 worker and on 2. Where goroutines wait for each other by turns,
// the name says how.
//
// A benchmark whose goroutines must be spawned first works in batches: KeepRunningBatch(n) counts n
// operations, so that times and counts are per operation there too.
#include <benchmark/benchmark.h>

#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "counters.hpp"

namespace micro {

/// Ends the program: Google Benchmark exits with 0 even after SkipWithError.
inline void check(bool ok, const char* what) {
  if (!ok) [[unlikely]] {
    std::fprintf(stderr, "wrong result: %s\n", what);
    std::fflush(nullptr);
    std::_Exit(1);
  }
}

/// Runs body as the main goroutine, and has state show what it counted.
template <class F>
void on_runtime(std::int64_t procs, benchmark::State& state, F&& body) {
  weft::run(weft::runtime_options{.max_procs = static_cast<int>(procs)}, [&] {
    const counts before = counts::now();
    body();
    show_per_operation(state, before);
  });
}

/// Times f, called again and again by one goroutine on one worker.
template <class F>
void alone(benchmark::State& state, F&& f) {
  on_runtime(1, state, [&] {
    for (auto _ : state) {
      f();
    }
  });
}

inline constexpr std::int64_t calls_each = 1000;

/// Times f, called by `goroutines` at once, each calls_each times, then again, on state.range(0)
/// workers. f is called with the number of its goroutine.
template <class F>
void together(benchmark::State& state, std::int64_t goroutines, F&& f) {
  on_runtime(state.range(0), state, [&] {
    while (state.KeepRunningBatch(goroutines * calls_each)) {
      weft::wait_group wg;
      for (std::int64_t g = 0; g < goroutines; ++g) {
        wg.go([&f, g] {
          for (std::int64_t i = 0; i < calls_each; ++i) {
            f(g);
          }
        });
      }
      wg.wait();
    }
  });
}

/// Lets goroutines run until n have counted themselves, which each does right before it waits.
inline void await_arrivals(const std::atomic<std::int64_t>& arrived, std::int64_t n) {
  while (arrived.load() < n) {
    weft::yield();
  }
}

inline const std::vector<std::int64_t> one_and_two_procs = {1, 2};

/// Registers f as NAME_contended_2 and NAME_contended_8, each on 1 worker and on 2, that is
/// state.range(0); f takes the number of goroutines.
inline bool contended(const std::string& name, void (*f)(benchmark::State&, std::int64_t)) {
  for (const std::int64_t n : {2, 8}) {
    benchmark::RegisterBenchmark((name + "_contended_" + std::to_string(n)).c_str(),
                                 [f, n](benchmark::State& state) { f(state, n); })
        ->ArgName("procs")
        ->ArgsProduct({one_and_two_procs})
        ->UseRealTime();
  }
  return true;
}

/// 0 + 1 + ... + n-1.
inline std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

}  // namespace micro
