#pragma once
// Goroutines: go, yield, goexit, and what a goroutine knows about itself.
#include <weft/detail/spawn.hpp>
#include <weft/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weft {

struct go_options {
  std::string_view name = {};   ///< shown in dumps; copied
  std::size_t stack_bytes = 0;  ///< 0: the runtime's default; otherwise a stack of its own size
};

namespace detail {

template <class F>
inline constexpr bool fits_inline = sizeof(F) <= inline_closure_bytes && alignof(F) <= 16;

// Puts f into the record's room, or on the heap if it is too large for it.
template <class F>
void submit(new_goroutine g, F&& f) {
  using closure = std::decay_t<F>;
  try {
    if constexpr (fits_inline<closure>) {
      ::new (g.room) closure(std::forward<F>(f));
    } else {
      ::new (g.room) closure*(new closure(std::forward<F>(f)));
    }
  } catch (...) {
    abandon_spawn(g.record);
    throw;
  }
  finish_spawn(g.record, [](void* at) {
    if constexpr (fits_inline<closure>) {
      struct destroy {
        closure& c;
        ~destroy() { c.~closure(); }
      } owned{*static_cast<closure*>(at)};
      std::invoke(std::move(owned.c));
    } else {
      std::unique_ptr<closure> owned(*static_cast<closure**>(at));
      std::invoke(std::move(*owned));
    }
  });
}

}  // namespace detail

/// Runs f() in a new goroutine. f is decay-copied now, by the caller, as std::thread does;
/// move-only callables work; the result is dropped (GR-1). Up to 64 bytes of closure cost no
/// allocation.
/// Blocks  no.   Cancel  nothing to cancel; a goroutine ends by itself (GR-4).
/// Order   what precedes go() happens before f (MM-1); the end of f happens before nothing (GR-3).
/// Errors  null_function, no_runtime; what copying f throws; std::system_error or std::bad_alloc
///         when records or stacks cannot be had. Nothing is spawned then, f is untouched unless
///         its own copy threw. An exception that leaves f ends the program (PN-1).
/// Cost    O(1).   Threads any.   Go  go statement; runtime/proc.go:newproc; GR-1, GR-5.
/// Test    unit/runtime/go_test.cpp
template <class F>
requires std::is_invocable_v<std::decay_t<F>>
void go(F&& f, std::source_location site = std::source_location::current()) {
  if (detail::is_null(f)) {
    throw null_function("weft: go: the function is null");
  }
  detail::submit(detail::begin_spawn(site), std::forward<F>(f));
}

/// The same, with a name or a stack of its own size. Further errors: std::system_error when a
/// stack of that size cannot be had.
template <class F>
requires std::is_invocable_v<std::decay_t<F>>
void go(const go_options& options, F&& f,
        std::source_location site = std::source_location::current()) {
  if (detail::is_null(f)) {
    throw null_function("weft: go: the function is null");
  }
  detail::submit(detail::begin_spawn({options.name, options.stack_bytes}, site),
                 std::forward<F>(f));
}

/// Lets other goroutines run; the caller goes to the end of this worker's queue. Returns at
/// once when nothing else waits. On a thread that is not a worker it does nothing.
/// Blocks  no (the goroutine stays runnable).   Go  runtime.Gosched; RT-1.
void yield();

/// Ends the calling goroutine: its stack is unwound, destructors run; others are unaffected. On
/// the main goroutine the program goes on until the others have ended (RT-4). Implemented as an
/// exception that derives from nothing: catch (...) must rethrow, a noexcept frame ends the
/// program.
/// Errors  misuse when not called from a goroutine.   Go  runtime.Goexit; RT-2.
[[noreturn]] void goexit();

/// How many goroutines exist, in any state; 0 without a runtime. Momentary.
/// Blocks  no.   Cost  O(workers).   Go  runtime.NumGoroutine; RT-5.
std::size_t num_goroutines() noexcept;

/// How many goroutines run at once.   Go  runtime.GOMAXPROCS(0); RT-6.
/// Errors  no_runtime.
int max_procs();
/// Sets it and returns the former value; n < 1 only reads, more than 10 000 is 10 000. Takes
/// effect as workers come to their next scheduling point; nobody is stopped.
/// Go      runtime.GOMAXPROCS(n); RT-6.   Errors  no_runtime.
int max_procs(int n);

/// The calling goroutine stays on the thread that it runs on, and nothing else runs there, until
/// unlock_os_thread() was called as often: for libraries that keep state per thread (GL, some
/// system calls). If it ends before that, its thread ends with it, so that changed state goes
/// with the thread. Each wait of such a goroutine hands over between threads: some ten times slower
/// than others. On a thread that is not running a goroutine it does nothing.
/// For the thread that calls run() see runtime_options::lock_main_thread.
/// Blocks  no.   Errors  std::bad_alloc.   Go  runtime.LockOSThread; RT-8, RT-9, RT-12.
/// Test    unit/runtime/os_thread_test.cpp
void lock_os_thread();
/// Undoes one call of lock_os_thread(); without one it does nothing.
/// Blocks  no.   Go  runtime.UnlockOSThread; RT-10.
void unlock_os_thread() noexcept;

namespace this_goroutine {
/// Unique in this run, from 1; 0 on a thread that is not running a goroutine. For logs only.
std::uint64_t id() noexcept;
/// The name given at spawn, or empty. Valid until the goroutine ends.
std::string_view name() noexcept;
}  // namespace this_goroutine

}  // namespace weft
