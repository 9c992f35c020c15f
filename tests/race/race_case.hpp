#pragma once
// Small programs that ThreadSanitizer must judge: each runs as the main goroutine of a process of
// its own, with one worker and, if it is not racy, with two.
#include <atomic>
#include <span>

#include <weft/weft.hpp>

namespace weft::testing {

struct race_case {
  const char* name;
  bool racy;
  void (*body)();
};

std::span<const race_case> chan_cases();
std::span<const race_case> sync_cases();
std::span<const race_case> goroutine_cases();
std::span<const race_case> time_cases();
std::span<const race_case> context_cases();

/// Reads it, and the compiler does not know why.
template <class T>
void look(const T& v) {
  const T seen = v;
  asm volatile("" ::"r"(seen));
}

/// Waits for goroutines without being ordered after them. Alone in its cache line: TSan remembers
/// the last four accesses to each eight bytes.
class alignas(64) finish_line {
 public:
  void pass() { passed_.fetch_add(1, std::memory_order_relaxed); }
  void await(int n) {
    while (passed_.load(std::memory_order_relaxed) < n) {
      yield();
    }
  }

 private:
  std::atomic<int> passed_{0};
};

}  // namespace weft::testing
