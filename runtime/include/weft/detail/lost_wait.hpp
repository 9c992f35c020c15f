#pragma once
// What channels and mutexes need to know about the search for waits that can never end, [lost] and
// [lock_cycle] in docs/protocols.md: whether anybody looks, which memory is the caller's own, and
// how to say what was found.
#include <weft/detail/atomic.hpp>
#include <weft/detail/wait_reason.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

class goroutine;

/// Nobody looks; reports only; reports, and channel operations throw.
enum class lost_waits : std::uint8_t { ignored, reported, woken };

// Written when a run starts and ends; read where somebody has to wait, and where channels are made.
extern constinit atomic<lost_waits> lost_wait_mode;
inline lost_waits watch_mode() noexcept {
  return lost_wait_mode.load(relaxed);  // relaxed: constant while goroutines run
}

/// Does it lie in the stack or the closure of the calling goroutine? False on a thread that runs no
/// goroutine.
bool is_callers_own(const void* at) noexcept;

/// [lock_cycle] Who locks a mutex now: the calling goroutine's number, unique in the process; 0 for
/// a thread that runs no goroutine.
std::uint64_t lock_owner() noexcept;

/// A wait on channels that nobody can end.
struct lost_wait {
  const goroutine* who;
  wait_reason operation;
  const void* channel;
  const char* element;  ///< a function's signature that ends in the type; see element_type
  std::size_t cap;
  std::size_t len;
};
/// Who left it alone.
enum class lost_by : std::uint8_t {
  drop,  ///< the caller, which dropped a handle
  wait,  ///< the last party that had a handle: it came to wait itself
};

/// One report to stderr. The goroutine stays as it is.
void report_lost_wait(const lost_wait& w, lost_by how) noexcept;

}  // namespace weft::detail
