// The deadlock report needs to know the process's threads: when the system does not say (there may
// be no descriptor left for /proc), there is none; a report is never wrong.
#include <weft/chan.hpp>
#include <weft/runtime.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "faults/table.hpp"
#include "stack/sanitizer.hpp"

namespace {

using namespace weft::testing;
using ::testing::ExitedWithCode;

class DeadlockFaults : public ::testing::Test {
 protected:
  DeadlockFaults() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static void wait_for_ever() {
    weft::run({.max_procs = 2}, [] { weft::make_chan<int>().recv(); });
  }
};

// DL-1
TEST_F(DeadlockFaults, WithoutANumberOfThreadsThereIsNoReport) {
  EXPECT_EXIT(
      {
        ::signal(SIGALRM, [](int) { std::_Exit(failing::failures() != 0 ? 3 : 4); });
        const failing plan(call::count_threads, 1, 1'000'000);
        ::alarm(2);
        wait_for_ever();
      },
      ExitedWithCode(3), "^$");
}

TEST_F(DeadlockFaults, ANumberThatComesAtTheSecondLookIsEnough) {
#if WEFT_TSAN
  GTEST_SKIP() << "no deadlock report beside TSan's thread";
#endif
  EXPECT_EXIT(
      {
        const failing plan(call::count_threads, 1, 1);
        wait_for_ever();
      },
      ExitedWithCode(2), "all goroutines are asleep");
}

}  // namespace
