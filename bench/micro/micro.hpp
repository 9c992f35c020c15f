#pragma once
// What the micro benchmarks share. Each runs on a runtime of its own, reports time per operation
// (the runtime's start and stop are outside of the clock) and checks its result.
//
// A benchmark whose goroutines must be spawned first works in batches: KeepRunningBatch(n) counts n
// operations, so the time column is per operation there too.
#include <benchmark/benchmark.h>

#include <weft/go.hpp>
#include <weft/runtime.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace micro {

/// Ends the program: Google Benchmark exits with 0 even after SkipWithError.
inline void check(bool ok, const char* what) {
  if (!ok) [[unlikely]] {
    std::fprintf(stderr, "wrong result: %s\n", what);
    std::fflush(nullptr);
    std::_Exit(1);
  }
}

template <class F>
void on_runtime(std::int64_t procs, F&& body) {
  weft::run(weft::runtime_options{.max_procs = static_cast<int>(procs)}, body);
}

/// 0 + 1 + ... + n-1.
inline std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

inline const std::vector<std::int64_t> one_and_two_procs = {1, 2};

}  // namespace micro
