// Runs each case in a process of its own and looks at what ThreadSanitizer said.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "race/race_case.hpp"

namespace weft::testing {
namespace {

std::vector<race_case> all_cases() {
  std::vector<race_case> all;
  for (const auto part :
       {chan_cases(), sync_cases(), goroutine_cases(), time_cases(), context_cases()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

class Race : public ::testing::TestWithParam<std::tuple<race_case, int>> {};

// In the child, by gtest's death tests: a case that is not racy ends as a program does.
TEST_P(Race, IsJudgedRightly) {
  const race_case& c = std::get<0>(GetParam());
  const int procs = std::get<1>(GetParam());
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  if (c.only_in_one_order && procs > 1) {
    GTEST_SKIP() << "whether there is a race depends on who comes first";
  }
  const auto program = [&] {
    runtime_options options;
    options.max_procs = procs;
    run(options, c.body);
    std::exit(0);
  };
  if (c.racy) {
    EXPECT_EXIT(program(), ::testing::ExitedWithCode(66), "ThreadSanitizer: data race");
  } else {
    EXPECT_EXIT(program(), ::testing::ExitedWithCode(0), "^$");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Race, ::testing::Combine(::testing::ValuesIn(all_cases()), ::testing::Values(1, 2)),
    [](const auto& p) {
      return std::string(std::get<0>(p.param).name) + "At" + std::to_string(std::get<1>(p.param));
    });

}  // namespace
}  // namespace weft::testing
