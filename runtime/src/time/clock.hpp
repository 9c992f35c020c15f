#pragma once
// The seam over time. The hot path never reads it: schedulers, monitors and slow paths do.
#include <weft/detail/atomic.hpp>

#include <cstdint>

namespace weft::detail {

struct clock_source {
  /// Monotonic nanoseconds from an arbitrary start.
  std::int64_t (*now)();
};

/// The clock in force. Replaced by tests, while no runtime runs, and by a simulated run
/// [simulated.1].
extern clock_source clock;

/// The machine's, whatever is in force: for what waits for another thread. A simulated clock stands
/// still meanwhile.
std::int64_t real_now() noexcept;

/// For dumps, whose ages are in minutes, and stall reports: the clock in units of 2^25 ns, some 34
/// ms, as the monitor last saw it. The hot path stamps what it does with this word and reads no
/// clock. While all workers sleep it stands still, and whoever wakes the monitor sets it.
extern constinit atomic<std::uint32_t> coarse_now;
inline constexpr int coarse_shift = 25;

/// Sets coarse_now; writes the word only when its value changes.
void note_time(std::int64_t now) noexcept;

}  // namespace weft::detail
