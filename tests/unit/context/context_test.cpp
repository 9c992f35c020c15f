#include <gtest/gtest.h>
#include <weft/weft.hpp>

#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

class Context : public weft::testing::Procs {};
WEFT_PROCS(Context);

using weft::testing::closed;

// CX-1
TEST(ContextRoots, AreNeverDoneAndHaveNoDeadlineAndNoValues) {
  for (const weft::context& c : {weft::background(), weft::todo_()}) {
    EXPECT_FALSE(c.err());
    EXPECT_FALSE(weft::cause(c));
    EXPECT_FALSE(c.done());
    EXPECT_FALSE(c.deadline());
    EXPECT_EQ(c.value<int>(), nullptr);
    EXPECT_EQ(c.wake_source(), nullptr);
  }
  EXPECT_EQ(weft::background(), weft::background());
  EXPECT_FALSE(weft::background() == weft::todo_());
}

// CX-1: Done needs no check before select.
TEST_P(Context, TheNilDoneChannelOfARootIsNeverReadyInSelect) {
  run([] {
    EXPECT_EQ(weft::select(weft::recv(weft::background().done()), weft::otherwise()), 1u);
  });
}

// CX-2, CX-4, CX-5
TEST(ContextCancel, MakesItDoneOnceAndForAll) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  const auto done = ctx.done();
  ASSERT_TRUE(done);
  EXPECT_EQ(done, ctx.done());
  EXPECT_FALSE(closed(done));
  EXPECT_FALSE(ctx.err());
  cancel();
  EXPECT_TRUE(closed(done));
  EXPECT_EQ(ctx.err(), weft::canceled);
  EXPECT_EQ(weft::cause(ctx), weft::canceled);
  cancel();
  EXPECT_EQ(ctx.err(), weft::canceled);
  EXPECT_EQ(done, ctx.done());
}

TEST(ContextCancel, HappensWhenTheFunctionGoesOutOfScope) {
  weft::context kept;
  {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    kept = ctx;
    weft::cancel_function moved = std::move(cancel);
    cancel();  // does nothing any more
    EXPECT_FALSE(kept.err());
  }
  EXPECT_EQ(kept.err(), weft::canceled);
}

// CX-9, T10: the first cancellation fixes the cause.
TEST(ContextCause, IsThatOfTheFirstCancellation) {
  const weft::error first("first"), second("second");
  auto [ctx, cancel] = weft::with_cancel_cause(weft::background());
  auto [child, cancel_child] = weft::with_cancel_cause(ctx);
  EXPECT_FALSE(weft::cause(ctx));
  cancel_child(second);
  cancel(first);
  cancel(second);
  EXPECT_EQ(ctx.err(), weft::canceled);
  EXPECT_EQ(weft::cause(ctx), first);
  EXPECT_EQ(weft::cause(child), second);
}

TEST(ContextCause, NullMeansCanceled) {
  auto [ctx, cancel] = weft::with_cancel_cause(weft::background());
  cancel();
  EXPECT_EQ(weft::cause(ctx), weft::canceled);
}

struct request_id {
  int n;
};
struct user_name : weft::context_key<std::string> {};
struct host_name : weft::context_key<std::string> {};

// CX-6
TEST(ContextValue, IsFoundByItsTypeAndTheNearestWins) {
  const auto a = weft::with_value(weft::background(), request_id{1});
  const auto b = weft::with_value<user_name>(a, "ann");
  auto [c, cancel] = weft::with_cancel(b);
  const auto d = weft::with_value(c, request_id{2});
  const auto e = weft::with_value<request_id>(d, std::nullopt);
  EXPECT_EQ(a.value<request_id>()->n, 1);
  EXPECT_EQ(a.value<user_name>(), nullptr);
  EXPECT_EQ(c.value<request_id>()->n, 1);
  EXPECT_EQ(*c.value<user_name>(), "ann");
  EXPECT_EQ(d.value<request_id>()->n, 2);
  EXPECT_EQ(e.value<request_id>(), nullptr);
  EXPECT_EQ(*e.value<user_name>(), "ann");
  EXPECT_EQ(e.value<host_name>(), nullptr);
  EXPECT_EQ(e.value<std::string>(), nullptr);
}

// CX-12
TEST(ContextWithoutCancel, KeepsValuesOnly) {
  auto [ctx, cancel] = weft::with_cancel(weft::with_value(weft::background(), request_id{1}));
  cancel();
  const auto free = weft::without_cancel(ctx);
  EXPECT_FALSE(free.err());
  EXPECT_FALSE(free.done());
  EXPECT_FALSE(free.deadline());
  EXPECT_FALSE(weft::cause(free));
  EXPECT_EQ(free.value<request_id>()->n, 1);
  auto [below, cancel_below] = weft::with_cancel(free);
  EXPECT_FALSE(below.err());
}

// CX-17
TEST(ContextNil, IsNamedWhereItIsUsed) {
  const weft::context nil;
  const auto expect = [](const char* who, auto&& f) {
    try {
      f();
      ADD_FAILURE() << who;
    } catch (const weft::nil_context& e) {
      EXPECT_NE(std::string(e.what()).find(who), std::string::npos) << e.what();
    }
  };
  expect("with_cancel", [&] { (void)weft::with_cancel(nil); });
  expect("with_cancel_cause", [&] { (void)weft::with_cancel_cause(nil); });
  expect("with_deadline",
         [&] { (void)weft::with_deadline(nil, std::chrono::steady_clock::now()); });
  expect("with_deadline_cause", [&] {
    (void)weft::with_deadline_cause(nil, std::chrono::steady_clock::now(), weft::canceled);
  });
  expect("with_timeout", [&] { (void)weft::with_timeout(nil, 1s); });
  expect("with_timeout_cause", [&] { (void)weft::with_timeout_cause(nil, 1s, weft::canceled); });
  expect("with_value", [&] { (void)weft::with_value(nil, 1); });
  expect("with_value", [&] { (void)weft::with_value<int>(nil, std::nullopt); });
  expect("without_cancel", [&] { (void)weft::without_cancel(nil); });
  expect("after_func", [&] { (void)weft::after_func(nil, [] {}); });
  expect("merge", [&] { (void)weft::merge(weft::background(), nil); });
  expect("with_stop_token", [&] { (void)weft::with_stop_token(nil, std::stop_token{}); });
  expect("stop_token_of", [&] { (void)weft::stop_token_of(nil); });
  expect("cause", [&] { (void)weft::cause(nil); });
  expect("done", [&] { (void)nil.done(); });
  expect("err", [&] { (void)nil.err(); });
  expect("deadline", [&] { (void)nil.deadline(); });
  expect("value", [&] { (void)nil.value<int>(); });
  // The waits ask it for its error first.
  weft::mutex free;
  expect("a wait", [&] { (void)free.lock(nil); });
  expect("a wait", [&] { (void)weft::sleep(nil, 1ms); });
  expect("a wait", [&] { (void)weft::make_chan<int>().send(nil, 1); });
  EXPECT_TRUE(free.try_lock());
  expect("errgroup::with_context", [&] { (void)weft::errgroup::with_context(nil); });
  expect("with_scope", [&] { (void)weft::with_scope(nil, [](weft::scope&) {}); });
  EXPECT_THROW((void)weft::merge(std::span<const weft::context>{}), weft::misuse);
  EXPECT_THROW((void)weft::context(std::shared_ptr<const weft::custom_context>{}), weft::misuse);
}

// CX-7
TEST_P(Context, ATimeoutEndsItWithDeadlineExceeded) {
  run([] {
    const auto start = std::chrono::steady_clock::now();
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 5ms);
    ASSERT_TRUE(ctx.deadline());
    EXPECT_GE(*ctx.deadline(), start + 5ms);
    ctx.done().recv();
    EXPECT_GE(std::chrono::steady_clock::now(), start + 5ms);
    EXPECT_EQ(ctx.err(), weft::deadline_exceeded);
    EXPECT_EQ(weft::cause(ctx), weft::deadline_exceeded);
    cancel();
    EXPECT_EQ(ctx.err(), weft::deadline_exceeded);
  });
}

TEST_P(Context, ATimeoutThatIsNotPositiveIsDoneAtOnceAndAHugeOneIsNone) {
  run([] {
    for (const auto d : {0s, -1s}) {
      auto [ctx, cancel] = weft::with_timeout(weft::background(), d);
      EXPECT_EQ(ctx.err(), weft::deadline_exceeded);
    }
    auto [ctx, cancel] = weft::with_timeout(weft::background(), std::chrono::hours::max());
    EXPECT_FALSE(ctx.err());
    EXPECT_FALSE(ctx.deadline());
  });
}

TEST_P(Context, ATimeoutReachesTheDescendants) {
  run([] {
    auto [ctx, cancel] = weft::with_timeout_cause(weft::background(), 2ms, weft::error("slow"));
    std::vector<weft::cancelable_context> below;
    for (int i = 0; i < 100; ++i) {
      below.push_back(weft::with_cancel(i % 10 == 0 ? ctx : below.back().ctx));
    }
    for (const auto& b : below) {
      b.ctx.done().recv();
      EXPECT_EQ(b.ctx.err(), weft::deadline_exceeded);
      EXPECT_EQ(weft::cause(b.ctx).message(), "slow");
    }
  });
}

// CX-20
TEST_P(Context, IsPrintedAsTheChainOfItsDerivations) {
  run([] {
    auto [a, cancel_a] = weft::with_cancel(weft::background());
    auto [b, cancel_b] = weft::with_timeout(a, 100s);
    const auto c = weft::with_value(b, 7);
    const auto text = to_string(c);
    EXPECT_EQ(text.find("context.background.with_cancel.with_deadline(in "), 0u) << text;
    EXPECT_NE(text.find("s).with_value(int)"), std::string::npos) << text;
    std::ostringstream out;
    out << weft::without_cancel(weft::with_value<int>(weft::todo_(), std::nullopt));
    EXPECT_EQ(out.str(), "context.todo.with_value(no int).without_cancel");
    EXPECT_EQ(to_string(weft::merge(a, weft::background())),
              "context.merge(context.background.with_cancel, context.background)");
  });
}

// GR-2, CX-7: who is abandoned in the middle of its code may come to a timer before it next waits.
TEST_P(Context, TimersOfAnAbandonedGoroutineNeverCome) {
  static std::atomic<bool> over, started, made;
  over = started = made = false;
  run_and_abandon([] {
    weft::go([] {
      started = true;
      while (!over) {
      }
      {
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
        auto f = weft::after_func(1ms, [] { ADD_FAILURE() << "runs after the end"; });
        EXPECT_FALSE(f.stop());
        EXPECT_FALSE(f.reset(1ms));
        cancel();
        EXPECT_TRUE(ctx.err() == weft::canceled);
      }
      weft::go(weft::go_options{.name = "late"}, [] { ADD_FAILURE() << "runs after the end"; });
      made = true;
    });
    while (!started) {
      weft::yield();
    }
  });
  over = true;
  while (!made) {
    std::this_thread::yield();
  }
  weft::run([] { weft::sleep(5ms); });  // another run: not its timers
}

}  // namespace
