#pragma once
// Looking at goroutines while they may be running: [visit] in docs/protocols.md. A visit keeps
// parked goroutines where they are for as long as it takes to read their stacks; who would run
// one of them waits. Nothing here allocates; it works in crashed processes.
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "debug/backtrace.hpp"
#include "debug/describe.hpp"
#include "sched/goroutine.hpp"

namespace weft::detail {

class scheduler;

/// What was seen of one goroutine, at one moment.
struct goroutine_sight {
  static constexpr std::size_t name_room = 64;

  const goroutine* record = nullptr;
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  std::source_location site;
  goroutine_state state = goroutine_state::idle;
  wait_reason reason = wait_reason::none;
  bool main = false;
  bool locked = false;      ///< to its thread
  bool blocking = false;    ///< in blocking(f)
  bool has_stack = false;   ///< it has started: there is something to trace
  std::int32_t thread = 0;  ///< running: where, as the kernel names threads; 0: not known
  std::uint32_t since = 0;  ///< coarse_now when it was parked or made ready
  std::uint8_t name_size = 0;
  char name[name_room];        ///< its first bytes
  wait_description waits_for;  ///< parked only
};

/// Called for each goroutine that was seen; `trace` is empty for those that could not be walked.
/// It must not lock, allocate or wait: goroutines are being held up.
using sight_function = void (*)(void* arg, const goroutine_sight& g, const frame_list& trace);

/// Whether visiting may wait for its lock.
enum class visit_patience {
  endless,
  short_,  ///< a crashed process: who holds the lock may never go on
};

/// Looks at all goroutines of the run; not at those that an earlier run abandoned. `s` null: no
/// traces. The caller makes sure that *s stays. False: the system gave no memory.
bool visit_goroutines(scheduler* s, visit_patience patience, sight_function see,
                      void* arg) noexcept;

/// One record, without its stack. False: no goroutine is in it. Waits for visitors.
bool see_record(const goroutine& g, goroutine_sight& out) noexcept;

/// One that is parked and whose wake is in the caller's hands: what it waits for and its stack,
/// too.
bool see_waiting(const goroutine& g, goroutine_sight& out, frame_list& trace) noexcept;

}  // namespace weft::detail
