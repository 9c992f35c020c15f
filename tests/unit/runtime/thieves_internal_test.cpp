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

  // A thief is woken, comes `late`, takes as many goroutines and waits for as many locks, and some
  // worker sleeps `after` that.
  void visit(std::uint64_t takes, std::uint64_t waits, std::int64_t after, std::int64_t late = 0) {
    pace.woke(now, stolen, contended);
    stolen += takes;
    contended += waits;
    pace.saw_arrival(now + late);
    pace.saw_sleep(now + late + after, contended);
  }
  // What came of the last visit is judged when the next thief is woken.
  bool slow_after_it() {
    pace.woke(now += 10'000 * us, stolen, contended);
    return pace.slow();
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
    v.visit(1, 0, 10 * us);
    EXPECT_FALSE(v.pace.slow());
  }
}

TEST(ThiefPace, PausesGrowWhileVisitsAreInVainUpToTwoMilliseconds) {
  visits v;
  v.visit(1, 1, 99 * us);
  std::int64_t expected = 50 * us;
  for (int visit = 0; visit < 20; ++visit) {
    v.visit(1, 1, 99 * us);
    EXPECT_TRUE(v.pace.slow());
    EXPECT_EQ(v.pause(), expected);
    expected = std::min(expected * 4, 2000 * us);
  }
}

TEST(ThiefPace, AVisitWasInVainIfAWorkerSleptSoonAfterAFight) {
  visits v;
  v.visit(4, 1, 99 * us);
  EXPECT_TRUE(v.slow_after_it());
}

TEST(ThiefPace, HoweverLateTheThiefCame) {
  visits v;
  v.visit(1, 1, 99 * us, 3000 * us);
  EXPECT_TRUE(v.slow_after_it());
}

// After a visit in vain, one like this.
bool ends_the_pauses(std::uint64_t takes, std::uint64_t waits, std::int64_t after) {
  visits v;
  v.visit(1, 1, 50 * us);
  v.visit(takes, waits, after);
  EXPECT_TRUE(v.pace.slow());
  return !v.slow_after_it();
}

TEST(ThiefPace, AVisitAfterWhichBothWentOnWasOfUse) {
  EXPECT_TRUE(ends_the_pauses(1, 1, 100 * us));
  EXPECT_FALSE(ends_the_pauses(1, 1, 99 * us));
}

TEST(ThiefPace, AVisitWithoutALockToWaitForWasOfUse) {
  EXPECT_TRUE(ends_the_pauses(1, 0, 50 * us));
}

TEST(ThiefPace, AVisitThatTookManyWasOfUse) {
  EXPECT_TRUE(ends_the_pauses(5, 1, 50 * us));
  EXPECT_FALSE(ends_the_pauses(4, 1, 50 * us));
}

TEST(ThiefPace, WhatComesAfterTheFirstSleepDoesNotCount) {
  visits v;
  v.visit(1, 0, 50 * us);
  ++v.contended;
  v.pace.saw_sleep(v.now + 60 * us, v.contended);
  EXPECT_FALSE(v.slow_after_it());
}

TEST(ThiefPace, OneThatFoundNothingChangesNothing) {
  visits v;
  v.visit(1, 1, 10 * us);
  v.visit(0, 0, 10 * us);
  v.visit(0, 0, 10 * us);
  EXPECT_EQ(v.pause(), 50 * us);
  EXPECT_TRUE(v.slow_after_it());
}

TEST(ThiefPace, ASleepBeforeTheThiefCameIsAnotherMatter) {
  visits v;
  v.pace.woke(v.now, 0, 0);
  v.pace.saw_arrival(v.now - 1);
  v.pace.saw_sleep(v.now + 10 * us, 1);
  v.pace.saw_arrival(v.now + 20 * us);
  v.pace.saw_sleep(v.now + 10 * us, 1);
  v.pace.saw_sleep(v.now + 500 * us, 1);
  v.stolen = v.contended = 1;
  EXPECT_FALSE(v.slow_after_it());
}

TEST(ThiefPace, TheFirstWakeOfARunHasNoVisitBeforeIt) {
  thief_pace pace;
  pace.saw_arrival(0);
  pace.saw_sleep(0, 7);
  pace.woke(1000 * us, 0, 7);
  EXPECT_FALSE(pace.slow());
}

}  // namespace
