// Who gets to run, and after how long at most. Bounds are counted in picks, not in time, but for
// the oldest goroutine that has not started.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "support/fixture.hpp"

namespace {

class Fairness : public weft::testing::Procs {};
WEFT_PROCS(Fairness);

// GR-8: work that comes from outside runs although the workers' own queues are never empty.
TEST_P(Fairness, WorkFromOutsideIsNotStarvedByBusyQueues) {
  run([this] {
    std::atomic<bool> stop{false}, submitted{false}, ran{false};
    std::atomic<int> picks{0};
    weft::wait_group busy;
    for (int i = 0; i < 4 * procs(); ++i) {
      busy.go([&] {
        while (!stop) {
          if (submitted && !ran) {
            ++picks;
          }
          weft::yield();
        }
      });
    }
    for (int round = 0; round < 20; ++round) {
      ran = submitted = false;
      picks = 0;
      std::thread outside([&] {
        weft::go([&] { ran = true; });
        submitted = true;
      });
      while (!ran) {
        weft::yield();
      }
      while (!submitted) {
        weft::yield();
      }
      outside.join();
      // Each worker looks there every 64 picks. With more than one, the kernel may not run the one
      // that took it while the others go on counting: then only that it ran is certain.
      if (procs() == 1) {
        EXPECT_LE(picks.load(), 4 * 64 + 64);
      }
    }
    stop = true;
    busy.wait();
  });
}

// GR-10: one that starts another and waits for it, over and over, takes its worker's picks in a
// fixed pattern: next, fresh, next, fresh. Whatever the pattern, the others have their turn.
TEST_P(Fairness, AStarterAndItsChildrenDoNotStarveTheOthers) {
  for (int picks_before = 0; picks_before < 4; ++picks_before) {
    for (const std::size_t stack :
         {std::size_t{0}, std::size_t{65536}}) {  // that costs a pick, too
      run([&] {
        std::atomic<bool> stop{false};
        weft::wait_group all;
        all.go([&] {
          while (!stop) {
            auto c = weft::make_chan<int>();
            weft::go({.stack_bytes = stack}, [c] { c.send(1); });
            c.recv();
          }
        });
        for (int i = 0; i < 8; ++i) {
          all.go([&] {
            while (!stop) {
              weft::yield();
            }
          });
        }
        for (int i = 0; i < picks_before; ++i) {
          weft::yield();
        }
        for (int i = 0; i < 50; ++i) {
          weft::yield();  // comes back
        }
        stop = true;
        all.wait();
      });
    }
  }
}

// GR-10: two goroutines that wake each other do not keep a worker to themselves.
TEST_P(Fairness, APingPongPairLetsOthersRun) {
  run([this] {
    auto there = weft::make_chan<int>();
    auto back = weft::make_chan<int>();
    std::atomic<bool> stop{false};
    std::atomic<std::int64_t> exchanges{0};
    weft::wait_group pair;
    pair.go([&] {
      while (!stop) {
        there.send(0);
        back.recv();
        ++exchanges;
      }
      there.close();
    });
    pair.go([&] {
      while (there.recv()) {
        back.send(0);
      }
    });
    while (exchanges < 10) {
      weft::yield();
    }
    constexpr int turns = 200;
    const std::int64_t before = exchanges;
    for (int i = 0; i < turns; ++i) {
      weft::yield();
    }
    const std::int64_t during = exchanges - before;
    stop = true;
    pair.wait();
    if (procs() == 1) {  // with more workers the pair has one of its own
      EXPECT_LE(during, turns * 64);
    }
  });
}

// GR-10: nor does a pair that is joined by a crowd of other goroutines.
TEST_P(Fairness, APingPongPairLetsFreshGoroutinesRun) {
  run([] {
    auto there = weft::make_chan<int>();
    auto back = weft::make_chan<int>();
    std::atomic<int> fresh{0};
    weft::wait_group pair;
    pair.go([&] {
      while (fresh < 100) {
        there.send(0);
        back.recv();
      }
      there.close();
    });
    pair.go([&] {
      while (there.recv()) {
        back.send(0);
      }
    });
    for (int i = 0; i < 100; ++i) {
      weft::go([&] { ++fresh; });
    }
    pair.wait();
    EXPECT_EQ(fresh.load(), 100);
  });
}

// GR-8: newest first, but the oldest in the end: each goroutine of a chain starts the next one.
TEST(FairnessOfFreshOnes, TheOldestRunsAlthoughThereIsAlwaysANewerOne) {
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    std::atomic<bool> ran = false;
    int started = 0;
    weft::wait_group chain;
    chain.add(1);
    weft::go([&] { ran = true; });
    const std::function<void()> next = [&] {
      if (ran || ++started == 1'000'000) {
        chain.done();
      } else {
        weft::go(next);
      }
    };
    weft::go(next);
    chain.wait();
    EXPECT_TRUE(ran);
  });
}

// RT-1
TEST(FairnessYield, LetsAFreshGoroutineRun) {
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    std::atomic<bool> flag = false;
    weft::go([&] { flag = true; });
    for (int yields = 0; !flag; ++yields) {
      ASSERT_LT(yields, 100);
      weft::yield();
    }
  });
}

// RT-1
TEST(FairnessYield, LetsAReadyGoroutineRun) {
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    auto c = weft::make_chan<int>(1);
    std::atomic<int> got = 0;
    weft::go([&, c] { got = *c.recv(); });
    weft::testing::wait_until_parked(1, "chan receive");
    c.send(5);
    for (int yields = 0; got == 0; ++yields) {
      ASSERT_LT(yields, 100);
      weft::yield();
    }
    EXPECT_EQ(got, 5);
  });
}

// RT-1: golang/go#13546: two that spin on yield do not keep a third one out.
TEST_P(Fairness, SpinningOnYieldEndsWhenAFreshGoroutineSetsTheFlag) {
  run([] {
    for (int round = 0; round < 200; ++round) {
      std::atomic<bool> flag{false};
      weft::wait_group spinners;
      for (int i = 0; i < 3; ++i) {
        spinners.go([&] {
          while (!flag) {
            weft::yield();
          }
        });
      }
      weft::yield();
      weft::go([&] { flag = true; });
      spinners.wait();
    }
  });
}

// RT-1: yielding goroutines of one worker take turns.
TEST(FairnessYield, GoroutinesThatYieldTakeTurns) {
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    constexpr std::size_t goroutines = 10;
    constexpr int rounds = 1000;
    std::array<std::atomic<int>, goroutines> steps{};
    std::atomic<int> worst{0};
    weft::wait_group all;
    std::atomic<std::size_t> here{0};
    for (std::size_t i = 0; i < goroutines; ++i) {
      all.go([&, i] {
        ++here;
        while (here < goroutines) {
          weft::yield();
        }
        for (int k = 0; k < rounds; ++k) {
          ++steps[i];
          for (const auto& other : steps) {
            const int ahead = steps[i] - other;
            if (ahead > worst) {
              worst = ahead;
            }
          }
          weft::yield();
        }
      });
    }
    all.wait();
    EXPECT_LE(worst.load(), 64);
  });
}

// GR-8: far more than the local queues hold, none lost and none twice.
TEST_P(Fairness, AHundredThousandSpawnedAtOnceAllRunOnce) {
  run([] {
    constexpr std::size_t n = WEFT_RACE ? 20'000 : 100'000;  // TSan follows no more at once
    auto runs = std::make_unique<std::atomic<std::uint8_t>[]>(n);
    weft::wait_group all;
    all.add(static_cast<int>(n));
    for (std::size_t i = 0; i < n; ++i) {
      weft::go([&all, ran = &runs[i]] {
        ++*ran;
        all.done();
      });
    }
    all.wait();
    int wrong = 0;
    for (std::size_t i = 0; i < n; ++i) {
      wrong += runs[i] != 1;
    }
    EXPECT_EQ(wrong, 0);
  });
}

// GR-8: the same for the queue of those that were made ready.
TEST_P(Fairness, TenThousandMadeReadyAtOnceAllRunOnce) {
  run([] {
    constexpr int n = 10'000;
    weft::wait_group start, all;
    start.add(1);
    std::atomic<int> waiting{0}, ran{0};
    for (int i = 0; i < n; ++i) {
      all.go([&] {
        ++waiting;
        start.wait();
        ++ran;
      });
    }
    while (waiting < n) {
      weft::yield();
    }
    weft::testing::wait_until_parked(n, "sync.WaitGroup.Wait");
    start.done();
    all.wait();
    EXPECT_EQ(ran.load(), n);
  });
}

}  // namespace
