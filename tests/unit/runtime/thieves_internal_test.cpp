// When a thief is worth waking: thief_pace.
#include <gtest/gtest.h>

#include <algorithm>

#include "sched/thief_pace.hpp"

namespace {

using weft::detail::thief_pace;

constexpr std::int64_t us = 1000;

// Wakes a thief and lets a worker sleep some time later.
struct visits {
  thief_pace pace;
  std::int64_t now = 1000 * us;
  std::uint64_t stolen = 0;
  std::uint64_t contended = 0;

  // What came of the visit before is in `stolen` and `contended` by now.
  void wake_and_sleep(std::int64_t after) {
    pace.woke(now, stolen, contended);
    pace.saw_sleep(now + after);
  }
  std::int64_t pause() {
    const std::int64_t from = now;
    while (!pace.may_wake(now)) {
      now += us;
    }
    return now - from;
  }
};

TEST(ThiefPace, WakesAtOnceAsLongAsThievesFindWork) {
  visits v;
  for (int visit = 0; visit < 5; ++visit, v.now += 20 * us) {
    EXPECT_TRUE(v.pace.may_wake(v.now));
    ++v.stolen;
    v.wake_and_sleep(10 * us);
    EXPECT_FALSE(v.pace.slow());
  }
}

TEST(ThiefPace, PausesDoubleWhileVisitsAreInVainUpToAMillisecond) {
  visits v;
  v.wake_and_sleep(99 * us);
  std::int64_t expected = 50 * us;
  for (int visit = 0; visit < 20; ++visit) {
    ++v.stolen;
    ++v.contended;
    v.wake_and_sleep(99 * us);
    EXPECT_TRUE(v.pace.slow());
    EXPECT_EQ(v.pause(), expected);
    expected = std::min(expected * 2, 1000 * us);
  }
}

TEST(ThiefPace, OneAfterWhichBothWentOnEndsThePauses) {
  visits v;
  for (int visit = 0; visit < 3; ++visit) {
    ++v.stolen;
    ++v.contended;
    v.wake_and_sleep(50 * us);
  }
  EXPECT_TRUE(v.pace.slow());
  ++v.stolen;
  ++v.contended;
  v.wake_and_sleep(100 * us);
  EXPECT_TRUE(v.pace.slow()) << "that the visit before was in vain is known since then";
  ++v.stolen;
  ++v.contended;
  v.wake_and_sleep(50 * us);
  EXPECT_FALSE(v.pace.slow());
}

TEST(ThiefPace, OneWithoutALockToWaitForEndsThePauses) {
  visits v;
  v.wake_and_sleep(10 * us);
  ++v.contended;
  v.wake_and_sleep(10 * us);
  EXPECT_TRUE(v.pace.slow());
  ++v.stolen;
  v.wake_and_sleep(10 * us);
  EXPECT_FALSE(v.pace.slow());
}

TEST(ThiefPace, OneThatFoundNothingChangesNothing) {
  visits v;
  v.wake_and_sleep(10 * us);
  ++v.contended;
  v.wake_and_sleep(10 * us);
  v.wake_and_sleep(10 * us);
  EXPECT_EQ(v.pause(), 50 * us);
}

TEST(ThiefPace, TheFirstSleepAfterTheWakeCounts) {
  visits v;
  v.pace.woke(v.now, 0, 0);
  v.pace.saw_sleep(v.now - 1);
  v.pace.saw_sleep(v.now + 500 * us);
  v.pace.woke(v.now + 600 * us, 1, 1);
  EXPECT_FALSE(v.pace.slow()) << "both went on for long; a sleep before the wake is another matter";
  v.now += 600 * us;
  v.pace.saw_sleep(v.now + 20 * us);
  v.pace.saw_sleep(v.now + 500 * us);
  v.pace.woke(v.now + 600 * us, 2, 2);
  EXPECT_TRUE(v.pace.slow());
}

TEST(ThiefPace, WithoutAnySleepTheVisitWasNotInVain) {
  thief_pace pace;
  pace.woke(1000 * us, 0, 0);
  pace.woke(1050 * us, 1, 1);
  EXPECT_FALSE(pace.slow());
}

}  // namespace
