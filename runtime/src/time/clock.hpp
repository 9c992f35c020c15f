#pragma once
// The seam over time. The hot path never reads it: schedulers, monitors and slow paths do.
#include <cstdint>

namespace weft::detail {

struct clock_source {
  /// Monotonic nanoseconds from an arbitrary start.
  std::int64_t (*now)();
};

/// The clock in force. Replaced by tests only, while no runtime runs.
extern clock_source clock;

}  // namespace weft::detail
