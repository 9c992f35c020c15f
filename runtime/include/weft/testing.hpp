#pragma once
// Tests of programs that use goroutines: in a bubble they run on one thread, with a clock of their
// own, in an order that follows from a seed. docs/testing.md is the guide; with GoogleTest:
// <weft/gtest.hpp>.
//
//     weft::testing::bubble([] {           // an hour passes in no time
//       auto t = weft::after(1h);
//       t.recv();
//     });
//     auto r = weft::testing::explore(body);   // a thousand orders; the first that fails
//     weft::testing::replay(r.failure->seed, body);
//
// In a bubble
//  - time stands still while any goroutine can run. When all are blocked it jumps to the next
//    timer: sleeps are exact, timeouts take no time. weft::now() reads this clock; the clocks of
//    <chrono> do not.
//  - at each spawn, wake, yield and select, and before each operation on a channel, mutex or other
//    primitive, a choice is drawn who goes on. The same seed makes the same choices. Between two
//    such places a goroutine is not interrupted; a loop without any never lets others run.
//  - waiting for any primitive counts as blocked, mutexes too (U-11). Threads that are not
//    goroutines have no part in it: a goroutine that waits for one is blocked for ever. blocking(f)
//    just calls f; max_procs() is 1 and stays it; lock_os_thread() has nothing to do.
//  - a failure is a value, not the end of the process: an exception that leaves a goroutine, a
//    deadlock, goroutines that are left over, and a run that does not end. What aborts a program
//    (unlock of an unlocked mutex, a crash) aborts it here, and says the seed.
// After a failure the goroutines that are left never run again and are not unwound, as at the end
// of run() (GR-2).
#include <weft/runtime.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace weft::testing {

enum class failure_kind {
  exception,  ///< one left the function
  uncaught,   ///< one left another goroutine
  deadlock,   ///< all are blocked, no timer is left
  leak,       ///< the function returned, goroutines are blocked that nobody will wake (ST-5)
  endless,    ///< more than options::max_steps
  check,      ///< options::failed said so
};

const char* to_string(failure_kind kind) noexcept;

struct failure {
  failure_kind kind;
  std::uint64_t seed;         ///< of the run
  std::string message;        ///< what, and all goroutines with what they wait for
  std::exception_ptr thrown;  ///< the exception, if it was one
};

struct options {
  /// bubble(): that of the run. explore(): that of its first run, the others follow.
  /// WEFT_SEED in the environment goes before it, and explore() has one run then. 0 is taken for 1.
  std::uint64_t seed = 1;
  /// explore(): how many seeds at most. WEFT_RUNS in the environment goes before it, without
  /// budget.
  std::uint64_t runs = 1000;
  /// explore(): no run begins later than this; by the real clock.
  std::chrono::nanoseconds budget = std::chrono::seconds(10);
  /// Steps, one per place where others may go first, after which a run counts as endless; 0: never.
  std::uint64_t max_steps = 1'000'000;
  /// As in runtime_options.
  std::size_t stack_bytes = 0;
  /// explore(): a failure goes to stderr, too.
  bool print = true;
  /// Called after each run that has not failed by itself: did a check of the program's fail?
  std::function<bool()> failed;
};

struct result {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;     ///< of all runs
  std::uint64_t schedule = 0;  ///< of the last run: equal for equal orders
  std::optional<testing::failure> failure;
  bool passed() const noexcept { return !failure; }
};

/// What bubble() and replay() throw when a run fails by anything else than an exception of f.
class bubble_failed : public std::runtime_error {
 public:
  explicit bubble_failed(testing::failure f);
  /// Alive as long as the exception or a copy of it.
  const testing::failure& failure() const noexcept { return *failure_; }

 private:
  std::shared_ptr<const testing::failure> failure_;
};

namespace implementation {

result run_once(const options& o, std::uint64_t seed, void (*f)(void*), void* arg,
                std::source_location site);
result run_many(const options& o, void (*f)(void*), void* arg, std::source_location site);
/// WEFT_SEED, or `otherwise`.
std::uint64_t seed_or(std::uint64_t otherwise);
void throw_failure(result r);

template <class F>
void check(const F& f) {
  static_assert(std::is_invocable_v<F&>, "a bubble needs a function that takes no arguments");
  if (weft::detail::is_null(f)) {
    throw null_function("weft: testing: the function is null");
  }
}

// By a pointer to a pointer to it, which may be one to a function.
template <class F>
void call(void* f) {
  std::invoke(**static_cast<F**>(f));
}

}  // namespace implementation

/// Runs f as the main goroutine of a bubble, with options.seed, and returns when all goroutines
/// that it started have ended.
/// Blocks  the calling thread, which is the one that runs it all.   Cancel  not interruptible.
/// Order   what precedes bubble() happens before f; all that happens in it before it returns.
/// Errors  what f throws comes through; bubble_failed otherwise, also for an exception of another
///         goroutine; misuse when a runtime is running, this thread's or another's, so also for a
///         bubble in a bubble (ST-1); null_function; std::invalid_argument for a bad WEFT_SEED;
///         std::system_error when memory for the run cannot be had; lack of memory within it ends
///         the program. set_uncaught_handler() has no part in a bubble.
/// Threads any that is no worker; no thread may be in a limited wait of weft's meanwhile.
/// Go      testing/synctest.Test; ST-1..7.   Test  unit/testing/bubble_test.cpp
template <class F>
void bubble(F&& f, const options& o = {},
            std::source_location site = std::source_location::current()) {
  implementation::check(f);
  auto* at = std::addressof(f);
  implementation::throw_failure(
      implementation::run_once(o, implementation::seed_or(o.seed),
                               implementation::call<std::remove_reference_t<F>>, &at, site));
}

/// Calls f in one bubble after the other, each with a seed and so in an order of its own, until one
/// fails, options.runs have passed or options.budget is used up. f must be able to run again.
/// Errors  as bubble(); what fails in a bubble is in the result instead, exceptions of f too.
///         std::invalid_argument also for 0 runs.
/// Go      no counterpart: synctest's order is not chosen (ST-7).
template <class F>
[[nodiscard]] result explore(F&& f, const options& o = {},
                             std::source_location site = std::source_location::current()) {
  implementation::check(f);
  auto* at = std::addressof(f);
  return implementation::run_many(o, implementation::call<std::remove_reference_t<F>>, &at, site);
}

/// bubble() with this seed, whatever the environment says: the run that explore() found.
template <class F>
void replay(std::uint64_t seed, F&& f, const options& o = {},
            std::source_location site = std::source_location::current()) {
  implementation::check(f);
  auto* at = std::addressof(f);
  implementation::throw_failure(implementation::run_once(
      o, seed, implementation::call<std::remove_reference_t<F>>, &at, site));
}

/// In a bubble: returns when all other goroutines are blocked, before time moves on.
/// Blocks  the goroutine.   Order  what the others did happens before it returns.
/// Errors  misuse outside of a bubble, and when another goroutine is in wait() (ST-4).
/// Go      synctest.Wait.
void wait();

}  // namespace weft::testing
