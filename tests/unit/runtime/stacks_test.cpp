// How much stack goroutines use.
#include <gtest/gtest.h>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/stacks.hpp>
#include <weft/wait_group.hpp>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>

#include "support/fixture.hpp"
#include "support/idle.hpp"

namespace {

class Stacks : public weft::testing::Procs {};
WEFT_PROCS(Stacks);

__attribute__((noinline)) std::size_t use(std::size_t bytes) {
  auto* room = static_cast<volatile char*>(__builtin_alloca(bytes));
  for (std::size_t i = 0; i < bytes; i += 1024) {
    room[i] = 1;
  }
  return weft::this_goroutine::stack_in_use();
}

TEST_P(Stacks, AGoroutineSeesHowMuchItUses) {
  run([] {
    const std::size_t before = weft::this_goroutine::stack_in_use();
    EXPECT_GT(before, 0u);
    EXPECT_GE(use(20'000), before + 20'000);
    EXPECT_LT(use(20'000), weft::this_goroutine::stack_size());
    EXPECT_GE(weft::this_goroutine::stack_size(), 192u * 1024);
  });
}

TEST_P(Stacks, TheHighWaterMarkStaysWhenTheStackIsShortAgain) {
  run([] {
    weft::wait_group all;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1} << 20}) {
      all.add(1);
      weft::go({.stack_bytes = size}, [&all, size] {
        use(100'000);
        const std::size_t mark = weft::this_goroutine::stack_high_water();
        EXPECT_GE(mark, 100'000u);
        EXPECT_LT(mark, size == 0 ? 192u * 1024 : 200u * 1024);
        all.done();
      });
    }
    all.wait();
  });
}

TEST_P(Stacks, TheReportKnowsEveryParkedStackAndTheDeepest) {
  run([] {
    constexpr std::size_t n = 300;
    auto end = weft::make_chan<int>();
    for (std::size_t i = 0; i < n; ++i) {
      weft::go([end, i] {
        use(i == 7 ? 150'000 : 100);
        end.recv();
      });
    }
    weft::testing::wait_until_parked(n);
    const weft::stack_report r = weft::report_stacks();
    EXPECT_GE(r.stacks, n);
    EXPECT_EQ(r.stack_bytes, weft::this_goroutine::stack_size());
    EXPECT_GE(r.most_used, 150'000u);
    EXPECT_LE(r.most_used, r.stack_bytes);
    EXPECT_EQ(std::accumulate(r.by_pages.begin(), r.by_pages.end(), std::size_t{0}), r.stacks);
    EXPECT_EQ(r.by_pages.size() - 1, r.most_used / 4096);
    EXPECT_GE(r.resident_bytes, r.stacks * 4096);
    end.close();
  });
}

__attribute__((noinline)) std::uintptr_t here() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

// [spare] A goroutine that does not wait runs on a stack that others have used before: where they
// did.
TEST(StacksOfCalls, BeginAtTheSamePlaceEachTime) {
  weft::run({.max_procs = 1}, [] {
    std::set<std::uintptr_t> places;
    for (int i = 0; i < 20'000; ++i) {
      weft::wait_group ended;
      ended.add(1);
      weft::go([&] {
        places.insert(here());
        ended.done();
      });
      ended.wait();
    }
    EXPECT_LE(places.size(), 4u);
  });
}

TEST(StacksOutside, AThreadHasNone) {
  EXPECT_EQ(weft::this_goroutine::stack_in_use(), 0u);
  EXPECT_EQ(weft::this_goroutine::stack_size(), 0u);
  EXPECT_EQ(weft::this_goroutine::stack_high_water(), 0u);
  EXPECT_THROW(weft::report_stacks(), weft::no_runtime);
}

}  // namespace
