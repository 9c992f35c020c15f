#pragma once
// Return addresses of the calling thread's stack, or of a parked fiber's. The unwinder is the C++
// runtime's own: it needs no frame pointers, and ends at a fiber's entry, which says in its unwind
// information that nobody called it. Allocates nothing after the first use.
#include <cstddef>
#include <cstdint>

namespace weft::detail {

/// A stack of more frames is shown without its middle (OB-1).
inline constexpr std::size_t most_frames = 100;

struct frame_list {
  std::uint32_t count = 0;
  std::uint32_t elided = 0;     ///< how many frames were left out in the middle
  std::uint32_t split = 0;      ///< before which of those that are here
  const void* at[most_frames];  ///< innermost first: return addresses
};

/// The caller's own stack, from the caller of this function on. In a signal handler that runs on
/// the interrupted stack, or on a signal stack, the interrupted frames follow.
void trace_here(frame_list& out) noexcept;

/// In a signal handler: what was interrupted, without the handler's own frames.
void trace_interrupted(frame_list& out) noexcept;

/// A fiber that does not run; sp as fiber::sp has it. Nobody may enter it meanwhile [visit].
void trace_parked(const void* sp, frame_list& out) noexcept;

/// Is it known how registers of a parked fiber are saved? False: trace_parked() finds nothing.
bool can_trace_parked() noexcept;

}  // namespace weft::detail
