#pragma once
// What a scenario may set of the system that its model threads see.
#include <weft/detail/park.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::model {

inline constexpr std::size_t most_threads = 8;

/// What clock.now() says. It moves when a wait reaches its deadline, and when a scenario moves it.
/// A scenario that uses points of time, not only durations, sets it at the beginning.
extern std::int64_t time;

/// What draw_impatience() says. A scenario that changes it changes it back.
extern detail::impatience patience;

/// How often a lost wait of each model thread was reported. A scenario that looks at it clears it
/// at the beginning.
extern int reports[most_threads];

}  // namespace weft::model
