// A guard that the kernel refuses: an error for a stack of its own size; the end of the program,
// with a reason, for one that the scheduler needs ([stack] in docs/protocols.md).
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>

#include "faults/scenarios.hpp"
#include "faults/table.hpp"

namespace {

using namespace weft::testing;
using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

class GuardFaults : public ::testing::Test {
 protected:
  GuardFaults() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(GuardFaults, ARefusedGuardNeverLeavesAStackWithoutOne) {
  for (std::uint64_t k = 1; k <= 4; ++k) {
    EXPECT_EXIT(
        {
          play(scenario_of("spawn_storm"),
               fresh_stack_bytes());  // what is asked once, is asked now
          const failing plan(call::guard, k, k);
          play(scenario_of("parked"), fresh_stack_bytes());
          std::_Exit(0);
        },
        KilledBySignal(SIGABRT), "the kernel refused to guard a stack");
  }
}

TEST_F(GuardFaults, ARefusedGuardOfAStackOfItsOwnIsToldToTheSpawner) {
  EXPECT_EXIT(
      {
        const std::size_t stack_bytes = fresh_stack_bytes();
        play(scenario_of("parked"), stack_bytes);  // more stacks than the next one needs
        int refused = 0;
        for (std::uint64_t k = 1; k <= 5; ++k) {
          const failing plan(call::guard, k, k);
          refused += play(scenario_of("stacks_of_their_own"), stack_bytes).refused;
          refused += failing::mappings() != 0 ? 100 : 0;
        }
        std::_Exit(refused == 5 && !::testing::Test::HasFailure() ? 7 : 8);
      },
      ExitedWithCode(7), "");
}

}  // namespace
