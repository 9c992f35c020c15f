#include "counters.hpp"

#include <weft/stats.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "detail/sys.hpp"

namespace micro {
namespace {

// Each thread counts on a line of its own, so that counting does not become what is measured. The
// last line is for all threads beyond those: benchmarks that start and stop runtimes have many.
struct alignas(64) line {
  std::atomic<std::uint64_t> count{0};
};
constexpr std::uint32_t lines = 256;
constinit line allocation_lines[lines];
constinit std::atomic<std::uint32_t> threads{0};
constinit thread_local line* own = nullptr;

void count_allocation() noexcept {
  if (own == nullptr) [[unlikely]] {
    own = &allocation_lines[std::min(threads.fetch_add(1, std::memory_order_relaxed), lines - 1)];
  }
  if (own == &allocation_lines[lines - 1]) [[unlikely]] {
    own->count.fetch_add(1, std::memory_order_relaxed);
  } else {
    const std::uint64_t n = own->count.load(std::memory_order_relaxed);
    own->count.store(n + 1, std::memory_order_relaxed);
  }
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  count_allocation();
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + alignment - 1) & ~(alignment - 1);
  void* at = alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? std::malloc(rounded)
                                                           : std::aligned_alloc(alignment, rounded);
  if (at == nullptr) {
    throw std::bad_alloc();
  }
  return at;
}

// ---- futex calls: rare, and a system call each, so that one shared counter does no harm ----

constinit std::atomic<std::uint64_t> futexes{0};
const weft::detail::sys_calls real = weft::detail::sys;

// Before main(), so before any runtime.
const bool counts_futex_calls = [] {
  weft::detail::sys.futex_wait = [](const void* word, std::uint32_t expected, std::int64_t ns) {
    futexes.fetch_add(1, std::memory_order_relaxed);
    real.futex_wait(word, expected, ns);
  };
  weft::detail::sys.futex_wake = [](const void* word, int count) {
    futexes.fetch_add(1, std::memory_order_relaxed);
    real.futex_wake(word, count);
  };
  return true;
}();

void show(benchmark::State& state, const char* name, std::uint64_t before, std::uint64_t after) {
  state.counters[name] =
      benchmark::Counter(static_cast<double>(after - before), benchmark::Counter::kAvgIterations);
}

}  // namespace

counts counts::now() {
  counts c;
  for (const line& l : allocation_lines) {
    c.allocations += l.count.load(std::memory_order_relaxed);
  }
  c.futex_calls = futexes.load(std::memory_order_relaxed);
  const weft::runtime_counts runtime = weft::runtime_stats();
  c.parks = runtime.parks;
  c.switches = runtime.switches;
  c.steals = runtime.steals;
  return c;
}

void show_outside_per_operation(benchmark::State& state, const counts& before) {
  const counts after = counts::now();
  show(state, "allocs", before.allocations, after.allocations);
  show(state, "futexes", before.futex_calls, after.futex_calls);
}

void show_per_operation(benchmark::State& state, const counts& before) {
  const counts after = counts::now();
  show(state, "allocs", before.allocations, after.allocations);
  show(state, "futexes", before.futex_calls, after.futex_calls);
  show(state, "parks", before.parks, after.parks);
  show(state, "steals", before.steals, after.steals);
  show(state, "switches", before.switches, after.switches);
}

}  // namespace micro

// The other forms of new, with [] or nothrow, call these.
void* operator new(std::size_t bytes) {
  return micro::allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return micro::allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }
