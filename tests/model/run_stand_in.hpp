#pragma once
// The whole runtime on model threads: every source of the scheduler is the real one. In its place
// stand only the system (sys_calls, pthread_mutex_*, pthread_join), the clock, the third-party
// queue, the memory of stacks, thread_locals, and reports.
#include <cstddef>
#include <cstdint>
#include <functional>

#include "sched/scheduler.hpp"

namespace weft::model {

/// What the system does in this execution. A new run puts all of it back.
struct run_system {
  bool refuses_threads = false;
  /// Called after each wait with a limit, with the limit.
  std::function<void(std::int64_t limit)> after_nap;
  /// Called where a visitor walks a stack that is closed.
  std::function<void(const void* context)> walk;
};
extern run_system run_world;

/// In a scenario function: a runtime that runs nothing yet; keeps what is freed. Its workers begin
/// when they are woken; nobody watches them unless start() is called instead.
detail::scheduler& make_run(int max_procs, deadlock_action a = deadlock_action::ignore);

/// In a thread of the scenario: the run's end. Returns how many goroutines were abandoned.
std::size_t end_run(detail::scheduler& s);

/// In a thread of the scenario: the process ends, the other threads with it.
void end_process();

/// Waits until `done` is set by tell().
void await(const bool& done);
void tell(bool& done);
/// Sleeps until this point of time.
void sleep_until(std::int64_t when);

}  // namespace weft::model
