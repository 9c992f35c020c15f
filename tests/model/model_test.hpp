#pragma once
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "explore.hpp"

namespace weft::model {

/// Explores and expects no failure. WEFT_MODEL_PREEMPTIONS in the environment raises the bound.
inline void expect_holds(const scenario& make, options how = {}) {
  if (const char* more = std::getenv("WEFT_MODEL_PREEMPTIONS")) {
    how.preemptions = std::atoi(more);
    how.most_executions = 50'000'000;
  }
  const outcome o = explore(make, how);
  EXPECT_EQ(o.failure, "") << "schedule " << o.schedule;
  EXPECT_TRUE(o.exhausted) << "stopped after " << o.executions << " executions";
  std::printf("%zu executions, %d preemptions\n", o.executions, how.preemptions);
}

/// Explores and expects that a failure is found, and found again by its schedule.
inline void expect_fails(const scenario& make, const options& how = {}) {
  const outcome o = explore(make, how);
  ASSERT_NE(o.failure, "") << o.executions << " executions";
  EXPECT_EQ(replay(make, o.schedule).failure, o.failure);
}

}  // namespace weft::model
