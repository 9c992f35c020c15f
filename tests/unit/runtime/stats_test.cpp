// Counters: OB-9.
#include <gtest/gtest.h>
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/stats.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/idle.hpp"

namespace {

using namespace std::chrono_literals;

class Stats : public weft::testing::Procs {};
WEFT_PROCS(Stats);

TEST_P(Stats, GoroutinesAreRunningRunnableOrWaiting) {
  run([this] {
    auto c = weft::make_chan<int>();
    for (int i = 0; i < 10; ++i) {
      weft::go([c] { c.recv(); });
    }
    weft::testing::wait_until_parked(10, "chan receive");
    weft::runtime_counts now = weft::runtime_stats();
    while (now.running != 1) {  // the last of them may have yet to leave its worker
      weft::yield();
      now = weft::runtime_stats();
    }
    EXPECT_EQ(now.goroutines, 11u);
    EXPECT_EQ(now.runnable, 0u);
    EXPECT_EQ(now.waiting, 10u);
    EXPECT_EQ(now.max_procs, static_cast<std::size_t>(procs()));
    EXPECT_GE(now.threads, 1u);
    EXPECT_GE(now.stacks, 11u);
    EXPECT_GE(now.stack_space_bytes, now.stacks * 192 * 1024);
    c.close();
  });
}

TEST_P(Stats, ARunnableGoroutineIsCountedWhereverItWaits) {
  if (procs() != 1) {
    GTEST_SKIP() << "another worker would take it";
  }
  run([] {
    auto woken = weft::make_chan<int>();
    weft::go([woken] { woken.recv(); });
    weft::testing::wait_until_parked(1, "chan receive");
    weft::go([] {});
    woken.send(1);
    std::thread([] { weft::go([] {}); }).join();  // into the global queue
    // Unless this goroutine has held its worker for so long that another one took them.
    const weft::runtime_counts now = weft::runtime_stats();
    EXPECT_EQ(now.runnable + now.ended, 3u);
    EXPECT_EQ(now.goroutines + now.ended, 4u);
  });
}

// OB-9
TEST_P(Stats, SpawnsEndsParksAndYieldsAreCounted) {
  run([] {
    const weft::runtime_counts before = weft::runtime_stats();
    auto c = weft::make_chan<int>();
    auto d = weft::make_chan<int>();
    constexpr int rounds = 100;
    weft::go([c, d] {
      for (int i = 0; i < rounds; ++i) {
        d.send(*c.recv());
      }
    });
    for (int i = 0; i < rounds; ++i) {
      c.send(i);
      d.recv();
    }
    weft::testing::wait_until_goroutines(1);
    const weft::runtime_counts after = weft::runtime_stats();
    EXPECT_EQ(after.spawned - before.spawned, 1u);
    EXPECT_EQ(after.ended - before.ended, 1u);
    EXPECT_GE(after.parks - before.parks, rounds * 1u);
    EXPECT_LE(after.parks - before.parks, rounds * 4u);
    // Each that began to wait went on again; and the other one began.
    EXPECT_EQ(after.switches - before.switches,
              after.parks - before.parks + after.yields - before.yields + 1);
  });
}

TEST(StatsOneWorker, AYieldCountsOnceAndOnlyIfSomebodyElseRuns) {
  weft::run(weft::runtime_options{.max_procs = 1, .seed = 1}, [] {
    const std::uint64_t before = weft::runtime_stats().yields;
    weft::yield();
    EXPECT_EQ(weft::runtime_stats().yields, before);
    weft::go([] {});
    weft::yield();
    EXPECT_EQ(weft::runtime_stats().yields, before + 1);
  });
}

TEST_P(Stats, WhatThreadsOutsideStartIsCounted) {
  run([] {
    const weft::runtime_counts before = weft::runtime_stats();
    std::thread([] {
      for (int i = 0; i < 5; ++i) {
        weft::go([] {});
      }
      EXPECT_GE(weft::runtime_stats().goroutines, 1u);
    }).join();
    weft::testing::wait_until_goroutines(1);
    const weft::runtime_counts after = weft::runtime_stats();
    EXPECT_EQ(after.spawned - before.spawned, 5u);
    EXPECT_GE(after.from_global - before.from_global, 5u);
  });
}

TEST_P(Stats, TimersAreCountedWhileArmedAndWhenTheyFire) {
  run([] {
    const weft::runtime_counts before = weft::runtime_stats();
    weft::wait_group all;
    for (int i = 0; i < 3; ++i) {
      all.go([] { weft::sleep(20ms); });
    }
    while (weft::runtime_stats().timers_fired == before.timers_fired &&
           weft::runtime_stats().timers != before.timers + 3) {
      weft::yield();
    }
    all.wait();
    const weft::runtime_counts after = weft::runtime_stats();
    EXPECT_EQ(after.timers_fired - before.timers_fired, 3u);
    EXPECT_EQ(after.timers, before.timers);
  });
}

TEST_P(Stats, AWorkerThatSleepsAndIsWokenIsCounted) {
  weft::run(
      weft::runtime_options{.max_procs = procs(), .on_deadlock = weft::deadlock_action::ignore},
      [] {
        const weft::runtime_counts before = weft::runtime_stats();
        auto c = weft::make_chan<int>();
        std::thread waker([&, c] {
          weft::runtime_counts now = weft::runtime_stats();
          do {  // whoever receives may not be asleep yet, and then nobody is woken
            while (now.running != 0 || now.worker_sleeps == before.worker_sleeps) {
              std::this_thread::yield();
              now = weft::runtime_stats();
            }
            c.send(1);
            now = weft::runtime_stats();
          } while (now.worker_wakes == before.worker_wakes);
          c.close();
        });
        while (c.recv()) {
        }
        waker.join();
      });
}

// GR-7: the worker that computes loses its place, and what waits there is moved.
TEST_P(Stats, APlaceThatIsTakenFromAStuckWorkerIsCounted) {
  run([this] {
    std::atomic<bool> flag{false};
    weft::wait_group all;
    for (int i = 0; i < procs(); ++i) {
      all.go([&] {
        while (!flag) {
        }
      });
    }
    all.go([&] {
      while (!flag) {
        flag = weft::runtime_stats().places_taken != 0;
      }
    });
    all.wait();
    EXPECT_GE(weft::runtime_stats().places_taken, 1u);
  });
}

TEST(StatsTwoWorkers, AThiefsGoroutinesAreCounted) {
  weft::run(weft::runtime_options{.max_procs = 2}, [] {
    std::atomic<int> here{0};
    weft::wait_group all;
    for (int i = 0; i < 2; ++i) {  // they end only if each has a worker
      all.go([&] {
        ++here;
        while (here < 2) {
        }
      });
    }
    all.wait();
    const weft::runtime_counts c = weft::runtime_stats();
    EXPECT_GE(c.searches, 1u);
    EXPECT_GE(c.steals + c.rescued, 1u);
  });
}

// A run's numbers are its own.
TEST_P(Stats, EachRunBeginsAtZero) {
  for (int i = 0; i < 2; ++i) {
    run([] {
      const weft::runtime_counts now = weft::runtime_stats();
      EXPECT_EQ(now.spawned, 1u);
      EXPECT_EQ(now.ended, 0u);
      EXPECT_EQ(now.parks, 0u);
    });
  }
}

TEST(StatsOutside, WithoutARuntimeAllIsZero) {
  const weft::runtime_counts none = weft::runtime_stats();
  EXPECT_EQ(none.goroutines, 0u);
  EXPECT_EQ(none.threads, 0u);
  EXPECT_EQ(none.spawned, 0u);
  EXPECT_EQ(none.stacks, 0u);
}

}  // namespace
