#include <weft/go.hpp>
#include <weft/once.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

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
