#pragma once
// What programs do with weft, in small: each scenario starts and ends a runtime, and counts. It
// bears with every error that weft documents, and with nothing else.
#include <cstddef>
#include <ostream>
#include <span>

namespace weft::testing {

struct tally {
  int spawned = 0;      // goroutines that were started,
  int done = 0;         // and that came to their end with the right result
  int refused = 0;      // that could not be started: the spawner was told
  int failed_runs = 0;  // that run() or the runtime object refused
};

struct scenario {
  const char* name;
  /// At 4 workers, with stacks of this size.
  tally (*play)(std::size_t stack_bytes);
};

/// For the names of tests.
inline void PrintTo(const scenario& s, std::ostream* out) { *out << s.name; }

std::span<const scenario> all_scenarios() noexcept;
/// The one of that name.
const scenario& scenario_of(const char* name) noexcept;

/// A stack size that nobody has used, so that no stacks are left from earlier runs.
std::size_t fresh_stack_bytes() noexcept;

/// Plays it, with what must be so afterwards: all that was spawned came to its end, the threads are
/// gone. Expectations of gtest.
tally play(const scenario& s, std::size_t stack_bytes);

}  // namespace weft::testing
