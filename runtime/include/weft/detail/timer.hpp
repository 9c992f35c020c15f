#pragma once
// Something to be done at a time: for channels and contexts. Waits with a deadline do not need it,
// they register their claim directly. See [timer] in docs/protocols.md.
#include <cstdint>

namespace weft::detail {

class timer_event;

enum class timer_outcome : std::uint8_t {
  expired,  ///< the time has come
  dropped,  ///< the runtime has ended; the time will not come
};

/// Called once for each armed timer that is not disarmed, on a worker outside of any goroutine, or
/// by run() at its end: it must not park, throw or take long.
using timer_function = void (*)(void* owner, timer_outcome outcome) noexcept;

/// A handle; copying it copies the reference. Default-made: nothing to disarm.
struct armed_timer {
  timer_event* event = nullptr;
  std::uint64_t key = 0;
  explicit operator bool() const noexcept { return event != nullptr; }
};

/// Calls fire(owner, expired) at `when` (see now_ns()) or soon after it.
/// Nothing is armed, and fire is not called, for a goroutine whose run has ended (GR-2).
/// Throws no_runtime, which names `who`, when no runtime is running; std::bad_alloc.
armed_timer arm_timer(std::int64_t when, timer_function fire, void* owner, const char* who);

/// True: fire will not be called. False: it was called, or is about to be, or nothing is armed.
/// Cost  one lock, no search. May be called at any time, any number of times, by any thread.
bool disarm_timer(armed_timer t) noexcept;

}  // namespace weft::detail
