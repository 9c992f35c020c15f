#pragma once
// An order in the sources that is needed: with a weaker one in its place, in a memory that is as
// weak as the orders allow, the scenario beside it must fail. And it holds with the one that stands
// there.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <ostream>
#include <string>

#include "model_test.hpp"

namespace weft::model {

struct weak_order {
  const char* name;
  const char* file;    // in the project's folder
  const char* access;  // in one line of it
  std::memory_order order;
  std::vector<std::function<void()>> (*scenario)();
};

inline void PrintTo(const weak_order& w, std::ostream* out) { *out << w.name; }

/// The line with the access: there must be one.
inline unsigned line_of(const weak_order& w) {
  std::ifstream in(std::string(WEFT_SOURCE_DIR "/") + w.file);
  unsigned found = 0, n = 0, times = 0;
  for (std::string line; std::getline(in, line);) {
    ++n;
    if (line.find(w.access) != std::string::npos) {
      found = n;
      ++times;
    }
  }
  EXPECT_EQ(times, 1u) << w.access << " in " << w.file;
  return found;
}

inline void expect_needed(const weak_order& w, const options& how) {
  const outcome right = explore(w.scenario, how);
  EXPECT_EQ(right.failure, "") << "as it stands; schedule " << right.schedule;
  EXPECT_TRUE(right.exhausted) << right.executions << " executions";
  record(right, how);
  const unsigned line = line_of(w);
  const weakened there(w.file, line, line, w.order);
  const outcome wrong = explore(w.scenario, how);
  EXPECT_NE(wrong.failure, "") << "nobody misses the order; met " << there.met() << " times in "
                               << wrong.executions << " executions";
  EXPECT_EQ(replay(w.scenario, wrong.schedule).failure, wrong.failure);
  std::printf("%zu executions; weakened: %zu, then \"%s\"\n", right.executions, wrong.executions,
              wrong.failure.c_str());
  record_killed(w.name, wrong);
}

}  // namespace weft::model
