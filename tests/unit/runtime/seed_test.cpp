#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "support/fixture.hpp"

namespace {

std::vector<int> interleaving(std::uint64_t seed) {
  std::vector<int> steps;
  weft::run(weft::runtime_options{.max_procs = 1, .seed = seed}, [&] {
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&steps, i] {
        for (int k = 0; k < 8; ++k) {
          steps.push_back(i);
          weft::yield();
        }
      });
    }
    all.wait();
  });
  return steps;
}

// GR-9: one worker and one seed make one schedule.
TEST(Seed, GivesTheSameInterleavingEachTime) {
  for (const std::uint64_t seed : {1u, 2u, 12345u}) {
    // The monitor may step in when the kernel stops this process for long: at most now and then.
    std::map<std::vector<int>, int> seen;
    int most = 0;
    for (int i = 0; i < 11; ++i) {
      most = std::max(most, ++seen[interleaving(seed)]);
    }
    EXPECT_GE(most, 9) << "seed " << seed << ": " << seen.size() << " different schedules";
  }
}

// GR-9
TEST(Seed, OtherSeedsGiveOtherInterleavings) {
  std::set<std::vector<int>> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    seen.insert(interleaving(seed));
  }
  EXPECT_GE(seen.size(), 10u);
}

// GR-9: no seed loses a goroutine.
TEST(Seed, EverySeedRunsEveryStep) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const std::vector<int> steps = interleaving(seed);
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(std::count(steps.begin(), steps.end(), i), 8) << "seed " << seed;
    }
  }
}

}  // namespace
