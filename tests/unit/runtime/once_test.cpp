#include <weft/go.hpp>
#include <weft/once.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

class Once : public weft::testing::Procs {};
WEFT_PROCS(Once);

constexpr const char* waiting = "sync.Once.Do";

// ON-1, MM-6
TEST_P(Once, RunsExactlyOnceAndIsSeenByAll) {
  run([] {
    for (int round = 0; round < 100; ++round) {
      weft::once once;
      int calls = 0;
      weft::wait_group all;
      std::atomic<int> wrong{0};
      for (int i = 0; i < 10; ++i) {
        all.go([&] {
          once.do_([&] {
            weft::yield();
            ++calls;
          });
          wrong += calls != 1;
        });
      }
      all.wait();
      ASSERT_EQ(calls, 1);
      ASSERT_EQ(wrong.load(), 0);
    }
  });
}

// ON-1
TEST_P(Once, OthersWaitWhileTheFirstRuns) {
  run([] {
    weft::once once;
    weft::wait_group all, begun, go_on;
    begun.add(1);
    go_on.add(1);
    std::atomic<int> returned{0};
    all.go([&] {
      once.do_([&] {
        begun.done();
        go_on.wait();
      });
    });
    begun.wait();
    for (int i = 0; i < 5; ++i) {
      all.go([&] {
        once.do_([] { ADD_FAILURE() << "a second call"; });
        ++returned;
      });
    }
    weft::testing::wait_until_parked(5, waiting);
    EXPECT_EQ(returned.load(), 0);
    go_on.done();
    all.wait();
    EXPECT_EQ(returned.load(), 5);
  });
}

// ON-1: unlike std::call_once
TEST_P(Once, AnExceptionCountsAsDone) {
  run([] {
    weft::once once;
    EXPECT_THROW(once.do_([] { throw std::runtime_error("first"); }), std::runtime_error);
    once.do_([] { ADD_FAILURE() << "a second call"; });
  });
}

// ON-1
TEST_P(Once, AnExceptionReleasesThoseWhoWait) {
  run([] {
    weft::once once;
    weft::wait_group all, begun, go_on;
    begun.add(1);
    go_on.add(1);
    std::atomic<int> caught{0};
    all.go([&] {
      try {
        once.do_([&] {
          begun.done();
          go_on.wait();
          throw std::runtime_error("first");
        });
      } catch (const std::runtime_error&) {
        ++caught;
      }
    });
    begun.wait();
    all.go([&] { once.do_([] { ADD_FAILURE() << "a second call"; }); });
    weft::testing::wait_until_parked(1, waiting);
    go_on.done();
    all.wait();
    EXPECT_EQ(caught.load(), 1);
  });
}

// ON-1
TEST_P(Once, GoexitCountsAsDone) {
  run([] {
    weft::once once;
    weft::wait_group all;
    all.go([&] { once.do_([] { weft::goexit(); }); });
    all.wait();
    once.do_([] { ADD_FAILURE() << "a second call"; });
  });
}

// HZ-11
TEST_P(Once, ThreadsOfTheUserMayTakePart) {
  run([] {
    for (int round = 0; round < 20; ++round) {
      weft::once once;
      int calls = 0;
      weft::wait_group all;
      std::vector<std::thread> others;
      for (int i = 0; i < 2; ++i) {
        others.emplace_back([&] { once.do_([&] { ++calls; }); });
        all.go([&] { once.do_([&] { ++calls; }); });
      }
      all.wait();
      for (std::thread& t : others) {
        t.join();
      }
      ASSERT_EQ(calls, 1);
    }
  });
}

// U-6: who waits may give up; f goes on, and the others are served.
TEST_P(Once, AWaitForAnothersFunctionEndsWithItsContext) {
  run([] {
    weft::once once;
    weft::wait_group all, begun, go_on;
    begun.add(1);
    go_on.add(1);
    all.go([&] {
      once.do_([&] {
        begun.done();
        go_on.wait();
      });
    });
    begun.wait();
    const weft::testing::test_context ctx;
    const auto again = [] { ADD_FAILURE() << "a second call"; };
    std::atomic<int> canceled{0}, served{0};
    const auto give_up = [&] { canceled += once.do_(ctx, again) == weft::canceled ? 1 : 0; };
    for (int i = 0; i < 3; ++i) {
      all.go(give_up);
      all.go([&] {
        once.do_(again);
        ++served;
      });
      all.go([&] { served += once.do_(weft::testing::endless_context(), again) ? 0 : 1; });
    }
    std::thread foreign(give_up);
    weft::testing::wait_until_parked(9, waiting);
    ctx.cancel();
    foreign.join();
    while (canceled < 4) {
      weft::yield();
    }
    EXPECT_EQ(served, 0);
    go_on.done();
    all.wait();
    EXPECT_EQ(served, 6);
    EXPECT_FALSE(once.do_(ctx, again)) << "what has been done has been done";
  });
}

// ON-1, U-6: a caller whose context is done does not begin; an f of its own is not interrupted, and
// one that calls the same once does not wait for ever.
TEST_P(Once, AContextThatIsDoneBeginsNothing) {
  run([] {
    weft::once once;
    const weft::testing::test_context done, later;
    done.cancel();
    EXPECT_EQ(once.do_(done, [] { ADD_FAILURE() << "called"; }), weft::canceled);
    int calls = 0;
    weft::go([&] {
      weft::testing::wait_until_parked(1, waiting);
      later.cancel();
    });
    EXPECT_FALSE(once.do_(later, [&] {
      ++calls;
      EXPECT_EQ(once.do_(later, [] { ADD_FAILURE() << "called"; }), weft::canceled);
    }));
    EXPECT_EQ(calls, 1);
    EXPECT_THROW((void)once.do_(later, std::function<void()>()), weft::null_function);
    weft::once throws;
    const weft::testing::endless_context ctx;
    EXPECT_THROW((void)throws.do_(ctx, [] { throw std::runtime_error("first"); }),
                 std::runtime_error);
    EXPECT_FALSE(throws.do_(ctx, [] { ADD_FAILURE() << "a second call"; }));
  });
}

// GR-5
TEST_P(Once, RefusesANullFunctionAndIsNotDone) {
  run([] {
    weft::once once;
    EXPECT_THROW(once.do_(std::function<void()>()), weft::null_function);
    bool called = false;
    once.do_([&] { called = true; });
    EXPECT_TRUE(called);
  });
}

}  // namespace
