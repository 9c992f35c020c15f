#pragma once
// In a simulated run (<weft/testing.hpp>, runtime_options::deterministic) other goroutines may be
// made to go first wherever a goroutine is about to use a primitive: [simulated] in
// docs/protocols.md.
#include <weft/detail/atomic.hpp>

#include <cstdint>

namespace weft::detail {

// [simulated.1] 1 while a simulated run is on. Written by the thread that runs it.
extern constinit atomic<std::uint32_t> simulating;

#if WEFT_MODEL
inline bool in_simulation() noexcept { return false; }
inline void schedule_point() noexcept {}
#else
void take_schedule_point() noexcept;

/// Does this thread perhaps run a simulation?
inline bool in_simulation() noexcept {
  return simulating.load(relaxed) != 0;  // relaxed: set by the same thread
}

/// By a goroutine that holds no lock. For others it does nothing.
inline void schedule_point() noexcept {
  if (in_simulation()) [[unlikely]] {
    take_schedule_point();
  }
}
#endif

}  // namespace weft::detail
