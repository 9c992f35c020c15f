#pragma once
// Counters: what the runtime has and what it has done, for a program's own metrics.
#include <cstddef>
#include <cstdint>

namespace weft {

struct runtime_counts {
  // What there is at the moment.
  std::size_t goroutines = 0;  ///< running + runnable + waiting
  std::size_t running = 0;     ///< blocking calls included
  std::size_t runnable = 0;    ///< in a queue: they could run if a worker were free
  std::size_t waiting = 0;
  std::size_t max_procs = 0;
  std::size_t threads = 0;        ///< workers' threads, asleep or not
  std::size_t spare_threads = 0;  ///< of these, how many are beyond max_procs
  std::size_t timers = 0;  ///< waits with a time included, and, for a while, what was stopped
  std::size_t stacks = 0;  ///< of the usual size, in use or spare
  std::size_t stack_space_bytes = 0;  ///< address space for stacks; touched: report_stacks()

  // What has been done since the run began.
  std::uint64_t spawned = 0;          ///< goroutines started, also by threads outside
  std::uint64_t ended = 0;            ///< goroutines
  std::uint64_t switches = 0;         ///< times a goroutine began or went on
  std::uint64_t parks = 0;            ///< times a goroutine began to wait
  std::uint64_t yields = 0;           ///< times a goroutine let others go first
  std::uint64_t from_global = 0;      ///< goroutines taken from the global queue
  std::uint64_t searches = 0;         ///< times a worker without work looked at others' queues
  std::uint64_t steals = 0;           ///< goroutines that it took there
  std::uint64_t timers_fired = 0;     ///< times that came before the wait had ended otherwise
  std::uint64_t locks_contended = 0;  ///< times a goroutine could not have a lock
  std::uint64_t worker_sleeps = 0;    ///< times a worker went to sleep without work
  std::uint64_t worker_wakes = 0;     ///< times it was woken, not by a time that had come
  std::uint64_t threads_started = 0;  ///< workers' threads
  std::uint64_t places_taken = 0;     ///< times a worker was stuck and another went on in its place
  std::uint64_t rescued = 0;          ///< goroutines that the monitor moved from such a worker
};

/// The counters of the runtime that runs; all zero if none does. They are read one after the other
/// while everything goes on: each is right at some moment during the call, sums of several may be
/// off by what happened meanwhile. What only grows never goes back within a run, but for a
/// spawn by a thread of the program's own that is given up.
/// Blocks  no.   Order  none.   Cost  O(workers); the runtime itself counts without locked
/// instructions.   Threads any, also none of weft's.
/// Go      runtime/metrics, GODEBUG=schedtrace; OB-9.   Test  unit/runtime/stats_test.cpp
runtime_counts runtime_stats() noexcept;

}  // namespace weft
