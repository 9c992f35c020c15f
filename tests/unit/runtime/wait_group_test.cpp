#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <utility>

#include <atomic>
#include <climits>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

namespace {

class WaitGroup : public weft::testing::Procs {};
WEFT_PROCS(WaitGroup);

constexpr const char* waiting = "sync.WaitGroup.Wait";

// WG-1
TEST_P(WaitGroup, WaitReturnsAtOnceAtZero) {
  run([] {
    weft::wait_group group;
    group.wait();
    group.add(2);
    group.add(-2);
    group.wait();
  });
}

// WG-1, MM-6: what the goroutines did is seen by the one that waited.
TEST_P(WaitGroup, WaitReturnsAfterAllAreDone) {
  run([] {
    for (int round = 0; round < 100; ++round) {
      std::vector<int> plain(10);
      weft::wait_group group;
      for (int& slot : plain) {
        group.add(1);
        weft::go([&] {
          weft::yield();
          slot = 1;
          group.done();
        });
      }
      group.wait();
      for (const int slot : plain) {
        ASSERT_EQ(slot, 1);
      }
    }
  });
}

// WG-1
TEST_P(WaitGroup, HoldsItsWaitersUntilTheLastDoneAndReleasesThemAll) {
  run([] {
    weft::wait_group group, all;
    std::atomic<int> returned{0};
    group.add(3);
    for (int i = 0; i < 20; ++i) {
      all.go([&] {
        group.wait();
        ++returned;
      });
    }
    weft::testing::wait_until_parked(20, waiting);
    group.done();
    group.add(-1);
    for (int i = 0; i < 100; ++i) {
      weft::yield();
    }
    EXPECT_EQ(returned.load(), 0);
    EXPECT_EQ(weft::testing::parked_goroutines(waiting), 20u);
    group.done();
    all.wait();
    EXPECT_EQ(returned.load(), 20);
  });
}

// WG-1, PN-3
TEST_P(WaitGroup, ACounterBelowZeroIsRefusedAndUnchanged) {
  run([] {
    weft::wait_group group;
    EXPECT_THROW(group.done(), weft::negative_counter);
    EXPECT_THROW(group.add(-1), weft::misuse);
    group.wait();
    group.add(2);
    EXPECT_THROW(group.add(-3), weft::negative_counter);
    EXPECT_THROW(group.add(INT_MIN), weft::negative_counter);
    group.add(-2);
    group.wait();
  });
}

// WG-1
TEST_P(WaitGroup, ARefusalWhileSomebodyWaitsReleasesNobody) {
  run([] {
    weft::wait_group group;
    std::atomic<bool> returned{false};
    group.add(1);
    weft::go([&] {
      group.wait();
      returned = true;
    });
    weft::testing::wait_until_parked(1, waiting);
    EXPECT_THROW(group.add(-2), weft::negative_counter);
    EXPECT_EQ(weft::testing::parked_goroutines(waiting), 1u);
    EXPECT_FALSE(returned.load());
    group.done();
    while (!returned) {
      weft::yield();
    }
  });
}

// WG-1
TEST_P(WaitGroup, TheCounterIsLimitedAndTheMessageSaysSo) {
  run([] {
    weft::wait_group group;
    group.add(INT_MAX);
    EXPECT_THROW(group.add(1), weft::negative_counter);
    try {
      group.add(1);
    } catch (const weft::negative_counter& e) {
      EXPECT_NE(std::string(e.what()).find("2147483647"), std::string::npos) << e.what();
    }
    group.add(-INT_MAX);
    group.wait();
  });
}

// WG-3: better than Go: the next round may begin while waiters of the last one return.
TEST_P(WaitGroup, ANewRoundMayBeginWhileWaitersReturn) {
  run([] {
    weft::wait_group group, all;
    constexpr int rounds = 500;
    std::atomic<int> returned{0};
    for (int r = 0; r < rounds; ++r) {
      group.add(1);
      for (int i = 0; i < 3; ++i) {
        all.go([&] {
          group.wait();
          ++returned;
        });
      }
      weft::yield();
      group.done();
    }
    all.wait();
    EXPECT_EQ(returned.load(), 3 * rounds);
  });
}

// WG-4
TEST_P(WaitGroup, GoCountsReturnAndGoexit) {
  run([] {
    weft::wait_group group;
    std::atomic<int> ran{0};
    for (int i = 0; i < 50; ++i) {
      group.go([&] { ++ran; });
      group.go([&] {
        ++ran;
        weft::goexit();
      });
    }
    group.wait();
    EXPECT_EQ(ran.load(), 100);
  });
}

// WG-4: what f owns is gone before the one that waited goes on.
TEST_P(WaitGroup, GoTakesMoveOnlyFunctionsAndRefusesNull) {
  run([] {
    weft::wait_group group;
    std::atomic<int> got{0};
    group.go([p = std::make_unique<int>(5), &got] { got = *p; });
    group.wait();
    EXPECT_EQ(got.load(), 5);
    EXPECT_THROW(group.go(std::function<void()>{}), weft::null_function);
    group.wait();  // still zero
  });
}

// WG-5
TEST_P(WaitGroup, TasksMayAddTasksWhileTheCounterIsNotZero) {
  run([] {
    weft::wait_group group;
    std::atomic<int> ran{0};
    std::function<void(int)> task = [&](int depth) {
      ++ran;
      for (int i = 0; i < depth; ++i) {
        group.go([&task, depth] { task(depth - 1); });
      }
    };
    group.go([&] { task(5); });
    group.wait();
    EXPECT_EQ(ran.load(), 326);  // 1 + 5 (1 + 4 (1 + 3 (1 + 2 (1 + 1))))
  });
}

// HZ-11: threads outside the runtime may wait and be waited for.
TEST_P(WaitGroup, ThreadsOfTheUserMayWait) {
  run([] {
    for (int round = 0; round < 20; ++round) {
      weft::wait_group begin, end;
      begin.add(1);
      end.add(2);
      int plain = 0;
      std::atomic<int> wrong{0};
      std::vector<std::thread> others;
      for (int i = 0; i < 2; ++i) {
        others.emplace_back([&] {
          begin.wait();
          wrong += plain != 1;
          end.done();
        });
      }
      plain = 1;
      begin.done();
      end.wait();
      for (std::thread& t : others) {
        t.join();
      }
      ASSERT_EQ(wrong.load(), 0);
    }
  });
}

// HZ-11: also without any runtime.
TEST(WaitGroupOutside, WorksBetweenThreadsAlone) {
  weft::wait_group group;
  group.add(1);
  std::thread other([&] { group.done(); });
  group.wait();
  other.join();
}

// WG-4: what the task captured is gone before done(), so that wait() may end its life.
TEST_P(WaitGroup, GoDestroysTheCapturesBeforeItIsDone) {
  run([] {
    for (int round = 0; round < 100; ++round) {
      struct slow_to_go {
        bool* gone;
        bool armed = true;
        explicit slow_to_go(bool* g) : gone(g) {}
        slow_to_go(slow_to_go&& o) noexcept : gone(o.gone), armed(std::exchange(o.armed, false)) {}
        ~slow_to_go() {
          if (armed) {
            weft::yield();
            *gone = true;
          }
        }
      };
      bool gone = false;
      weft::wait_group group;
      group.go([guard = slow_to_go(&gone)] {});
      group.wait();
      EXPECT_TRUE(gone);
    }
  });
}

}  // namespace
