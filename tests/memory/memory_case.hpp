#pragma once
// Small programs that AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer must judge:
// each is a process of its own.
#include <span>

#include <weft/weft.hpp>

namespace weft::testing {

struct memory_case {
  const char* name;
  /// What the report must say, as a regular expression; nullptr: there must be none.
  const char* report;
  void (*body)();  ///< the main goroutine
  /// It shows only if ASan looks for frames that are used after they have returned.
  bool of_returned_frames = false;
};

std::span<const memory_case> reported_cases();
std::span<const memory_case> clean_cases();

/// The compiler does not know what p points to, nor who reads it.
template <class T>
T* hidden(T* p) {
  asm volatile("" : "+r"(p)::"memory");
  return p;
}

/// Waits for ever: the run abandons the caller.
inline void wait_for_ever() { static_cast<void>(recv_chan<int>().recv()); }

}  // namespace weft::testing
