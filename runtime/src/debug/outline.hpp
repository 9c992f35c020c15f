#pragma once
// What the head of a dump says about the run as a whole.
#include <cstdint>

namespace weft::detail {

class scheduler;
class snapshot;
class text_out;

struct outline {
  std::uint64_t running = 0, runnable = 0, parked = 0;
  std::uint32_t workers = 0;  ///< threads alive
  std::uint32_t max_procs = 0;
  std::int64_t next_timer = -1;  ///< nanoseconds until the earliest time in a heap; -1: none
  std::uint32_t foreign =
      0;  ///< threads that are neither workers, nor the monitor, nor run()'s caller
};

outline outline_of(const snapshot& shot, scheduler* s) noexcept;

/// Threads of this process, or 0 when the system does not say. Allocates nothing.
std::uint32_t count_process_threads() noexcept;

/// "3 h", "250 ms": one unit, whole, rounded down.
void write_duration(text_out& out, std::int64_t ns);

/// Two lines; the second says why this is no deadlock.
void write_outline(text_out& out, const outline& o);

}  // namespace weft::detail
