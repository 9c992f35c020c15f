#pragma once
// System calls that fail as planned: weft's table of them, with a plan before each that can fail.
// One plan at a time; installed and removed while no runtime runs.
#include <cstddef>
#include <cstdint>

namespace weft::testing {

enum class call {
  map,
  unmap,
  advise,  // but for guards: see guard
  guard,   // the kernel refuses to guard a stack, be it by madvise or by mprotect
  thread_create,
  prepare_barrier,
  alternate_stack,
  count_threads,
  random,
  signal_thread,
};
inline constexpr call all_calls[] = {
    call::map,           call::unmap,           call::advise,          call::guard,
    call::thread_create, call::prepare_barrier, call::alternate_stack, call::count_threads,
    call::random,        call::signal_thread,
};
const char* name_of(call c) noexcept;

/// While it lives, the table is replaced. Calls of the kind `which` from the `first`th to the
/// `last`th fail.
class failing {
 public:
  failing(call which, std::uint64_t first, std::uint64_t last);
  /// Every call that can fail, but for guards, does so with this probability.
  failing(double probability, std::uint64_t seed);
  /// Nothing fails; mappings and their number are counted.
  failing();
  ~failing();
  failing(const failing&) = delete;
  failing& operator=(const failing&) = delete;

  /// How many have failed, and how many of the planned kind there were.
  static std::uint64_t failures() noexcept;
  static std::uint64_t calls() noexcept;
  /// Mappings made and not yet taken back, but for slabs of stacks, which are kept for ever, and
  /// for those whose unmapping was made to fail.
  static std::int64_t mappings() noexcept;
  static std::int64_t slabs() noexcept;
};

/// Ends the process with a report when the object lives longer than a test can take: what is
/// planned, and all goroutines. A signal, not a thread, so that deadlocks are still reported.
class watchdog {
 public:
  explicit watchdog(unsigned seconds) noexcept;
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
};

}  // namespace weft::testing
