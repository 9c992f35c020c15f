// Runs each case in a process of its own and looks at what the sanitizers said.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "memory/memory_case.hpp"

namespace weft::testing {

static void PrintTo(const memory_case& c, std::ostream* out) { *out << c.name; }

namespace {

constexpr int reported = 99;

/// Frames that ASan puts on the heap, to find those that are used after they have returned: GCC's
/// default is no, clang's is yes.
enum class frames { on_the_stack, on_the_heap };

void PrintTo(frames f, std::ostream* out) {
  *out << (f == frames::on_the_heap ? "frames on the heap" : "frames on the stack");
}

class Memory : public ::testing::TestWithParam<std::tuple<memory_case, int, frames>> {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const bool on_the_heap = std::get<2>(GetParam()) == frames::on_the_heap;
    const char* options = std::getenv("ASAN_OPTIONS");
    const std::string all =
        (options != nullptr ? std::string(options) + ":" : std::string()) +
        "exitcode=" + std::to_string(reported) +
        ":detect_leaks=1:detect_stack_use_after_return=" + (on_the_heap ? "1" : "0");
    ::setenv("ASAN_OPTIONS", all.c_str(), 1);
    ::setenv("UBSAN_OPTIONS", ("print_stacktrace=1:exitcode=" + std::to_string(reported)).c_str(),
             1);
    saved_ = options != nullptr ? options : "";
  }
  void TearDown() override { ::setenv("ASAN_OPTIONS", saved_.c_str(), 1); }

 private:
  std::string saved_;
};

// In the child, by gtest's death tests, which begins anew: with these options.
TEST_P(Memory, IsJudgedRightly) {
  const memory_case& c = std::get<0>(GetParam());
  const auto program = [&] {
    run({.max_procs = std::get<1>(GetParam())}, c.body);
    std::exit(0);
  };
  if (c.report != nullptr) {
    EXPECT_EXIT(program(), ::testing::ExitedWithCode(reported), c.report);
  } else {
    EXPECT_EXIT(program(), ::testing::ExitedWithCode(0), "^$");
  }
}

std::vector<memory_case> chosen(std::span<const memory_case> all, frames where) {
  std::vector<memory_case> out;
  for (const memory_case& c : all) {
    if (where == frames::on_the_heap || !c.of_returned_frames) {
      out.push_back(c);
    }
  }
  return out;
}

std::string name_of(const ::testing::TestParamInfo<Memory::ParamType>& p) {
  return std::string(std::get<0>(p.param).name) + "At" + std::to_string(std::get<1>(p.param));
}

using ::testing::Combine;
using ::testing::Values;
using ::testing::ValuesIn;

INSTANTIATE_TEST_SUITE_P(Reported, Memory,
                         Combine(ValuesIn(chosen(reported_cases(), frames::on_the_stack)),
                                 Values(1), Values(frames::on_the_stack)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(ReportedWithFramesOnTheHeap, Memory,
                         Combine(ValuesIn(chosen(reported_cases(), frames::on_the_heap)), Values(2),
                                 Values(frames::on_the_heap)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Clean, Memory,
                         Combine(ValuesIn(chosen(clean_cases(), frames::on_the_stack)),
                                 Values(1, 4), Values(frames::on_the_stack)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(CleanWithFramesOnTheHeap, Memory,
                         Combine(ValuesIn(chosen(clean_cases(), frames::on_the_heap)), Values(2),
                                 Values(frames::on_the_heap)),
                         name_of);

}  // namespace
}  // namespace weft::testing
