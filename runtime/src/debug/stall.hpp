#pragma once
// Reports of stalls, written for people; see dump.hpp. What is found is found by
// sched/stall_watch.cpp, and by the worker that runs timers.
#include <cstddef>
#include <cstdint>

namespace weft::detail {

class goroutine;
class worker;

/// By the monitor: w's goroutine has kept it for so long. False: it has just left.
bool report_hog(const worker& w, std::int64_t ns) noexcept;

/// By the monitor: `count` goroutines could run, `first` has waited longest for it.
void report_starved(const goroutine& first, std::size_t count, std::int64_t ns) noexcept;

/// By the worker that runs it, before `who` is made ready; null: a function is to be called. The
/// monitor writes the report: a worker may be on a small stack.
void note_late_timer(const goroutine* who, std::int64_t late_ns) noexcept;
void report_late_timers() noexcept;

}  // namespace weft::detail
