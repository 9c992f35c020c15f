#include <weft/errgroup.hpp>
#include <weft/time.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;
using weft::errgroup;
using weft::error;
using weft::testing::wait_until_parked;

class Errgroup : public weft::testing::Procs {};
WEFT_PROCS(Errgroup);

// EG-1
TEST_P(Errgroup, WaitReturnsNoErrorWhenAllTasksAreFine) {
  run([] {
    errgroup g;
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i) {
      g.go([&]() -> error {
        ++ran;
        return {};
      });
      g.go([&] { ++ran; });
    }
    EXPECT_FALSE(g.wait());
    EXPECT_EQ(ran, 200);
  });
}

TEST_P(Errgroup, WithoutTasksWaitReturnsAtOnce) {
  run([] {
    errgroup g;
    EXPECT_FALSE(g.wait());
    auto [group, ctx] = errgroup::with_context(weft::background());
    EXPECT_FALSE(group.wait());
    EXPECT_EQ(ctx.err(), weft::canceled);
  });
}

// EG-1: the first by time, not by order of submission; and it is kept.
TEST_P(Errgroup, WaitReturnsTheFirstErrorByTime) {
  run([] {
    const error early("early");
    const error late("late");
    errgroup g;
    auto go_on = weft::make_chan<weft::unit>();
    g.go([&]() -> error {
      go_on.recv();
      return late;
    });
    weft::wait_group first;
    first.add(1);
    g.go([&]() -> error {
      first.done();
      return early;
    });
    first.wait();
    weft::testing::wait_until_goroutines(2);  // the early one has ended
    go_on.send({});
    EXPECT_EQ(g.wait(), early);
    EXPECT_EQ(g.wait(), early) << "sticky";
  });
}

// EG-2, EG-3
TEST_P(Errgroup, TheFirstErrorCancelsTheContextWithItselfAsCause) {
  run([] {
    const error broken("broken");
    auto [group, ctx] = errgroup::with_context(weft::background());
    for (int i = 0; i < 10; ++i) {
      group.go([&]() -> error {
        ctx.done().recv();
        return ctx.err();  // these come later, and are dropped
      });
    }
    EXPECT_FALSE(ctx.err());
    group.go([&] { return broken; });
    EXPECT_EQ(group.wait(), broken);
    EXPECT_EQ(ctx.err(), weft::canceled);
    EXPECT_EQ(weft::cause(ctx), broken);
  });
}

// EG-2
TEST_P(Errgroup, WaitCancelsTheContextWhenNothingFailed) {
  run([] {
    auto [group, ctx] = errgroup::with_context(weft::background());
    group.go([] {});
    EXPECT_FALSE(group.wait());
    EXPECT_EQ(ctx.err(), weft::canceled);
    EXPECT_EQ(weft::cause(ctx), weft::canceled);
  });
}

TEST_P(Errgroup, TasksMayTakeTheContext) {
  run([] {
    auto [group, ctx] = errgroup::with_context(weft::background());
    group.go([&](const weft::context& mine) -> error {
      EXPECT_EQ(mine, ctx);
      return {};
    });
    EXPECT_FALSE(group.wait());
    errgroup plain;
    plain.go([](const weft::context& mine) { EXPECT_EQ(mine, weft::background()); });
    EXPECT_FALSE(plain.wait());
  });
}

TEST_P(Errgroup, TheParentsCancellationReachesTheTasks) {
  run([] {
    auto [parent, cancel] = weft::with_cancel_cause(weft::background());
    auto [group, ctx] = errgroup::with_context(parent);
    group.go([&]() -> error {
      ctx.done().recv();
      return weft::cause(ctx);
    });
    const error why("why");
    cancel(why);
    EXPECT_EQ(group.wait(), why);
  });
}

// EG-4
TEST_P(Errgroup, ALimitHolds) {
  run([] {
    errgroup g;
    g.set_limit(3);
    std::atomic<int> now{0};
    std::atomic<int> most{0};
    for (int i = 0; i < 200; ++i) {
      g.go([&] {
        const int n = ++now;
        int seen = most;
        while (n > seen && !most.compare_exchange_weak(seen, n)) {
        }
        weft::yield();
        --now;
      });
    }
    EXPECT_FALSE(g.wait());
    EXPECT_LE(most, 3);
    EXPECT_GE(most, 1);
  });
}

// EG-4, EG-5
TEST_P(Errgroup, AtTheLimitGoWaitsAndTryGoRefuses) {
  run([] {
    errgroup g;
    g.set_limit(1);
    auto go_on = weft::make_chan<weft::unit>();
    g.go([&] { go_on.recv(); });
    EXPECT_FALSE(g.try_go([] { ADD_FAILURE(); }));
    weft::wait_group submitted;
    submitted.go([&] { g.go([] {}); });
    wait_until_parked(1, "chan send");
    go_on.send({});
    submitted.wait();
    EXPECT_FALSE(g.wait());
    EXPECT_TRUE(g.try_go([] {}));
    EXPECT_FALSE(g.wait());
  });
}

// EG-4
TEST_P(Errgroup, ALimitOfZeroLetsNobodyIn) {
  run([] {
    errgroup g;
    g.set_limit(0);
    EXPECT_FALSE(g.try_go([] { ADD_FAILURE(); }));
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 2ms);
    EXPECT_EQ(g.go(ctx, [] { ADD_FAILURE(); }), weft::deadline_exceeded);
    g.set_limit(-1);
    EXPECT_TRUE(g.try_go([] {}));
    EXPECT_FALSE(g.wait());
  });
}

// EG-4: not even a first limit.
TEST_P(Errgroup, TheLimitCannotChangeWhileTasksRun) {
  run([] {
    errgroup g;
    auto go_on = weft::make_chan<weft::unit>();
    g.go([&] { go_on.recv(); });
    try {
      g.set_limit(2);
      ADD_FAILURE();
    } catch (const weft::misuse& e) {
      EXPECT_STREQ(e.what(),
                   "weft: errgroup: set_limit: 1 tasks are running; the limit can be changed only "
                   "between them");
    }
    go_on.send({});
    EXPECT_FALSE(g.wait());
    g.set_limit(2);
  });
}

// EG-6
TEST_P(Errgroup, SubmissionWithAContextGivesUp) {
  run([] {
    errgroup g;
    g.set_limit(1);
    auto go_on = weft::make_chan<weft::unit>();
    g.go([&] { go_on.recv(); });
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    weft::wait_group submitted;
    submitted.go([&] { EXPECT_EQ(g.go(ctx, [] { ADD_FAILURE(); }), weft::canceled); });
    wait_until_parked(1, "chan send");
    cancel();
    submitted.wait();
    EXPECT_EQ(g.go(ctx, [] { ADD_FAILURE(); }), weft::canceled) << "done before, place or not";
    go_on.send({});
    EXPECT_FALSE(g.go(weft::background(), [] {}));
    EXPECT_FALSE(g.wait());
  });
}

// EG-7, U-4
TEST_P(Errgroup, AnExceptionIsAnErrorThatCancelsTheOthers) {
  run([] {
    auto [group, ctx] = errgroup::with_context(weft::background());
    group.go([&]() -> error {
      ctx.done().recv();
      return ctx.err();
    });
    group.go([]() -> error { throw std::out_of_range("too far"); });
    const error e = group.wait();
    ASSERT_TRUE(e);
    EXPECT_NE(weft::as<std::out_of_range>(e), nullptr);
    EXPECT_NE(e.message().find("too far"), std::string::npos);
    EXPECT_THROW(e.rethrow(), std::out_of_range);
    EXPECT_EQ(weft::cause(ctx), e);
  });
}

// EG-7
TEST_P(Errgroup, GoexitInATaskIsNoError) {
  run([] {
    errgroup g;
    g.set_limit(1);
    g.go([] { weft::goexit(); });
    g.go([]() -> error { weft::goexit(); });
    EXPECT_FALSE(g.wait());
  });
}

// EG-8: when wait() has returned, all places are free.
TEST_P(Errgroup, PlacesAreFreeWhenWaitReturns) {
  run([] {
    errgroup g;
    g.set_limit(4);
    for (int round = 0; round < 200; ++round) {
      for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(g.try_go([] {}));
      }
      EXPECT_FALSE(g.wait());
    }
  });
}

TEST_P(Errgroup, AllErrorsAreJoinedAndCancelNothing) {
  run([] {
    auto [group, ctx] = errgroup::with_context(weft::background(), errgroup::all_errors);
    const error a("a");
    const error b("b");
    auto go_on = weft::make_chan<weft::unit>();
    group.go([&] { return a; });
    group.go([&]() -> error {
      go_on.recv();
      return b;
    });
    group.go([] { throw std::runtime_error("c"); });
    weft::testing::wait_until_goroutines(2);
    EXPECT_FALSE(ctx.err());
    go_on.send({});
    const error e = group.wait();
    EXPECT_TRUE(is(e, a));
    EXPECT_TRUE(is(e, b));
    EXPECT_NE(weft::as<std::runtime_error>(e), nullptr);
    EXPECT_EQ(e.causes().size(), 3u);
    EXPECT_TRUE(ctx.err());
  });
}

TEST_P(Errgroup, WaitMayBeLimited) {
  run([] {
    errgroup g;
    auto go_on = weft::make_chan<weft::unit>();
    g.go([&]() -> error {
      go_on.recv();
      return error("late");
    });
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 2ms);
    EXPECT_EQ(g.wait(ctx), weft::deadline_exceeded);
    go_on.send({});
    EXPECT_EQ(g.wait(weft::background()).message(), "late");
  });
}

TEST_P(Errgroup, DestructionCancelsAndWaits) {
  run([] {
    std::atomic<bool> ended{false};
    {
      auto [group, ctx] = errgroup::with_context(weft::background());
      group.go([&]() -> error {
        ctx.done().recv();
        ended = true;
        return ctx.err();
      });
    }
    EXPECT_TRUE(ended);
  });
}

// EG-1: a group may go on after wait(); the tasks that it then starts do not outlive it either.
TEST_P(Errgroup, DestructionWaitsForTasksThatWereStartedAfterWait) {
  run([] {
    std::atomic<bool> ended{false};
    {
      errgroup g;
      g.go([] {});
      EXPECT_FALSE(g.wait());
      g.go([&] {
        for (int i = 0; i < 100; ++i) {
          weft::yield();
        }
        ended = true;
      });
    }
    EXPECT_TRUE(ended);
  });
}

// The error is sticky; all who wait get it.
TEST_P(Errgroup, SeveralMayWaitAtTheSameTime) {
  run([] {
    for (int round = 0; round < 100; ++round) {
      errgroup g;
      const error late("late");
      std::atomic<int> got{0};
      weft::wait_group all;
      g.go([&] {
        weft::yield();
        return late;
      });
      for (int i = 0; i < 4; ++i) {
        all.go([&] { got += g.wait() == late ? 1 : 0; });
      }
      std::thread foreign([&] { got += g.wait() == late ? 1 : 0; });
      all.wait();
      foreign.join();
      EXPECT_EQ(got, 5);
      EXPECT_EQ(g.wait(), late);
    }
  });
}

TEST_P(Errgroup, AFunctionThatCannotBeSpawnedChangesNothing) {
  run([] {
    struct bad_copy {
      bad_copy() = default;
      bad_copy(const bad_copy&) { throw std::runtime_error("copy"); }
      void operator()() const {}
    };
    errgroup g;
    g.set_limit(1);
    const bad_copy bad;
    EXPECT_THROW(g.go(bad), std::runtime_error);
    void (*null)() = nullptr;
    EXPECT_THROW(g.go(null), weft::null_function);
    EXPECT_THROW((void)g.try_go(null), weft::null_function);
    EXPECT_TRUE(g.try_go([] {})) << "the place is free";
    EXPECT_FALSE(g.wait());
    EXPECT_THROW((void)errgroup::with_context(weft::context()), weft::nil_context);
  });
}

TEST_P(Errgroup, ThreadsOfTheUserMaySubmitAndWait) {
  run([] {
    std::thread([] {
      errgroup g;
      g.set_limit(2);
      std::atomic<int> ran{0};
      for (int i = 0; i < 50; ++i) {
        g.go([&] { ++ran; });
      }
      EXPECT_FALSE(g.wait());
      EXPECT_EQ(ran, 50);
    }).join();
  });
}

// Results in the order of submission: no more than a vector is needed.
TEST_P(Errgroup, MapsInParallel) {
  run([] {
    std::vector<int> out(1000);
    errgroup g;
    g.set_limit(16);
    for (int i = 0; i < 1000; ++i) {
      g.go([&out, i] { out[static_cast<std::size_t>(i)] = i * i; });
    }
    EXPECT_FALSE(g.wait());
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(out[static_cast<std::size_t>(i)], i * i);
    }
  });
}

// T14: many fail at once; one error is returned, and it is the cause.
TEST_P(Errgroup, OfManyErrorsAtOnceOneIsErrorAndCause) {
  run([] {
    for (int round = 0; round < 300; ++round) {
      auto [group, ctx] = errgroup::with_context(weft::background());
      for (int i = 0; i < 8; ++i) {
        group.go([&, i]() -> error {
          if (error e = ctx.err()) {
            return e;
          }
          return error("task " + std::to_string(i));
        });
      }
      const error e = group.wait();
      EXPECT_NE(e, weft::canceled) << "a sibling's cancellation is not the first error";
      EXPECT_EQ(weft::cause(ctx), e);
    }
  });
}

// HZ-1: the last task touches nothing of the group after wait() can return.
TEST_P(Errgroup, MayBeDestroyedAsSoonAsWaitReturns) {
  run([] {
    for (int round = 0; round < 2000; ++round) {
      auto g = std::make_unique<errgroup>();
      g->set_limit(2);
      g->go([] {});
      g->go([] {});
      EXPECT_FALSE(g->wait());
      g.reset();
    }
  });
}

}  // namespace
