#pragma once
// Starting the runtime: weft::run.
#include <weft/exceptions.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weft {

/// What happens when no goroutine can ever run again (DL-1).
enum class deadlock_action {
  exit,    ///< print every goroutine and what it waits for, exit with status 2, as Go does
  ignore,  ///< stay asleep
};

/// Each member has a default; the environment variable beside it is used where the member has
/// its default value.
struct runtime_options {
  /// How many goroutines run at once. 0: WEFT_MAX_PROCS, else the CPUs that affinity mask and
  /// cgroup quota leave to the process (RT-6, RT-7).
  int max_procs = 0;
  /// Bytes of stack that a goroutine may use; address space, only touched pages cost memory.
  /// 0: WEFT_STACK_BYTES, else 192 KiB.
  std::size_t stack_bytes = 0;
  deadlock_action on_deadlock = deadlock_action::exit;
  /// Not 0: every choice of the scheduler comes from this seed. With max_procs 1 the same seed
  /// gives the same schedule until main returns, however long anything takes; what comes from
  /// outside excepted: other threads that use weft, blocking(f), and time that the program reads.
  /// For that, a goroutine that computes or blocks without blocking(f) keeps its place: one that
  /// waits in the kernel for another goroutine waits for ever (GR-7).
  /// 0: WEFT_SEED, else not seeded.
  std::uint64_t seed = 0;
};

namespace detail {

void run_main(const runtime_options& options, void (*main)(void*), void* arg,
              std::source_location site);

template <class F>
constexpr bool is_null(const F& f) noexcept {
  if constexpr (requires {
                  { f == nullptr } -> std::convertible_to<bool>;
                }) {
    return f == nullptr;
  } else {
    return false;
  }
}

}  // namespace detail

/// Starts the runtime, runs f() as the main goroutine and returns its int (0 if it returns
/// nothing). When f returns, all other goroutines are abandoned: they never run again and their
/// stacks are not unwound (GR-2). May be called again afterwards.
/// Blocks  the calling thread.   Cancel  not interruptible: f decides.
/// Order   what precedes run() happens before f; f's end happens before run() returns.
/// Errors  misuse when a runtime is running already or when called from a goroutine;
///         null_function; std::invalid_argument for a bad option, naming it; std::system_error
///         when memory or threads cannot be had. An exception that leaves f ends the program.
/// Threads any thread that is not a worker; one runtime at a time.
/// Go      func main; GR-2, RT-6.   Test  unit/runtime/run_test.cpp
template <class F>
int run(const runtime_options& options, F&& f,
        std::source_location site = std::source_location::current()) {
  static_assert(std::is_invocable_v<F&>, "weft::run needs a function that takes no arguments");
  if (detail::is_null(f)) {
    throw null_function("weft: run: the function is null");
  }
  using result = std::invoke_result_t<F&>;
  struct frame {
    std::remove_reference_t<F>* f;
    int status = 0;
  } call{std::addressof(f)};
  detail::run_main(
      options,
      [](void* at) {
        auto* c = static_cast<frame*>(at);
        if constexpr (std::is_convertible_v<result, int>) {
          c->status = static_cast<int>(std::invoke(*c->f));
        } else {
          std::invoke(*c->f);
        }
      },
      &call, site);
  return call.status;
}

template <class F>
int run(F&& f, std::source_location site = std::source_location::current()) {
  return weft::run(runtime_options{}, std::forward<F>(f), site);
}

}  // namespace weft
