// The k-th system call of each kind fails, for every k: success, or an error to whoever asked;
// never a hang, never a leak.
#include <gtest/gtest.h>
#include <weft/detail/solo.hpp>

#include <csignal>
#include <cstdint>
#include <limits>
#include <string>

#include "faults/scenarios.hpp"
#include "faults/table.hpp"

namespace {

using namespace weft::testing;

constexpr std::uint64_t for_ever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t most_calls = 100;

bool needs_fresh_stacks(call c) { return c == call::map || c == call::advise; }

class Sweep : public ::testing::TestWithParam<scenario> {
 protected:
  // False: no call failed any more.
  static bool play_failing(call c, std::uint64_t first, std::uint64_t last) {
    SCOPED_TRACE(std::string(name_of(c)) + ", call " + std::to_string(first) +
                 (last == for_ever ? " and later" : ""));
    const watchdog hang(60);
    const std::size_t stack_bytes = needs_fresh_stacks(c) ? fresh_stack_bytes() : 100 * 1024;
    std::uint64_t failures = 0;
    {
      const failing plan(c, first, last);
      const tally t = play(GetParam(), stack_bytes);
      failures = failing::failures();
      // What is refused was refused for a reason.
      EXPECT_LE(t.refused + t.failed_runs != 0, failures != 0);
      // A signal stack that could not be taken out of use stays.
      EXPECT_LE(failing::mappings(), c == call::alternate_stack ? failures : 0);
    }
    const failing nothing;
    const tally later = play(GetParam(), stack_bytes);
    EXPECT_EQ(later.refused + later.failed_runs, 0);
    EXPECT_EQ(failing::mappings(), 0);
    return failures != 0;
  }

  // Locked goroutines take up the threads that there are; for ever without others, that is the end
  // of the program (below).
  static bool needs_threads() {
    const std::string name = GetParam().name;
    return name == "locked_threads" || name == "main_on_the_calling_thread";
  }

  static void sweep(call c) {
    std::uint64_t k = 1;
    while (k < most_calls && play_failing(c, k, k) && !HasFailure()) {
      ++k;
    }
    EXPECT_LT(k, most_calls);
    if (c == call::thread_create && needs_threads()) {
      return;
    }
    for (std::uint64_t first = 1; first < k && !HasFailure(); first = first * 2) {
      play_failing(c, first, for_ever);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Scenarios, Sweep,
                         ::testing::ValuesIn(all_scenarios().begin(), all_scenarios().end()),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_P(Sweep, Map) { sweep(call::map); }
TEST_P(Sweep, Unmap) { sweep(call::unmap); }
TEST_P(Sweep, Advise) { sweep(call::advise); }
TEST_P(Sweep, ThreadCreate) { sweep(call::thread_create); }
TEST_P(Sweep, PrepareBarrier) { sweep(call::prepare_barrier); }
TEST_P(Sweep, AlternateStack) { sweep(call::alternate_stack); }
TEST_P(Sweep, CountThreads) { sweep(call::count_threads); }
TEST_P(Sweep, Random) { sweep(call::random); }

// RT-16, RT-9: not a hang.
TEST(ThreadsForEver, LockedGoroutinesWithoutOtherThreadsEndTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        for (std::uint64_t k = 3; k < 10; ++k) {  // after a first worker and the monitor
          const failing plan(call::thread_create, k, for_ever);
          play(scenario_of("locked_threads"), 100 * 1024);
        }
      },
      ::testing::KilledBySignal(SIGABRT), "the system refuses threads(.|\n)*lock_os_thread");
  EXPECT_EXIT(
      {
        const failing plan(call::thread_create, 2, for_ever);  // after the monitor
        play(scenario_of("main_on_the_calling_thread"), 100 * 1024);
      },
      ::testing::KilledBySignal(SIGABRT), "the system refuses threads");
}

// The same for a while only.
TEST(ThreadsForEver, LockedGoroutinesGoOnWhenThereAreThreadsAgain) {
  const watchdog hang(60);
  for (std::uint64_t k = 3; k < 6; ++k) {
    const failing plan(call::thread_create, k, k + 100);
    const tally t = play(scenario_of("locked_threads"), 100 * 1024);
    EXPECT_EQ(t.failed_runs, 0);
    EXPECT_EQ(t.done, 6);
  }
}

// The sweeps above are worth something only if calls fail in them.
TEST(SweepItself, EachKindOfCallIsMadeBySomeScenario) {
  for (const call c : {call::map, call::unmap, call::advise, call::thread_create,
                       call::prepare_barrier, call::alternate_stack, call::random}) {
    if (c == call::prepare_barrier && !WEFT_SOLO) {
      continue;
    }
    std::uint64_t calls = 0;
    for (const scenario& s : all_scenarios()) {
      const failing nothing(c, for_ever, for_ever);
      play(s, fresh_stack_bytes());
      calls += failing::calls();
    }
    EXPECT_GT(calls, 0u) << name_of(c);
  }
}

// GR-5, GR-6: errors do reach the spawner, and run()'s caller.
TEST(SweepItself, ErrorsAreToldToWhoeverAsked) {
  int refused = 0;
  int failed = 0;
  for (std::uint64_t k = 1; k <= 5; ++k) {
    const failing plan(call::map, k, for_ever);
    const tally t = play(scenario_of("spawn_storm"), fresh_stack_bytes());
    refused += t.refused;
    failed += t.failed_runs;
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(failed, 0);
}

}  // namespace
