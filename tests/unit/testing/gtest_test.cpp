// The glue to GoogleTest.
#include <gtest/gtest-spi.h>
#include <weft/gtest.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <cstdlib>
#include <string>

namespace {

using namespace std::chrono_literals;
using weft::testing::explore_in_test;

WEFT_TEST(GoogleTestGlue, ABodyRunsInABubble) {
  const auto begin = weft::now();
  weft::sleep(1h);
  EXPECT_EQ(weft::now() - begin, 1h);
}

WEFT_TEST(GoogleTestGlue, AssertionsMayStandInGoroutines) {
  auto c = weft::make_chan<int>();
  weft::go([=] {
    c.send(1);
    ASSERT_TRUE(true);
  });
  ASSERT_EQ(c.recv(), 1);
}

TEST(GoogleTestGlue, ABodyRunsAsOftenAsExploreWouldRunIt) {
  int runs = 0;
  weft::testing::options o;
  o.runs = 7;
  explore_in_test([&] { ++runs; }, o);
  EXPECT_EQ(runs, 7);
}

// What explore_in_test() adds to what the body itself has reported.
template <class F>
std::string added_by(F f) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter catch_them(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    explore_in_test(f);
  }
  return results.size() == 0 ? "" : results.GetTestPartResult(results.size() - 1).message();
}

TEST(GoogleTestGlue, ADeadlockIsAFailureOfTheTest) {
  const std::string text = added_by([] { weft::make_chan<int>().recv(); });
  EXPECT_EQ(
      text.find(
          "Failed\nweft: deadlock with seed 1 (again: WEFT_SEED=1), in run 1: all goroutines"),
      0u)
      << text;
  EXPECT_NE(text.find("[chan receive]"), std::string::npos) << text;
}

TEST(GoogleTestGlue, AFailedCheckEndsTheSearchAndNamesTheSeed) {
  bool failed = false;
  int runs = 0;
  weft::testing::options o;
  o.failed = [&] { return failed; };
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter catch_them(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    explore_in_test([&] { failed = ++runs == 3; }, o);
  }
  EXPECT_EQ(runs, 3);
  ASSERT_EQ(results.size(), 1);
  EXPECT_EQ(std::string(results.GetTestPartResult(0).message())
                .find("Failed\nweft: check with seed 3 (again: WEFT_SEED=3), in run 3"),
            0u);
}

TEST(GoogleTestGlueDeathTest, WhatFailedBeforeCountsForNothing) {
  EXPECT_EXIT(
      {
        ADD_FAILURE() << "before";
        int runs = 0;
        weft::testing::options o;
        o.runs = 3;
        explore_in_test([&] { ++runs; }, o);
        std::_Exit(runs == 3 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
