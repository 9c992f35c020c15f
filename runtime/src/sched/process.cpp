#include "sched/process.hpp"

#include <cxxabi.h>
#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <mutex>

#include "debug/crash.hpp"
#include "debug/dump.hpp"
#include "detail/sys.hpp"
#include "sched/block_thread.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

// [exit] This thread is in exit() and has stopped the runtime.
constinit thread_local bool leaving_process = false;
// This thread is in unwatch_process().
constinit thread_local bool unwatching = false;
// It was a worker's, and only destructors of thread_local objects run on it any more.
constinit thread_local bool thread_is_over = false;
// [fork] This process was made by fork() while a runtime ran. Written by its only thread.
constinit bool forked = false;
// Only its address counts.
constinit char exit_handle = 0;

// ---- exit ----

void at_exit() noexcept {
  if (!leaving_process && !unwatching) {
    leaving_process = scheduler::stop_for_exit();  // [exit.1]
  }
}

// exit() destroys the calling thread's thread_local objects before anything else: a worker comes
// here before there is a static object less. When a thread ends, it is a worker no longer.
struct first_at_exit {
  ~first_at_exit() {
    if (this_worker() != nullptr) {
      at_exit();
    }
  }
};

// ---- fork ----

// In the child the table has what cannot be done there: wait for, or start, another thread.
[[noreturn]] void say_after_fork(const char* what) noexcept {
  // Not the usual report: that waits for threads that are not here.
  print("weft: fatal: ");
  print(what);
  print(
      " in a child made by fork() while a runtime ran: of its threads there is only this one; a "
      "child may call exec and _exit (or use posix_spawn in the parent)\n");
  static_cast<void>(std::signal(SIGABRT, SIG_DFL));
  std::abort();
}

void become_child() noexcept {
  scheduler* s = scheduler::forget_in_child();
  blocked_threads.store(0, relaxed);  // relaxed: there is no other thread
  if (s == nullptr) {
    return;  // it can have a runtime of its own
  }
  forked = true;
  if (worker* w = this_worker()) {
    w->only_thread_left();
  }
  sys.map = [](std::size_t) -> void* { say_after_fork("weft was used"); };
  sys.thread_create = [](pthread_t*, void* (*)(void*), void*) -> int {
    say_after_fork("a thread was to be started");
  };
  sys.futex_wait = [](const void*, std::uint32_t, std::int64_t) {
    say_after_fork("weft was to wait");
  };
  // A lock is held, by a thread that is not here.
  sys.give_up_processor = [] { say_after_fork("weft was used"); };
  sys.nap = [](std::int64_t) { say_after_fork("weft was used"); };
}

}  // namespace

// Once for each runtime, so that what was constructed before it is destroyed after it has stopped.
// By a handle of its own, so that it can be taken back: std::atexit would keep an entry for each.
void watch_process() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    // Without memory for it the program goes on without it, as below.
    static_cast<void>(::pthread_atfork(nullptr, nullptr, become_child));
  });
  static_cast<void>(abi::__cxa_atexit([](void*) { at_exit(); }, nullptr, &exit_handle));
}

void unwatch_process() noexcept {
  unwatching = true;
  abi::__cxa_finalize(&exit_handle);  // calls it, too
  unwatching = false;
}

void stop_workers_at_exit() noexcept {
  thread_local first_at_exit watcher;
  static_cast<void>(&watcher);
}

// Not inlined: the thread that asks is not always the one that asked before.
[[gnu::noinline]] void worker_thread_over() noexcept { thread_is_over = true; }

[[gnu::noinline]] bool beyond_runtime() noexcept { return leaving_process || forked; }

void check_worker_may_end() noexcept {
  if (forked) {
    say_after_fork("a goroutine waited, yielded or ended");
  }
  if (leaving_process) {
    fatal_misuse(
        "a goroutine called std::exit(), and something that exit() runs (a static "
        "object's destructor, a function of std::atexit) waited in weft: no goroutine "
        "runs any more");
  }
}

void check_thread_may_wait() noexcept {
  if (thread_is_over) {
    fatal_misuse(
        "the destructor of a thread_local object waited in weft while its thread, a "
        "worker's, ended: it must not wait");
  }
}

void refuse_after_fork(const char* what) noexcept {
  if (forked) {
    say_after_fork(what);
  }
}

}  // namespace weft::detail
