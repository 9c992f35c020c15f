#pragma once
// Starting the runtime: weft::run.
#include <weft/detail/wait_limit.hpp>
#include <weft/exceptions.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weft {

/// What happens when no goroutine can ever run again (DL-1).
enum class deadlock_action {
  exit,    ///< print every goroutine and what it waits for, exit with status 2, as Go does
  ignore,  ///< stay asleep
};

/// What happens when a wait can never end although the program goes on (DL-5, CH-23): a goroutine
/// that sends to, receives from or selects on channels whose other handles are all gone, and a
/// circle of goroutines each of which waits for a mutex that the next one holds.
/// Unlike a deadlock of all, such a wait is found only under rules that weft cannot check:
///  1. a goroutine that uses a channel has a handle of its own, captured or passed by value; a
///     handle in one goroutine's stack or closure is not used by another one through a reference;
///  2. a handle outlives the iterators that its begin() has made;
///  3. a mutex is unlocked by the goroutine that locked it. One that was handed over to another
///     one is not looked at any more; one that will be, by somebody who takes longer than a second
///     for it, looks like a lock that is never freed.
/// A program that keeps them sees true reports only, though not one of every wait: what a global
/// or an object on the heap refers to, a second copy of a handle in the same goroutine, threads
/// that are no workers, and waits with a limit keep it silent.
enum class lost_wait_action {
  ignore,  ///< say nothing, as Go does
  report,  ///< one report to stderr for each, naming goroutine, channel and who left; then go on
  wake,    ///< that report; then the channel operation throws abandoned_channel
};

/// How much a report about the end of the program says: a crash or a deadlock (OB-3).
enum class traceback {
  all,     ///< the goroutine that crashed, then all others
  none,    ///< what happened, no goroutine
  single,  ///< the goroutine that crashed; all of them for a deadlock
  system,  ///< all, and the frames of the runtime itself
};

/// What SIGQUIT (Ctrl-\) does, unless the program or its parent has something else in mind for it
/// when run() begins.
enum class sigquit_action {
  dump_and_exit,  ///< print all goroutines to stderr, exit with status 2, as Go does
  dump,           ///< print them and go on
  leave,          ///< what the system does
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
  /// Channels count as watched when they are made in a run that watches. Not `ignore`: every drop
  /// of a handle takes a lock that all share, and nothing is faster for having one thread only.
  /// `ignore`: WEFT_LOST_WAITS (ignore, report or wake), else ignore.
  lost_wait_action on_lost_wait = lost_wait_action::ignore;
  /// Default: WEFT_TRACEBACK (none, single, all, system; crash is system), else all.
  weft::traceback traceback = weft::traceback::all;
  /// Default: WEFT_SIGQUIT (exit, dump, leave), else exit.
  sigquit_action on_sigquit = sigquit_action::dump_and_exit;
  /// run() simulates the program: one thread, the caller's; who goes on is drawn from the seed at
  /// each spawn, wake, yield and select and before each operation on a primitive; time is weft's
  /// own (weft::now()), creeps by a microsecond a step, and jumps to the next timer when all are
  /// blocked. The same seed gives the same run: what differs is found by running many. Other
  /// threads may take part, but are not simulated: what comes from them is not repeated, and timers
  /// do not wait for them. max_procs is 1. No monitor runs: on_sigquit and stall_limit are for
  /// other runs. No other thread may be in a wait with a limit when it begins or ends. For tests of
  /// a part of a program: <weft/testing.hpp>. Set by WEFT_SEED, too, where seed is 0.   Go  no
  /// counterpart; U-11.
  bool deterministic = false;
  /// Not 0: what takes so long, or longer, is reported to stderr: a goroutine that keeps its worker
  /// without a wait, a yield or blocking(); one that could run and is not run; a timer that comes
  /// so late. Each is reported once; of more than ten in a second the rest is only counted. 0:
  /// WEFT_STALL_LIMIT_MS, else 0: nothing is looked for.
  std::chrono::milliseconds stall_limit{0};
  /// Not 0: every choice of the scheduler comes from this seed. With max_procs 1 the same seed
  /// gives the same schedule until main returns, however long anything takes; what comes from
  /// outside excepted: other threads that use weft, blocking(f), and time that the program reads.
  /// For that, a goroutine that computes or blocks without blocking(f) keeps its place: one that
  /// waits in the kernel for another goroutine waits for ever (GR-7).
  /// 0: WEFT_SEED, which also sets `deterministic`; else not seeded, or 1 if deterministic.
  std::uint64_t seed = 0;
  /// The main goroutine runs on the thread that calls run(), locked to it as by lock_os_thread():
  /// for libraries that insist on the process's first thread (RT-11). If it unlocks itself and goes
  /// on elsewhere, that thread works for others, and run() returns when it has ended what it does.
  bool lock_main_thread = false;
};

namespace detail {

class scheduler;

void run_main(const runtime_options& options, void (*main)(void*), void* arg,
              std::source_location site);

template <class F>
constexpr bool is_null(const F& f) noexcept {
  if constexpr (std::is_function_v<F>) {
    return false;
  } else if constexpr (requires {
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

/// A runtime beside the program's own threads: goroutines run from the constructor on, and go(),
/// channels and the rest work from any thread. One at a time in a process, be it this or run(); as
/// many one after the other as one likes.
///
///     weft::runtime rt;                             // e.g. beside a GUI's or a server's own loop
///     weft::go([] { ... });
///     int answer = rt.call([] { return ask(); });   // as a goroutine; this thread waits
///     rt.wait();                                    // until no goroutine exists
///
/// A deadlock is reported (DL-1) when besides its goroutines every thread of the process waits for
/// weft.
/// Go      no counterpart; HZ-10, HZ-11.   Test  unit/runtime/runtime_test.cpp
class runtime {
 public:
  /// Errors  misuse when a runtime is running already, or from a goroutine; std::invalid_argument
  ///         for a bad option, naming it, and for lock_main_thread, which needs run();
  ///         std::system_error when memory or threads cannot be had.
  explicit runtime(const runtime_options& options = {});
  /// stop(). No thread may be in a call of this object. By one of its goroutines: ends the program.
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Runs f() as a goroutine and returns its result.
  /// Blocks  the calling thread, or goroutine, until f has ended.   Cancel  not interruptible.
  /// Order   what precedes call() happens before f; the end of f happens before call() returns.
  /// Errors  what f throws comes through; no_result when f ended by goexit and has a result to
  ///         give; misuse after stop(); as go().
  /// Threads any, at the same time.
  template <class F>
  std::invoke_result_t<F&> call(F&& f, std::source_location site = std::source_location::current());

  /// Waits until no goroutine exists.
  /// Blocks  the calling thread.   Cancel  wait_for().   Order  all that they did happens before it
  /// returns.   Errors  misuse from a goroutine, which would wait for itself, and after stop().
  void wait();
  /// The same for so long at the most; false: there are some still.
  template <class Rep, class Period>
  bool wait_for(const std::chrono::duration<Rep, Period>& limit) {
    return wait_for_ns(detail::to_ns(limit));
  }

  /// Ends the runtime: as when main returns from run(), the goroutines that are left never run
  /// again and are not unwound (GR-2). Returns how many. A second call does nothing and returns 0.
  /// Blocks  the calling thread, until the workers have ended; those in the middle of a goroutine
  /// are given 100 ms.
  /// Errors  misuse from a goroutine.   Threads  no other call of this object at the same time.
  std::size_t stop();

 private:
  bool wait_for_ns(std::int64_t ns);
  void call_erased(void (*f)(void*), void* arg, std::source_location site);
  detail::scheduler* scheduler_;
};

template <class F>
std::invoke_result_t<F&> runtime::call(F&& f, std::source_location site) {
  using result = std::invoke_result_t<F&>;
  if (detail::is_null(f)) {
    throw null_function("weft: runtime::call: the function is null");
  }
  if constexpr (std::is_void_v<result>) {
    call_erased([](void* at) { std::invoke(*static_cast<std::remove_reference_t<F>*>(at)); },
                const_cast<void*>(static_cast<const void*>(std::addressof(f))), site);
  } else {
    using kept = std::conditional_t<std::is_reference_v<result>,
                                    std::add_pointer_t<std::remove_reference_t<result>>, result>;
    struct frame {
      std::remove_reference_t<F>* f;
      std::optional<kept> value;
    } call{std::addressof(f), std::nullopt};
    call_erased(
        [](void* at) {
          auto* c = static_cast<frame*>(at);
          if constexpr (std::is_reference_v<result>) {
            c->value.emplace(std::addressof(std::invoke(*c->f)));
          } else {
            c->value.emplace(std::invoke(*c->f));
          }
        },
        &call, site);
    if (!call.value) {
      throw no_result("weft: runtime::call: the function ended by goexit; there is no result");
    }
    if constexpr (std::is_reference_v<result>) {
      return static_cast<result>(**call.value);
    } else {
      return std::move(*call.value);
    }
  }
}

}  // namespace weft
