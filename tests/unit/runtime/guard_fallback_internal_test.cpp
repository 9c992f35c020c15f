// Guards on kernels without MADV_GUARD_INSTALL: mprotect, rationed.
#include <gtest/gtest.h>
#include <weft/chan.hpp>
#include <weft/go.hpp>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>

#include "detail/sys.hpp"
#include "stack/guard.hpp"
#include "stack/sanitizer.hpp"
#include "support/idle.hpp"

namespace {

using weft::detail::sys;

int (*real_advise)(void*, std::size_t, int);

int old_kernel_advise(void* at, std::size_t bytes, int advice) {
  constexpr int guard_install = 102;
  if (advice == guard_install) {
    errno = EINVAL;
    return -1;
  }
  return real_advise(at, bytes, advice);
}

class GuardFallback : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (real_advise == nullptr) {
      real_advise = sys.advise;
      sys.advise = old_kernel_advise;
    }
    ASSERT_EQ(weft::detail::guard_support(), weft::detail::guard_kind::mprotect);
  }
};

/// Parks `most` goroutines, or as many as there are stacks for; then lets them end.
int park(int most, std::string* refusal = nullptr) {
  int spawned = 0;
  weft::run(weft::runtime_options{.max_procs = 2}, [&] {
    auto gate = weft::make_chan<int>();
    std::atomic<int> ended{0};
    try {
      while (spawned < most) {
        weft::go([gate, &ended] {
          gate.recv();
          ++ended;
        });
        ++spawned;
      }
    } catch (const std::system_error& e) {
      if (refusal != nullptr) {
        *refusal = e.what();
      }
    }
    weft::testing::wait_until_parked(static_cast<std::size_t>(spawned), "chan receive");
    gate.close();
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(ended.load(), spawned);
  });
  return spawned;
}

TEST_F(GuardFallback, AThousandGoroutinesPark) { EXPECT_EQ(park(1000), 1000); }

TEST_F(GuardFallback, GuardsBelongToOneBudget) {
  int taken = 0;
  while (weft::detail::guard_budget_take(64)) {
    ++taken;
  }
  EXPECT_GT(taken, 0);
  EXPECT_FALSE(weft::detail::guard_budget_take(64));
  for (; taken > 0; --taken) {
    weft::detail::guard_budget_return(64);
  }
  EXPECT_TRUE(weft::detail::guard_budget_take(64));
  weft::detail::guard_budget_return(64);
}

// GR-5: the spawner is told; nothing else happens to the program.
TEST_F(GuardFallback, TheSpawnerIsToldThatThereAreNoMoreGuards) {
#if WEFT_TSAN || WEFT_ASAN
  GTEST_SKIP() << "the sanitizers have no room, or too little speed, for so many fibers";
#endif
  constexpr int far_too_many = 1'000'000;
  std::string refusal;
  const int spawned = park(far_too_many, &refusal);
  EXPECT_GT(spawned, 1000);
  EXPECT_LT(spawned, far_too_many);
  EXPECT_NE(refusal.find("vm.max_map_count"), std::string::npos) << refusal;
  EXPECT_EQ(park(1000), 1000);
}

}  // namespace
