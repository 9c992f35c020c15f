// Go's timers, row by row. What is checked follows the behaviours that Go's own tests check:
// time/{sleep,tick}_test.go; their names stand beside the rows.
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;
struct clock {  // also that of a simulated run
  static weft::time_point now() { return weft::now(); }
};
using weft::chan_status;
using weft::testing::wait_until_parked;

constexpr auto far = 1h;
constexpr auto too_late = 2s;  // on a machine with other things to do

class GoTime : public weft::testing::Procs {};
WEFT_PROCS(GoTime);

bool empty(const weft::recv_chan<weft::time_point>& c) {
  weft::time_point v;
  return c.try_recv(v) == chan_status::would_block && c.len() == 0 && c.cap() == 0;
}

// stop() is too late as soon as a worker has taken the timer out: a moment before the function's
// goroutine exists.
template <class Condition>
void wait_for_starts(Condition all_started) {
  while (!all_started()) {
    weft::yield();
  }
  weft::testing::wait_until_goroutines(1);
}

// ---- sleep, after ----

// TM-1 (TestSleep, TestSleepZeroDeadlock: sleepers of no time at all, beside one that yields)
TEST_P(GoTime, SleepingForNothingStopsNobody) {
  run([] {
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.go([] {
        for (int k = 0; k < 1'000; ++k) {
          weft::sleep(0s);
          weft::sleep(1ns);
          weft::yield();
        }
      });
    }
    all.wait();
  });
}

// TM-1, TM-12 (TestAfter): not before its time, and the value says when.
TEST_P(GoTime, AfterGivesTheTimeThatWasDue) {
  run([] {
    const auto begin = clock::now();
    const auto due = weft::after(10ms).recv();
    ASSERT_TRUE(due);
    EXPECT_GE(*due - begin, 10ms);
    EXPECT_GE(clock::now(), *due);
    EXPECT_LT(*due - begin, too_late);
  });
}

// TM-16 (TestAfterTick): ten in a row take ten times as long.
TEST_P(GoTime, TenAfterAnotherTakeTenTimesAsLong) {
  run([] {
    const auto begin = clock::now();
    for (int i = 0; i < 10; ++i) {
      weft::after(2ms).recv();
    }
    EXPECT_GE(clock::now() - begin, 20ms);
  });
}

// TM-16 (TestAfterQueuing): started in any order, they come in the order of their times.
TEST_P(GoTime, TimersComeInTheOrderOfTheirTimes) {
  run([] {
    constexpr int slots[] = {5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0};
    struct result {
      int slot;
      weft::time_point due;
    };
    auto results = weft::make_chan<result>(std::size(slots));
    const auto begin = clock::now();
    for (int slot : slots) {
      weft::go([=] {
        weft::timer t(begin + slot * 4ms + 5ms - clock::now());
        const auto due = t.chan().recv();
        results.send({slot, *due});
      });
    }
    std::vector<result> all;
    for (std::size_t i = 0; i < std::size(slots); ++i) {
      all.push_back(*results.recv());
    }
    std::sort(all.begin(), all.end(),
              [](const result& a, const result& b) { return a.due < b.due; });
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const result& a, const result& b) {
      return a.slot < b.slot;
    })) << "the values are the times that were due, so their order is exact";
  });
}

// TM-16: with times far enough apart the goroutines come in order, too. How far that is depends on
// the machine.
TEST_P(GoTime, SleepersOfDifferentLengthsWakeInOrder) {
  run([] {
    std::vector<int> order;
    for (auto gap = 3ms;
         gap < 500ms && (order.empty() || !std::is_sorted(order.begin(), order.end())); gap *= 2) {
      auto woken = weft::make_chan<int>(8);
      const auto begin = clock::now() + gap;
      for (int slot : {5, 3, 6, 1, 2, 7, 4, 0}) {
        weft::go([=] {
          weft::sleep_until(begin + slot * gap);
          woken.send(slot);
        });
      }
      order.clear();
      for (int i = 0; i < 8; ++i) {
        order.push_back(*woken.recv());
      }
    }
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  });
}

// TM-1 (TestOverflowSleep, issue 5622): a time beyond the end of the clock never comes; one before
// its beginning has come.
TEST_P(GoTime, TimesOutOfRangeAreForEverOrAtOnce) {
  run([] {
    constexpr auto big = std::chrono::nanoseconds::max();
    constexpr auto small = std::chrono::nanoseconds::min();
    EXPECT_EQ(weft::select(weft::recv(weft::after(big)), weft::timeout(5ms)), 1u);
    EXPECT_TRUE(weft::after(small).recv());
    weft::time_point v;
    weft::ticker slow(big);
    EXPECT_EQ(slow.chan().recv_for(v, 5ms), chan_status::timeout);
    auto ran = std::make_shared<std::atomic<int>>(0);
    auto f = weft::after_func(big, [ran] { ++*ran; });
    weft::sleep(5ms);
    EXPECT_EQ(*ran, 0);
    EXPECT_TRUE(f.reset(small));
    while (*ran == 0) {
      weft::yield();
    }
  });
}

// TM-9 (TestPeriodOverflow, issue 5622 again): a period that goes beyond the end after one tick.
TEST_P(GoTime, ATickerWhoseNextTickIsOutOfRangeStaysQuiet) {
  run([] {
    weft::ticker t(std::chrono::nanoseconds::max() - 1ns);
    EXPECT_TRUE(empty(t.chan()));
    t.reset(1ms);
    EXPECT_TRUE(t.chan().recv());
    t.reset(std::chrono::nanoseconds::max());
    EXPECT_TRUE(empty(t.chan()));
  });
}

// ---- stop and reset ----

// TM-4, TM-7 (TestAfterStop): neither function nor value comes.
TEST_P(GoTime, AStoppedTimerDoesNotComeAndSaysSo) {
  run([] {
    auto ran = std::make_shared<std::atomic<int>>(0);
    auto f = weft::after_func(20ms, [ran] { ++*ran; });
    weft::timer c(20ms);
    EXPECT_TRUE(f.stop());
    EXPECT_TRUE(c.stop());
    weft::sleep(40ms);
    EXPECT_EQ(*ran, 0);
    EXPECT_TRUE(empty(c.chan()));
    EXPECT_FALSE(f.stop());
    EXPECT_FALSE(c.stop());
  });
}

// TM-4 (TestTimerStopStress): many that are stopped just before their time.
TEST_P(GoTime, ManyTimersThatAreStoppedInTime) {
  run([] {
    weft::wait_group all;
    std::atomic<int> ran = 0;
    std::atomic<int> stopped = 0;
    constexpr int n = 100;
    for (int i = 0; i < n; ++i) {
      all.go([&] {
        auto t = weft::after_func(20ms, [&] { ++ran; });
        weft::sleep(10ms);
        stopped += t.stop() ? 1 : 0;
      });
    }
    all.wait();
    wait_for_starts([&] { return ran + stopped >= n; });
    EXPECT_EQ(ran + stopped, n) << "on a loaded machine some may run, but none does both";
  });
}

// TM-5 (TestReset)
TEST_P(GoTime, ResetSaysWhetherItWasRunning) {
  run([] {
    weft::timer t(far);
    EXPECT_TRUE(t.reset(2 * far)) << "it was running";
    EXPECT_TRUE(t.reset(0s));
    EXPECT_TRUE(t.chan().recv());
    EXPECT_FALSE(t.reset(5ms)) << "its value was received";
    EXPECT_TRUE(t.chan().recv());
    EXPECT_FALSE(t.stop());
    EXPECT_FALSE(t.reset(far)) << "stopped";
  });
}

// TM-4, TM-5 (TestStopResult, TestResetResult): the result says which of the two it was, however
// close to its time.
TEST_P(GoTime, TheResultsOfStopAndResetAreRight) {
  run([] {
    const auto check = [](auto set) {
      for (int i = 0; i < 300; ++i) {
        weft::timer t(std::chrono::microseconds(i % 30));
        if (i % 3 == 0) {
          weft::sleep(std::chrono::microseconds(i % 30));
        }
        weft::time_point v;
        const bool received = i % 2 == 0 && t.chan().try_recv(v) == chan_status::ok;
        EXPECT_EQ(set(t), !received);
        EXPECT_TRUE(empty(t.chan())) << "a stale value";
      }
    };
    check([](weft::timer& t) { return t.stop(); });
    check([](weft::timer& t) { return t.reset(far); });
  });
}

// TM-7: the same for functions: it ran, or stop() said that it will not.
TEST_P(GoTime, TheResultsOfStopAndResetOfFunctionsAreRight) {
  run([] {
    constexpr int n = 300;
    auto ran = std::make_shared<std::atomic<int>>(0);
    int prevented = 0;
    for (int i = 0; i < n; ++i) {
      auto t = weft::after_func(std::chrono::microseconds(i % 30), [ran] { ++*ran; });
      if (i % 3 == 0) {
        weft::sleep(std::chrono::microseconds(i % 30));
      }
      if (i % 2 == 0) {
        prevented += t.stop() ? 1 : 0;
      } else {
        prevented += t.reset(far) ? 1 : 0;
        EXPECT_TRUE(t.stop());
      }
    }
    wait_for_starts([&] { return *ran + prevented >= n; });
    EXPECT_EQ(*ran + prevented, n);
  });
}

// TM-7 (TestAfterFunc): a function that starts the next one; TM-8: or itself.
TEST_P(GoTime, AFunctionMayStartItsTimerAnew) {
  run([] {
    auto done = weft::make_chan<weft::unit>();
    std::optional<weft::func_timer_handle> t;
    std::atomic<bool> ready = false;
    int left = 10;
    t.emplace(weft::after_func(0s, [&, done] {
      while (!ready) {
        weft::yield();
      }
      if (--left > 0) {
        EXPECT_FALSE(t->reset(100us)) << "it is running, not armed";
      } else {
        done.send({});
      }
    }));
    ready = true;
    done.recv();
    EXPECT_EQ(left, 0);
    EXPECT_FALSE(t->stop());
  });
}

// ---- the channel ----

// TM-3..6 (TestChan): what its channel shows in each state, for timers and tickers.
TEST_P(GoTime, TheChannelShowsTheStateOfTheTimer) {
  run([] {
    const auto check = [](auto make, bool once) {
      auto t = make(far);
      EXPECT_TRUE(empty(t.chan())) << "running";
      t.stop();
      EXPECT_TRUE(empty(t.chan())) << "stopped";
      t.reset(1ns);
      weft::sleep(1ms);
      EXPECT_EQ(t.chan().len(), 0u) << "due";
      EXPECT_EQ(t.chan().cap(), 0u);
      t.stop();
      EXPECT_TRUE(empty(t.chan())) << "stopped when it was due: stale";
      t.reset(1ns);
      weft::sleep(1ms);
      t.reset(far);
      EXPECT_TRUE(empty(t.chan())) << "set anew when it was due: stale";
      t.reset(1ns);
      EXPECT_TRUE(t.chan().recv());
      if (once) {
        EXPECT_TRUE(empty(t.chan())) << "received";
      }
      t.stop();
      EXPECT_TRUE(empty(t.chan()));
    };
    check([](auto d) { return weft::timer(d); }, true);
    check([](auto d) { return weft::ticker(d); }, false);
  });
}

// TM-5, TM-6, TM-16 (TestChan): whoever is blocked on it follows the settings.
TEST_P(GoTime, ABlockedReceiverFollowsTheSettings) {
  run([] {
    weft::timer t(far);
    for (int i = 0; i < 20; ++i) {
      weft::wait_group receiver;
      std::atomic<bool> got = false;
      receiver.go([&] {
        if (i % 2 == 0) {
          EXPECT_TRUE(t.chan().recv());
        } else {
          EXPECT_EQ(weft::select(weft::recv(t.chan()), weft::timeout(far)), 0u);
        }
        got = true;
      });
      wait_until_parked(1, i % 2 == 0 ? "chan receive" : "select");
      EXPECT_EQ(t.stop(), true);
      EXPECT_FALSE(t.reset(2 * far));
      weft::yield();
      EXPECT_FALSE(got) << "woken by a stop or a reset";
      EXPECT_TRUE(t.reset(100us));
      receiver.wait();
      EXPECT_FALSE(t.reset(far));
    }
  });
}

// TM-14 (TestTimerGC, TestTickerGC and the like): nothing is left of timers that nobody refers to.
TEST_P(GoTime, NothingIsLeftOfTimersThatAreGone) {
  run([] {
    auto held = std::make_shared<int>(0);
    for (int i = 0; i < 2'000; ++i) {
      weft::timer t(far);
      weft::ticker k(1ms);
      static_cast<void>(weft::after(far));
      static_cast<void>(weft::tick(1ms));
      auto f = weft::after_func(far, [held] {});
      auto stopped = weft::after_func(far, [held] {});
      stopped.stop();
    }
    EXPECT_EQ(held.use_count(), 1) << "a function is kept though it cannot run";
  });
}

// TM-15: goroutines that wait with a long limit again and again leave no entries to speak of.
TEST_P(GoTime, ChurnOfLongTimeoutsEnds) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::wait_group all;
    all.go([&] {
      int v = 0;
      for (int i = 0; i < 5'000; ++i) {
        EXPECT_EQ(c.recv_for(v, far), chan_status::ok);
      }
    });
    for (int i = 0; i < 5'000; ++i) {
      c.send(i);
    }
    all.wait();
  });
}

// ---- tickers ----

// TM-9 (TestTicker): so many ticks take at least so long, and Reset changes the pace.
TEST_P(GoTime, ATickerTicksAtItsPace) {
  run([] {
    constexpr int n = 10;
    const auto begin = clock::now();
    weft::ticker t(2ms);
    for (int i = 0; i < n; ++i) {
      t.chan().recv();
    }
    t.reset(4ms);
    const auto second = clock::now();
    for (int i = 0; i < n; ++i) {
      t.chan().recv();
    }
    t.stop();
    const auto end = clock::now();
    EXPECT_GE(second - begin, n * 2ms);
    EXPECT_GE(end - second, n * 4ms - 4ms) << "a late tick does not move the next";
    weft::sleep(9ms);
    EXPECT_TRUE(empty(t.chan())) << "a tick after stop()";
  });
}

// TM-9 (TestManualTicker): after a pause one old tick, then the grid.
TEST_P(GoTime, AfterAPauseOneTickIsOldAndTheNextIsOnTheGrid) {
  run([] {
    weft::ticker t(5ms);
    const auto first = *t.chan().recv();
    const auto received = clock::now();  // on a busy machine later than `first`
    weft::sleep_until(received + 23ms);
    const auto now = clock::now();
    const auto old = *t.chan().recv();
    EXPECT_GT(old, first);
    EXPECT_LE(old, received + 5ms) << "the tick that has waited";
    const auto next = *t.chan().recv();
    EXPECT_GE(next, now) << "ticks that nobody took were dropped, not queued";
    EXPECT_EQ((next - first) % 5ms, 0ns);
  });
}

// TM-10 (TestTeardown): made and stopped again and again.
TEST_P(GoTime, TickersCanBeMadeAndStoppedAtAnyRate) {
  run([] {
    for (int i = 0; i < 3; ++i) {
      weft::ticker t(2ms);
      t.chan().recv();
      t.stop();
    }
    for (int i = 0; i < 5'000; ++i) {
      weft::ticker t(1ns);
      t.stop();
      EXPECT_TRUE(empty(t.chan()));
    }
  });
}

// TM-11 (TestTick, TestNewTickerLtZeroDuration, TestTickerResetLtZeroDuration)
TEST_P(GoTime, PeriodsMustBePositive) {
  run([] {
    EXPECT_FALSE(weft::tick(-1ns)) << "nil";
    EXPECT_FALSE(weft::tick(0s)) << "nil";
    const auto c = weft::tick(1ms);
    const auto first = *c.recv();
    EXPECT_GT(*c.recv(), first);
    EXPECT_THROW(weft::ticker t(-1ns), weft::bad_period);
    EXPECT_THROW(weft::ticker t(0s), weft::bad_period);
    weft::ticker t(1ms);
    EXPECT_THROW(t.reset(0s), weft::bad_period);
    EXPECT_TRUE(t.chan().recv()) << "the refused reset has changed nothing";
  });
}

// ---- the scheduler's side ----

// TM-16 (TestTimerModifiedEarlier): a reset to an earlier time counts, though all workers sleep
// until the later one.
TEST_P(GoTime, ATimerThatIsMovedEarlierComesEarlier) {
  run([] {
    for (int i = 0; i < 5; ++i) {
      weft::timer t(far);
      weft::wait_group receiver;
      const auto begin = clock::now();
      receiver.go([&] { EXPECT_TRUE(t.chan().recv()); });
      wait_until_parked(1, "chan receive");
      weft::sleep(1ms);
      t.reset(2ms);
      receiver.wait();
      EXPECT_LT(clock::now() - begin, too_late);
      auto ran = weft::make_chan<weft::unit>();
      auto f = weft::after_func(far, [ran] { ran.send({}); });
      EXPECT_TRUE(f.reset(2ms));
      ran.recv();
    }
  });
}

// TM-16 (TestAdjustTimers): many timers that are moved about, each in the end to be received.
TEST_P(GoTime, TimersThatAreMovedAboutAllCome) {
  run([] {
    weft::wait_group all;
    for (int i = 0; i < 30; ++i) {
      all.go([i] {
        weft::timer t(20ms);
        for (int k = 0; k < 10; ++k) {
          t.reset(std::chrono::microseconds((i * 131 + k * 977) % 5'000));
          weft::sleep(std::chrono::microseconds((i + k) % 7 * 100));
        }
        const auto set = clock::now();
        t.reset(1ms);
        EXPECT_GE(*t.chan().recv(), set + 1ms);
      });
    }
    all.wait();
  });
}

// TM-17 (TestConcurrentTimerReset, TestConcurrentTimerResetStop)
TEST_P(GoTime, TimersMayBeSetFromAllSides) {
  run([] {
    weft::timer t(far);
    auto f = weft::after_func(far, [] {});
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&, i] {
        for (int k = 0; k < 500; ++k) {
          if (i % 2 == 0) {
            t.reset(far);
            f.reset(far);
          } else {
            t.stop();
            f.stop();
          }
        }
      });
    }
    all.wait();
    t.reset(far);
    EXPECT_TRUE(t.stop());
    f.reset(far);
    EXPECT_TRUE(f.stop());
  });
}

// GR-13: nobody's timers depend on one worker.
TEST_P(GoTime, TimersOfABusyWorkerAreRunByOthers) {
  run([this] {
    std::atomic<bool> stop = false;
    weft::wait_group all;
    for (int i = 0; i < procs(); ++i) {
      all.go([&] {
        auto t = weft::after_func(1ms, [&] { stop = true; });
        while (!stop) {
        }
      });
    }
    const auto begin = clock::now();
    all.wait();
    EXPECT_LT(clock::now() - begin, too_late);
  });
}

}  // namespace
