#include <weft/context.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

class StopToken : public weft::testing::Procs {};
WEFT_PROCS(StopToken);

TEST(ContextFromStopToken, IsDoneBeforeRequestStopReturns) {
  std::stop_source source;
  auto [ctx, cancel] = weft::with_stop_token(weft::background(), source.get_token());
  auto [child, cancel_child] = weft::with_cancel(ctx);
  EXPECT_FALSE(child.err());
  source.request_stop();
  EXPECT_TRUE(weft::testing::is_done(ctx));
  EXPECT_TRUE(weft::testing::is_done(child));
  EXPECT_EQ(child.err(), weft::canceled);
}

TEST(ContextFromStopToken, IsBornDoneIfAStopWasRequested) {
  std::stop_source source;
  source.request_stop();
  auto [ctx, cancel] = weft::with_stop_token(weft::background(), source.get_token());
  EXPECT_EQ(ctx.err(), weft::canceled);
}

TEST(ContextFromStopToken, ObeysItsParentAndItsCancelToo) {
  std::stop_source source;
  auto [parent, cancel_parent] = weft::with_cancel(weft::background());
  auto [a, cancel_a] = weft::with_stop_token(parent, source.get_token());
  auto [b, cancel_b] = weft::with_stop_token(parent, {});
  cancel_a();
  EXPECT_TRUE(a.err());
  EXPECT_FALSE(b.err());
  cancel_parent();
  EXPECT_TRUE(b.err());
  EXPECT_FALSE(source.stop_requested());
}

// The last reference goes in the callback, or while it runs elsewhere.
TEST(ContextFromStopToken, MayDieWhileAStopIsRequested) {
  for (int i = 0; i < 2000; ++i) {
    std::stop_source source;
    std::jthread other([&] { source.request_stop(); });
    auto made = weft::with_stop_token(weft::background(), source.get_token());
  }
}

// std::jthread's token drives goroutines and their waits.
TEST_P(StopToken, OfAJthreadEndsAWait) {
  run([] {
    std::jthread worker([](const std::stop_token& token) {
      auto [ctx, cancel] = weft::with_stop_token(weft::background(), token);
      ctx.done().recv();
    });
    worker.request_stop();
    worker.join();
  });
}

TEST_P(StopToken, OfAContextIsStoppedWhenItIsDone) {
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const auto token = weft::stop_token_of(ctx);
    EXPECT_EQ(token, weft::stop_token_of(weft::with_value(ctx, 1)));
    EXPECT_TRUE(token.stop_possible());
    EXPECT_FALSE(token.stop_requested());
    const auto stopped = weft::make_chan<std::uint64_t>(1);
    std::stop_callback callback(token, [stopped] { stopped.send(weft::this_goroutine::id()); });
    cancel();
    EXPECT_NE(*stopped.recv(), weft::this_goroutine::id());  // user code: in its own goroutine
    EXPECT_TRUE(token.stop_requested());
  });
}

TEST(StopTokenOfContext, OfADoneOneIsStoppedAndOfABackgroundNeverWillBe) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  cancel();
  EXPECT_TRUE(weft::stop_token_of(ctx).stop_requested());
  EXPECT_TRUE(weft::stop_token_of(ctx).stop_requested());
  EXPECT_FALSE(weft::stop_token_of(weft::background()).stop_possible());
}

TEST(StopTokenOfContext, WorksWithoutARuntime) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  std::jthread waits([token = weft::stop_token_of(ctx)] {
    std::mutex m;
    std::condition_variable_any cond;
    std::unique_lock hold(m);
    cond.wait(hold, token, [] { return false; });
    EXPECT_TRUE(token.stop_requested());
  });
  cancel();
}

TEST_P(StopToken, IsSharedByAllWhoAskAtTheSameTime) {
  run([] {
    for (int i = 0; i < 100; ++i) {
      auto [ctx, cancel] = weft::with_cancel(weft::background());
      const auto tokens = weft::make_chan<std::stop_token>(3);
      for (int k = 0; k < 3; ++k) {
        weft::go([tokens, c = ctx] { tokens.send(weft::stop_token_of(c)); });
      }
      cancel();
      const auto a = *tokens.recv(), b = *tokens.recv(), c = *tokens.recv();
      EXPECT_TRUE(a == b && b == c);
      while (!a.stop_requested()) {
        weft::yield();
      }
    }
  });
}

}  // namespace
