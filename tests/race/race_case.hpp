#pragma once
// Small programs that ThreadSanitizer must judge: each runs as the main goroutine of a process of
// its own, with one worker and with two.
#include <unistd.h>

#include <atomic>
#include <span>

#include <weft/weft.hpp>

namespace weft::testing {

struct race_case {
  const char* name;
  bool racy;
  void (*body)();
  /// If one of its goroutines comes first, it is ordered before the others: with one worker it
  /// never does.
  bool only_in_one_order = false;
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
    // With pauses: TSan remembers the last 60000 or so events of each goroutine, and every turn of
    // this loop is some of them.
    while (passed_.load(std::memory_order_relaxed) < n) {
      yield();
      ::usleep(100);
    }
  }

 private:
  std::atomic<int> passed_{0};
};

}  // namespace weft::testing
