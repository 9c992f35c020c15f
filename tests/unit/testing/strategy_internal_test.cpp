// sched/strategy: who goes next in a simulated run. [simulated.2], [simulated.3].
#include "sched/strategy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

namespace {

using weft::detail::strategy;
using ids = std::vector<std::uint64_t>;

constexpr std::uint64_t seeds = 1000;

ids up_to(std::uint64_t n) {
  ids all;
  for (std::uint64_t i = 1; i <= n; ++i) {
    all.push_back(i);
  }
  return all;
}

// By what it does: priorities choose the same one as long as nothing happens.
bool goes_by_priority(std::uint64_t seed) {
  strategy s(seed);
  const ids all = up_to(8);
  const std::size_t first = s.choose(all);
  for (int i = 0; i < 100; ++i) {
    if (s.choose(all) != first) {
      return false;
    }
  }
  return true;
}

// Those of the first `seeds` that draw by chance, or by priority.
const ids& random_seeds() {
  static const ids found = [] {
    ids f;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      if (!goes_by_priority(seed)) {
        f.push_back(seed);
      }
    }
    return f;
  }();
  return found;
}
const ids& priority_seeds() {
  static const ids found = [] {
    ids f;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      if (goes_by_priority(seed)) {
        f.push_back(seed);
      }
    }
    return f;
  }();
  return found;
}

// Of counts that should be equal.
double chi_square(const std::vector<double>& counts) {
  double sum = 0;
  for (const double c : counts) {
    sum += c;
  }
  const double expected = sum / static_cast<double>(counts.size());
  double x = 0;
  for (const double c : counts) {
    x += (c - expected) * (c - expected) / expected;
  }
  return x;
}
// One in a thousand uniform samples is above that; the seeds are fixed, so these are or are not.
// By degrees of freedom.
constexpr double too_large[] = {0, 10.83, 13.82, 16.27, 18.47, 20.52, 22.46, 24.32};

// What a run of three goroutines that never wait comes to, as a list of choices.
std::vector<std::size_t> choices(std::uint64_t seed) {
  strategy s(seed);
  std::vector<std::size_t> made;
  const ids all = up_to(3);
  for (int i = 0; i < 300; ++i) {
    const std::size_t running = s.choose(all);
    ids others = all;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(running));
    made.push_back(running);
    made.push_back(s.preempts(all[running], others) ? 1 : 0);
    if (i % 50 == 49) {
      s.step_back(all[running]);
    }
  }
  return made;
}

TEST(Strategy, ASeedMakesTheSameChoicesEachTime) {
  std::set<std::vector<std::size_t>> different;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    EXPECT_EQ(choices(seed), choices(seed)) << seed;
    different.insert(choices(seed));
  }
  // Without a change of priorities there are few ways to go on.
  EXPECT_GT(different.size(), 150u);
  EXPECT_EQ(choices(0), choices(1));
}

TEST(Strategy, HalfOfTheSeedsDrawByChanceHalfByPriority) {
  EXPECT_LT(chi_square({static_cast<double>(random_seeds().size()),
                        static_cast<double>(priority_seeds().size())}),
            too_large[1]);
}

// ---- random ----

TEST(StrategyByChance, EachIsChosenEquallyOften) {
  for (const std::uint64_t n : {2u, 3u, 5u, 8u}) {
    strategy s(random_seeds().front());
    std::vector<double> counts(n);
    for (int i = 0; i < 20'000; ++i) {
      ++counts[s.choose(up_to(n))];
    }
    EXPECT_LT(chi_square(counts), too_large[n - 1]) << "of " << n;
  }
}

// Whom it draws does not depend on whom it drew before.
TEST(StrategyByChance, PairsOfChoicesAreUniformToo) {
  strategy s(random_seeds().back());
  std::vector<double> counts(4);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t first = s.choose({1, 2});
    ++counts[2 * first + s.choose({1, 2})];
  }
  EXPECT_LT(chi_square(counts), too_large[3]);
}

TEST(StrategyByChance, InterruptsAtARateOfTheSeeds) {
  std::vector<double> seeds_with(5);  // 1/2, 1/4, ... 1/32
  for (const std::uint64_t seed : random_seeds()) {
    strategy s(seed);
    constexpr int steps = 4096;
    int interrupted = 0;
    for (int i = 0; i < steps; ++i) {
      interrupted += s.preempts(1, {2, 3}) ? 1 : 0;
    }
    std::size_t rate = 0;
    while (rate < 5 && interrupted < (steps >> (rate + 1)) * 3 / 4) {
      ++rate;
    }
    ASSERT_LT(rate, 5u) << interrupted << " times with seed " << seed;
    ++seeds_with[rate];
  }
  EXPECT_LT(chi_square(seeds_with), too_large[4]);
}

TEST(StrategyByChance, EachThatCanRunIsChosenInTheEnd) {
  for (const std::uint64_t seed : random_seeds()) {
    strategy s(seed);
    std::set<std::size_t> chosen;
    for (int i = 0; i < 500; ++i) {
      chosen.insert(s.choose(up_to(8)));
    }
    EXPECT_EQ(chosen.size(), 8u) << seed;
  }
}

// ---- pct ----

TEST(StrategyByPriority, TheFirstIsUniform) {
  std::vector<double> counts(8);
  for (const std::uint64_t seed : priority_seeds()) {
    ++counts[strategy(seed).choose(up_to(8))];
  }
  EXPECT_LT(chi_square(counts), too_large[7]);
}

TEST(StrategyByPriority, WhoIsInterruptedGivesWayToWhoIsChosen) {
  for (const std::uint64_t seed : priority_seeds()) {
    strategy s(seed);
    const ids both{1, 2};
    std::uint64_t running = both[s.choose(both)];
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t other = 3 - running;
      const bool interrupted = s.preempts(running, {other});
      EXPECT_EQ(both[s.choose(both)], interrupted ? other : running) << seed;
      running = interrupted ? other : running;
    }
  }
}

TEST(StrategyByPriority, ChangesAtNoneToThreePlaces) {
  std::vector<double> seeds_with(4);
  std::vector<double> early_or_late(2);
  for (const std::uint64_t seed : priority_seeds()) {
    std::size_t changes = 0;
    // Who falls is below whoever comes: so count the falls of the one that runs alone.
    strategy t(seed);
    std::uint64_t top = 1;
    static_cast<void>(t.choose({top}));
    for (int step = 1; step <= 4100; ++step) {
      const std::uint64_t next = top + 1;
      // Makes `next` known, and below `top`, or takes it for `top`.
      if (t.choose({top, next}) == 1) {
        top = next;
        continue;
      }
      if (t.preempts(top, {next})) {
        ++changes;
        ++early_or_late[step <= 256 ? 0 : 1];
        top = next;
      }
    }
    ASSERT_LE(changes, 3u) << seed;
    ++seeds_with[changes];
  }
  for (const double n : seeds_with) {  // two at one place are one
    EXPECT_GT(n, 0.2 * static_cast<double>(priority_seeds().size()));
    EXPECT_LT(n, 0.3 * static_cast<double>(priority_seeds().size()));
  }
  EXPECT_GT(early_or_late[0], 100);
  EXPECT_GT(early_or_late[1], 100);
}

TEST(StrategyByPriority, WhoStepsBackIsBehindAllOthersAndThoseThatComeLater) {
  for (const std::uint64_t seed : priority_seeds()) {
    strategy s(seed);
    const ids all = up_to(3);
    const std::uint64_t first = all[s.choose(all)];
    s.step_back(first);
    EXPECT_EQ(s.choose({first, 17}), 1u) << "a new one";
    const std::uint64_t second = all[s.choose(all)];
    EXPECT_NE(second, first);
    s.step_back(second);
    EXPECT_EQ(s.choose({second, first}), 1u) << "it fell earlier";
    EXPECT_TRUE(s.preempts(second, {first}));
    EXPECT_EQ(s.choose({first, second, 17}), 2u);
  }
}

// A loop that yields steps back each time.
TEST(StrategyByPriority, EachThatCanRunIsChosenWhenTheOthersStepBack) {
  for (const std::uint64_t seed : priority_seeds()) {
    strategy s(seed);
    const ids all = up_to(8);
    std::set<std::size_t> chosen;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t c = s.choose(all);
      chosen.insert(c);
      s.step_back(all[c]);
    }
    EXPECT_EQ(chosen.size(), all.size()) << seed;
  }
}

}  // namespace
