#pragma once
// What is counted beside the time: allocations (calls of operator new, which this program
// replaces), the futex calls of weft's threads (through the table of detail/sys.hpp), and what the
// runtime counts anyway (<weft/stats.hpp>). weft itself counts nothing more for it.
#include <benchmark/benchmark.h>

#include <cstdint>

namespace micro {

struct counts {
  std::uint64_t allocations = 0;
  std::uint64_t futex_calls = 0;  ///< the monitor's included
  std::uint64_t parks = 0;
  std::uint64_t switches = 0;
  std::uint64_t steals = 0;

  static counts now();
};

/// Per operation of state, what has been counted since `before`. Call it on the same runtime, after
/// the last operation: what came before the first one is in it, too, spread over all of them.
void show_per_operation(benchmark::State& state, const counts& before);

/// The same without a runtime: allocations and futex calls only.
void show_outside_per_operation(benchmark::State& state, const counts& before);

}  // namespace micro
