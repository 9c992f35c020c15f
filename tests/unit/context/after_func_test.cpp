#include <weft/context.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

class AfterFunc : public weft::testing::Procs {};
WEFT_PROCS(AfterFunc);

// CX-13
TEST_P(AfterFunc, RunsInAGoroutineOfItsOwnOnceTheContextIsDone) {
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const auto ran = weft::make_chan<std::uint64_t>(2);
    auto stop = weft::after_func(ctx, [ran] { ran.send(weft::this_goroutine::id()); });
    for (int i = 0; i < 10; ++i) {
      weft::yield();
    }
    EXPECT_EQ(ran.len(), 0u);
    cancel();
    EXPECT_NE(*ran.recv(), weft::this_goroutine::id());
    EXPECT_FALSE(stop.stop());
    cancel();
    EXPECT_EQ(ran.len(), 0u);
  });
}

TEST_P(AfterFunc, RunsAtOnceIfTheContextIsDone) {
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    cancel();
    const auto ran = weft::make_chan<weft::unit>();
    auto stop = weft::after_func(ctx, [ran] { ran.close(); });
    ran.recv();
    EXPECT_FALSE(stop());
  });
}

TEST_P(AfterFunc, OnlyTheCallThatPreventsItReturnsTrue) {
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    auto guarded = std::make_shared<int>(1);
    auto stop = weft::after_func(ctx, [guarded] { ADD_FAILURE() << "it was stopped"; });
    EXPECT_EQ(guarded.use_count(), 2);
    EXPECT_TRUE(stop.stop());
    EXPECT_EQ(guarded.use_count(), 1);  // f is destroyed
    EXPECT_FALSE(stop.stop());
    cancel();
    EXPECT_FALSE(stop.stop());
  });
}

TEST_P(AfterFunc, RegistrationsAreIndependentAndLiveWithoutTheirStopFunction) {
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const auto ran = weft::make_chan<int>(10);
    for (int i = 0; i < 10; ++i) {
      auto stop = weft::after_func(ctx, [ran, i] { ran.send(i); });
      if (i == 3) {
        EXPECT_TRUE(stop.stop());
      }
    }
    cancel();
    int sum = 0;
    for (int i = 0; i < 9; ++i) {
      sum += *ran.recv();
    }
    EXPECT_EQ(sum, 45 - 3);
  });
}

TEST_P(AfterFunc, StopDoesNotWaitForIt) {
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const auto started = weft::make_chan<weft::unit>(), go_on = weft::make_chan<weft::unit>();
    auto stop = weft::after_func(ctx, [=] {
      started.close();
      go_on.recv();
    });
    cancel();
    started.recv();
    EXPECT_FALSE(stop.stop());
    go_on.close();
  });
}

// A context that nobody else holds is kept until f has run.
TEST_P(AfterFunc, HoldsItsContext) {
  run([] {
    auto [a, cancel_a] = weft::with_cancel(weft::background());
    auto [b, cancel_b] = weft::with_cancel(weft::background());
    const auto ran = weft::make_chan<weft::unit>();
    (void)weft::after_func(weft::merge(a, b), [ran] { ran.close(); });
    cancel_b();
    ran.recv();
  });
}

TEST_P(AfterFunc, OfAContextThatIsNeverDoneNeverRuns) {
  run([] {
    auto held = std::make_shared<int>(1);
    auto stop = weft::after_func(weft::background(), [held] { ADD_FAILURE(); });
    EXPECT_EQ(held.use_count(), 1);
    (void)stop.stop();
  });
}

TEST_P(AfterFunc, MayThrowNothingButMayCallGoexit) {
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    auto held = std::make_shared<int>(1);
    (void)weft::after_func(ctx, [held] { weft::goexit(); });
    cancel();
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(held.use_count(), 1);
  });
}

TEST_P(AfterFunc, WorksByTimerAndFromAForeignThread) {
  run([] {
    auto [timed, cancel_timed] = weft::with_timeout(weft::background(), 1ms);
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const auto ran = weft::make_chan<int>(2);
    (void)weft::after_func(timed, [ran] { ran.send(1); });
    (void)weft::after_func(ctx, [ran] { ran.send(2); });
    std::thread([&c = cancel] { c(); }).join();
    EXPECT_EQ(*ran.recv() + *ran.recv(), 3);
  });
}

TEST(AfterFuncMisuse, IsReported) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  EXPECT_THROW((void)weft::after_func(ctx, std::function<void()>{}), weft::null_function);
  EXPECT_THROW((void)weft::after_func(ctx, [] {}), weft::no_runtime);
}

// Nobody is left who could run it.
TEST(AfterFuncMisuse, IsDestroyedUnrunWhenTheRuntimeHasEnded) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  auto held = std::make_shared<int>(1);
  weft::run([&, &c = ctx] { (void)weft::after_func(c, [held] { ADD_FAILURE(); }); });
  EXPECT_EQ(held.use_count(), 2);
  cancel();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
