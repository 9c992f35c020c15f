// Every system call fails with some probability.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "faults/scenarios.hpp"
#include "faults/table.hpp"
#include "support/fixture.hpp"

namespace {

using namespace weft::testing;

std::uint64_t first_seed() {
  const char* text = std::getenv("WEFT_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10)
                         : static_cast<std::uint64_t>(
                               std::chrono::steady_clock::now().time_since_epoch().count());
}

class RandomFaults : public ::testing::TestWithParam<scenario> {};
INSTANTIATE_TEST_SUITE_P(Scenarios, RandomFaults,
                         ::testing::ValuesIn(all_scenarios().begin(), all_scenarios().end()),
                         [](const auto& p) { return std::string(p.param.name); });

// WEFT_TEST_SEED=n begins with the round that has failed.
TEST_P(RandomFaults, LeadToSuccessOrToAnError) {
  const std::uint64_t first = first_seed();
  const int rounds = static_cast<int>(20 * scale()) + 1;
  std::int64_t slabs = 0;
  for (int i = 0; i < rounds && !HasFailure(); ++i) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(i);
    SCOPED_TRACE("WEFT_TEST_SEED=" + std::to_string(seed));
    const watchdog hang(60);
    constexpr double probabilities[] = {0.02, 0.1, 0.4};
    {
      const failing plan(probabilities[seed % 3], seed);
      play(GetParam(), 120 * 1024);
      slabs += failing::slabs();
    }
    const failing nothing;
    const tally later = play(GetParam(), 120 * 1024);
    EXPECT_EQ(later.refused + later.failed_runs, 0);
    EXPECT_EQ(failing::mappings(), 0);
    slabs += failing::slabs();
  }
  // Stacks are kept and used again: not more for each round.
  EXPECT_LT(slabs, 30);
}

}  // namespace
