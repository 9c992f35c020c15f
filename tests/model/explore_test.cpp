// The explorer itself: it must find planted bugs, or its silence means nothing.
#include <weft/detail/atomic.hpp>

#include <gtest/gtest-spi.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "model_test.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::seq_cst;

// A counter that is read and written in two steps loses an increment.
std::vector<std::function<void()>> lost_update() {
  auto n = std::make_shared<atomic<int>>(0);
  const auto increment = [n] { n->store(n->load(seq_cst) + 1, seq_cst); };
  weft::model::at_end([n] { weft::model::require(n->load(seq_cst) == 2, "an update was lost"); });
  return {increment, increment};
}

TEST(Explorer, FindsALostUpdate) { weft::model::expect_fails(lost_update); }

TEST(Explorer, AFailureIsPrintedWithTheScheduleThatReplaysIt) {
  ::testing::TestPartResultArray failures;
  {
    const ::testing::ScopedFakeTestPartResultReporter here(&failures);
    weft::model::expect_holds(lost_update);
  }
  ASSERT_EQ(failures.size(), 1);
  const std::string message = failures.GetTestPartResult(0).message();
  const std::string variable = "WEFT_MODEL_SCHEDULE=";
  ASSERT_NE(message.find(variable), std::string::npos) << message;
  const std::string rest = message.substr(message.find(variable) + variable.size());
  const std::string schedule = rest.substr(0, rest.find_first_not_of("0123456789/:."));
  ::setenv("WEFT_MODEL_SCHEDULE", schedule.c_str(), 1);
  ::testing::internal::CaptureStderr();
  EXPECT_NONFATAL_FAILURE(weft::model::expect_holds(lost_update), "an update was lost");
  ::unsetenv("WEFT_MODEL_SCHEDULE");
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("1 explore_test.cpp:"),
            std::string::npos);
}

TEST(Explorer, WhatIsNoScheduleIsRefused) {
  for (const char* text : {"", "2", "2/0", "2/0:x", "2/0:0.1x", "x/0:1", "2:0:1"}) {
    EXPECT_THROW(weft::model::replay(lost_update, text), std::invalid_argument) << text;
  }
}

// One that was printed before a change: it must not pass for a run without a failure.
TEST(Explorer, AScheduleThatFitsNoRunIsRefused) {
  const auto message_for = [](const std::string& schedule) -> std::string {
    try {
      weft::model::replay(lost_update, schedule);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(message_for("2/0:0"), "");
  EXPECT_NE(message_for("2/0:7").find("choice 1 is 7 of only 2"), std::string::npos)
      << message_for("2/0:7");
  std::string longer = weft::model::explore(lost_update).schedule + ".0.0.0.0.0.0.0.0.0.0.0.0";
  EXPECT_NE(message_for(longer).find("choices, and the run ended after"), std::string::npos)
      << message_for(longer);
}

TEST(Explorer, SamplesFindWhatTheSearchInOrderDoesNotReach) {
  weft::model::options few{.most_executions = 1};
  EXPECT_EQ(weft::model::explore(lost_update, few).failure, "");
  few.samples = 200;
  const weft::model::outcome o = weft::model::explore(lost_update, few);
  EXPECT_EQ(o.failure, "an update was lost");
  EXPECT_EQ(weft::model::replay(lost_update, o.schedule).failure, o.failure);
  EXPECT_FALSE(o.exhausted);
}

// "Check, then sleep" loses the wake-up that comes between.
TEST(Explorer, FindsALostWakeUp) {
  weft::model::expect_fails([] {
    auto work = std::make_shared<atomic<int>>(0);
    return std::vector<std::function<void()>>{[work] {
                                                if (work->load(seq_cst) == 0) {
                                                  weft::detail::model_step();
                                                  weft::model::block(work.get());
                                                }
                                              },
                                              [work] {
                                                work->store(1, seq_cst);
                                                weft::model::unblock(work.get(), 1);
                                              }};
  });
}

TEST(Explorer, AcceptsALockedCounter) {
  weft::model::expect_holds([] {
    auto n = std::make_shared<atomic<int>>(0);
    const auto increment = [n] { n->fetch_add(1, seq_cst); };
    weft::model::at_end([n] { weft::model::require(n->load(seq_cst) == 3, "an update was lost"); });
    return std::vector<std::function<void()>>{increment, increment, increment};
  });
}

}  // namespace
