#pragma once
// Code that blocks the thread: system calls on files, C libraries, long computations.
#include <functional>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {
void begin_blocking() noexcept;
void end_blocking() noexcept;
}  // namespace detail

/// Runs f() here and now and returns its result. Says beforehand that f may block the thread: if it
/// does so for longer than some 50 microseconds while other goroutines wait, another thread takes
/// this worker's place, so that max_procs goroutines go on. Costs nothing when f is quick.
/// Without it the same happens after some 10 milliseconds.
/// If f waits for something of weft's, the announcement ends there.
/// Blocks  the thread, as long as f does.   Cancel  not interruptible.
/// Errors  whatever f throws.   Threads any; on a thread that is not a worker it just calls f.
/// Go      runtime.entersyscall; GR-11.   Test  unit/runtime/monitor_test.cpp
template <class F>
std::invoke_result_t<F> blocking(F&& f) {
  struct section {
    section() noexcept { detail::begin_blocking(); }
    ~section() { detail::end_blocking(); }
  } s;
  return std::invoke(std::forward<F>(f));
}

}  // namespace weft
