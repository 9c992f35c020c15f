#pragma once
// A runtime and the life of its process: std::exit() while goroutines run [exit], fork() [fork],
// and what the destructors of thread_local objects may do. Nothing here is on a path that does not
// end or begin something.

namespace weft::detail {

/// A runtime begins: says what exit() and fork() are to do from here on.
void watch_process() noexcept;
/// It has ended.
void unwatch_process() noexcept;

/// By a new worker thread: std::exit(), called by a goroutine on it, stops the workers before it
/// destroys anything.
void stop_workers_at_exit() noexcept;

/// By a worker thread that has done its work: what follows are destructors of thread_local objects,
/// which must not wait.
void worker_thread_over() noexcept;

/// The calling thread is in exit() and has stopped the runtime, or is alone in a child made by
/// fork(): no runtime of before needs, or can be given, an end.
bool beyond_runtime() noexcept;

/// By a worker that finds that it must end. In exit(), and in the child of a fork, that means that
/// what ran on it has begun to wait: ends the program.
void check_worker_may_end() noexcept;

/// By a thread that is not a worker and is about to wait. Ends the program if nothing may wait
/// there.
void check_thread_may_wait() noexcept;

/// Ends the program in a child made by fork() while a runtime ran.
void refuse_after_fork(const char* what) noexcept;

}  // namespace weft::detail
