// When a thief is worth waking: thief_pace.
#include <gtest/gtest.h>

#include "sched/thief_pace.hpp"

namespace {

using weft::detail::thief_pace;

constexpr std::int64_t us = 1000;

TEST(ThiefPace, WakesAtOnceAsLongAsThievesFindWork) {
  thief_pace pace;
  std::int64_t now = 0;
  for (std::uint64_t visit = 0; visit < 5; ++visit, now += 20 * us) {
    EXPECT_TRUE(pace.may_wake(now));
    pace.woke(now, visit, 0);
    EXPECT_FALSE(pace.slow());
  }
}

TEST(ThiefPace, PausesDoubleWhileVisitsAreInVainUpToAMillisecond) {
  thief_pace pace;
  std::int64_t now = 0;
  std::int64_t last = 0;
  for (std::uint64_t visit = 1; visit < 20; ++visit) {
    pace.woke(now, visit, visit);
    EXPECT_TRUE(pace.slow());
    const std::int64_t before = now;
    while (!pace.may_wake(now)) {
      now += us;
    }
    const std::int64_t pause = now - before;
    EXPECT_EQ(pause, last == 0 ? 50 * us : last * 2 < 1000 * us ? last * 2 : 1000 * us);
    last = pause;
  }
}

TEST(ThiefPace, OneThatFoundWorkEndsThePauses) {
  thief_pace pace;
  pace.woke(0, 1, 1);
  pace.woke(50 * us, 2, 2);
  EXPECT_FALSE(pace.may_wake(51 * us));
  pace.woke(150 * us, 3, 2);
  EXPECT_TRUE(pace.may_wake(150 * us));
}

TEST(ThiefPace, OneThatFoundNothingChangesNothing) {
  thief_pace pace;
  pace.woke(0, 1, 1);
  pace.woke(50 * us, 1, 1);
  EXPECT_FALSE(pace.may_wake(99 * us));
  EXPECT_TRUE(pace.may_wake(100 * us));
}

}  // namespace
