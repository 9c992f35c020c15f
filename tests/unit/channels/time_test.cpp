// Timers, tickers, after, after_func, and the timed forms of channel operations and select.
#include <weft/select.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using weft::chan_status;
using weft::testing::wait_until_parked;
using weft::testing::wait_until_parked_or_over;

constexpr auto far = 1h;

class Time : public weft::testing::Procs {};
WEFT_PROCS(Time);

// ---- sleep ----

// TM-1
TEST_P(Time, SleepTakesAtLeastItsDuration) {
  run([] {
    for (const auto d : {1us, 100us, 3000us}) {
      const auto begin = clock::now();
      weft::sleep(d);
      EXPECT_GE(clock::now() - begin, d);
    }
  });
}

// TM-1: and it is no yield.
TEST_P(Time, SleepOfZeroOrLessReturnsAtOnce) {
  weft::run({.max_procs = 1}, [] {
    std::atomic<bool> ran = false;
    weft::go([&] { ran = true; });
    weft::sleep(0s);
    weft::sleep(-1h);
    weft::sleep(clock::duration::min());
    weft::sleep(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
    weft::sleep_until(clock::now() - 1s);
    weft::sleep_until(clock::time_point::min());
    EXPECT_FALSE(ran);
    weft::testing::wait_until_goroutines(1);
  });
}

// TM-1
TEST_P(Time, SleepForLongerThanTimeLastsSleepsForEver) {
  run_and_abandon([] {
    weft::go([] {
      weft::sleep(std::chrono::hours::max());
      ADD_FAILURE() << "woke up";
    });
    weft::go([] {
      weft::sleep(clock::duration::max());
      ADD_FAILURE() << "woke up";
    });
    weft::go([] {
      weft::sleep(std::chrono::duration<double>(1e300));
      ADD_FAILURE() << "woke up";
    });
    weft::go([] {
      weft::sleep_until(clock::time_point::max());
      ADD_FAILURE() << "woke up";
    });
    wait_until_parked(4, "sleep");
    weft::sleep(2ms);
    EXPECT_EQ(weft::testing::parked_goroutines("sleep"), 4u);
  });
}

// TM-16. On one worker: among several the kernel decides which of them runs first.
TEST(TimeOneWorker, SleepersWakeInTheOrderOfTheirTimes) {
  weft::run({.max_procs = 1}, [] {
    constexpr int n = 50;
    const auto begin = clock::now() + 200ms;  // later than all have begun to sleep
    auto woken = weft::make_chan<int>(n);
    for (int i = 0; i < n; ++i) {
      const int turn = (i * 37) % n;
      weft::go([=] {
        weft::sleep_until(begin + turn * 1ms);
        woken.send(turn);
      });
    }
    for (int i = 0; i < n; ++i) {
      EXPECT_EQ(woken.recv(), i);
    }
  });
}

// TM-16: a sleeping worker is woken for an earlier time.
TEST_P(Time, AShortSleepIsNotKeptByALongerOne) {
  run([] {
    weft::wait_group all;
    const auto begin = clock::now();
    all.go([] { weft::sleep(400ms); });
    wait_until_parked(1, "sleep");
    all.go([&] {
      weft::sleep(5ms);
      EXPECT_LT(clock::now() - begin, 300ms);
    });
    all.wait();
  });
}

// GR-13
TEST_P(Time, SleepersWakeWhileAllWorkersAreBusy) {
  run([this] {
    std::atomic<bool> stop = false;
    weft::wait_group busy;
    for (int i = 0; i < 2 * procs(); ++i) {
      busy.go([&] {
        while (!stop) {
          weft::yield();
        }
      });
    }
    const auto begin = clock::now();
    for (int i = 0; i < 5; ++i) {
      weft::sleep(1ms);
    }
    EXPECT_LT(clock::now() - begin, 2s);
    stop = true;
    busy.wait();
  });
}

// GR-7, GR-11: a computation that never yields does not keep the others' time.
TEST_P(Time, SleepersWakeWhileAllWorkersCompute) {
  run([this] {
    std::atomic<bool> stop = false;
    weft::wait_group busy;
    for (int i = 0; i < procs(); ++i) {
      busy.go([&] {
        while (!stop) {
        }
      });
    }
    weft::sleep(1ms);
    stop = true;
    busy.wait();
  });
}

TEST_P(Time, ThreadsOfTheUserMaySleep) {
  run([] {
    std::thread([] {
      const auto begin = clock::now();
      weft::sleep(2ms);
      EXPECT_GE(clock::now() - begin, 2ms);
    }).join();
  });
  const auto begin = clock::now();
  weft::sleep(1ms);  // without a runtime
  EXPECT_GE(clock::now() - begin, 1ms);
}

// TM-15: a hundred thousand, and nothing is left.
TEST_P(Time, ManySleepersAllWake) {
  run([] {
    constexpr int n = 20'000;
    weft::wait_group all;
    std::atomic<int> woken = 0;
    for (int i = 0; i < n; ++i) {
      all.go([&, i] {
        weft::sleep(std::chrono::microseconds((i * 7919) % 50'000));
        ++woken;
      });
    }
    all.wait();
    EXPECT_EQ(woken, n);
  });
}

// ---- timer and after ----

// TM-3, TM-12
TEST_P(Time, ATimerGivesOneValueTheTimeThatWasDue) {
  run([] {
    const auto begin = clock::now();
    weft::timer t(2ms);
    EXPECT_EQ(t.chan().cap(), 0u);
    const auto due = t.chan().recv();
    const auto end = clock::now();
    ASSERT_TRUE(due);
    EXPECT_GE(*due, begin + 2ms);
    EXPECT_LE(*due, end);
    weft::time_point v;
    EXPECT_EQ(t.chan().try_recv(v), chan_status::would_block);
    EXPECT_FALSE(t.stop());
  });
}

// TM-3
TEST_P(Time, ATimersChannelLooksUnbufferedEvenWhenItIsDue) {
  run([] {
    weft::timer t(0s);
    EXPECT_EQ(t.chan().len(), 0u);
    EXPECT_EQ(t.chan().cap(), 0u);
    weft::time_point v;
    EXPECT_EQ(t.chan().try_recv(v), chan_status::ok);
    EXPECT_EQ(t.chan().try_recv(v), chan_status::would_block);
  });
}

// TM-3
TEST_P(Time, ATimerOfZeroOrLessIsDueAtOnce) {
  run([] {
    for (const auto d : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
      weft::timer t(d);
      EXPECT_TRUE(t.chan().recv());
      EXPECT_TRUE(weft::after(d).recv());
    }
  });
}

// TM-4
TEST_P(Time, StopIsTrueWhenItPreventsAValue) {
  run([] {
    weft::timer t(far);
    EXPECT_TRUE(t.stop());
    EXPECT_FALSE(t.stop());
    weft::timer due(0s);
    EXPECT_TRUE(due.stop()) << "due, not received: still prevented";
    weft::time_point v;
    EXPECT_EQ(due.chan().try_recv(v), chan_status::would_block) << "a stale value";
    EXPECT_FALSE(due.stop());
  });
}

// TM-5
TEST_P(Time, ResetIsTrueWhenItPreventsAValueAndLeavesNoneOfTheFormerSetting) {
  run([] {
    weft::timer t(0s);
    EXPECT_TRUE(t.reset(far));
    weft::time_point v;
    EXPECT_EQ(t.chan().try_recv(v), chan_status::would_block) << "a stale value";
    const auto begin = clock::now();
    EXPECT_TRUE(t.reset(2ms));
    EXPECT_GE(*t.chan().recv(), begin + 2ms);
    EXPECT_FALSE(t.reset(0s)) << "its value had been received";
    EXPECT_TRUE(t.chan().recv());
  });
}

// TM-6
TEST_P(Time, StopDoesNotWakeWhoWaits) {
  run_and_abandon([] {
    auto t = std::make_shared<weft::timer>(far);
    weft::go([t] { t->chan().recv(); });
    wait_until_parked(1, "chan receive");
    t->reset(20ms);
    if (t->stop()) {  // false on a machine so busy that the time has come already
      weft::sleep(30ms);
      EXPECT_EQ(weft::testing::parked_goroutines("chan receive"), 1u);
    }
  });
}

// TM-16
TEST_P(Time, ResetToAnEarlierTimeWakesWhoWaits) {
  run([] {
    weft::timer t(far);
    weft::wait_group all;
    all.go([&] { EXPECT_TRUE(t.chan().recv()); });
    wait_until_parked(1, "chan receive");
    EXPECT_TRUE(t.reset(1ms));
    all.wait();
  });
}

// TM-5
TEST_P(Time, ResetToALaterTimeKeepsWhoWaits) {
  run([] {
    weft::timer t(far);
    weft::wait_group all;
    weft::time_point received;
    all.go([&] { received = *t.chan().recv(); });
    wait_until_parked(1, "chan receive");
    t.reset(20ms);
    const auto begin = clock::now();
    if (t.reset(40ms)) {  // false on a machine so busy that the time has come already
      all.wait();
      EXPECT_GE(received, begin + 40ms);
    }
    all.wait();
  });
}

// TM-17
TEST_P(Time, OneOfManyReceiversGetsTheValue) {
  run_and_abandon([] {
    auto t = std::make_shared<weft::timer>(far);
    auto got = std::make_shared<std::atomic<int>>(0);
    for (int i = 0; i < 5; ++i) {
      weft::go([t, got] {
        t->chan().recv();
        ++*got;
      });
    }
    wait_until_parked(5, "chan receive");
    t->reset(1ms);
    while (*got == 0) {
      weft::sleep(1ms);
    }
    wait_until_parked(4, "chan receive");
    EXPECT_EQ(*got, 1);
    t->reset(1ms);
    while (*got == 1) {
      weft::sleep(1ms);
    }
    wait_until_parked(3, "chan receive");
    EXPECT_EQ(*got, 2);
  });
}

// TM-17: resets and receives from all sides: each value belongs to a setting, none comes twice.
TEST_P(Time, ResetAndReceiveMayRace) {
  run([] {
    weft::timer t(far);
    std::atomic<int> received = 0;
    std::atomic<int> prevented = 0;
    std::atomic<bool> stop = false;
    weft::wait_group receivers;
    for (int i = 0; i < 3; ++i) {
      receivers.go([&] {
        weft::time_point v;
        while (!stop) {
          if (t.chan().recv_for(v, 100us) == chan_status::ok) {
            ++received;
          }
        }
      });
    }
    constexpr int resets = 300;
    weft::wait_group setters;
    for (int i = 0; i < 2; ++i) {
      setters.go([&, i] {
        for (int k = 0; k < resets; ++k) {
          prevented += t.reset(std::chrono::microseconds((k * 31 + i) % 50)) ? 1 : 0;
          weft::yield();
        }
      });
    }
    setters.wait();
    stop = true;
    receivers.wait();
    prevented += t.stop() ? 1 : 0;
    EXPECT_EQ(received + prevented, 2 * resets + 1) << "each setting ends in exactly one way";
  });
}

// TM-14: destruction stops it; the channel lives on.
TEST_P(Time, ADestroyedTimerGivesNothing) {
  run([] {
    weft::recv_chan<weft::time_point> c;
    {
      weft::timer t(1ms);
      c = t.chan();
    }
    weft::time_point v;
    EXPECT_EQ(c.recv_for(v, 5ms), chan_status::timeout);
  });
}

TEST_P(Time, AMovedTimerKeepsItsChannel) {
  run([] {
    weft::timer a(1ms);
    const auto c = a.chan();
    weft::timer b = std::move(a);
    EXPECT_EQ(b.chan(), c);
    EXPECT_TRUE(c.recv());
    b = weft::timer(far);
    EXPECT_NE(b.chan(), c);
    EXPECT_TRUE(b.stop());
  });
}

// TM-14, TM-15: in a loop nothing accumulates.
TEST_P(Time, AfterInASelectLoopLeavesNothingBehind) {
  run([] {
    auto c = weft::make_chan<int>(1);
    for (int i = 0; i < 10'000; ++i) {
      c.send(i);
      std::optional<int> v;
      EXPECT_EQ(weft::select(weft::recv(c, v), weft::recv(weft::after(far))), 0u);
    }
  });
}

TEST_P(Time, ATimerThatIsTooFarAwayNeverComes) {
  run([] {
    weft::timer t(std::chrono::hours::max());
    weft::time_point v;
    EXPECT_EQ(t.chan().recv_for(v, 1ms), chan_status::timeout);
    EXPECT_TRUE(t.stop());
  });
}

TEST_P(Time, ThreadsOfTheUserMayWaitForATimer) {
  run([] {
    std::thread([] {
      EXPECT_TRUE(weft::after(1ms).recv());
      std::optional<int> none;
      weft::chan<int> nil;
      EXPECT_EQ(weft::select(weft::recv(nil, none), weft::recv(weft::after(1ms))), 1u);
    }).join();
  });
  EXPECT_TRUE(weft::after(1ms).recv()) << "without a runtime";
}

// ---- ticker ----

// TM-9
TEST_P(Time, ATickerKeepsItsGridAndDropsTicksThatNobodyTakes) {
  run([] {
    const auto begin = clock::now();
    weft::ticker t(10ms);
    const auto first = *t.chan().recv();
    EXPECT_GE(first, begin + 10ms);
    const auto received = clock::now();  // on a busy machine later than `first`
    weft::sleep_until(received + 45ms);  // four ticks come meanwhile; one waits
    const auto now = clock::now();
    const auto second = *t.chan().recv();
    EXPECT_GT(second, first);
    EXPECT_LE(second, received + 10ms) << "the one that has waited";
    const auto third = *t.chan().recv();
    EXPECT_GE(third, now);
    EXPECT_EQ((third - first) % 10ms, 0ns) << "off the grid";
  });
}

// TM-9
TEST_P(Time, ATickerDoesNotDrift) {
  run([] {
    weft::ticker t(1ms);
    const auto first = *t.chan().recv();
    for (int i = 0; i < 20; ++i) {
      const auto tick = *t.chan().recv();
      EXPECT_EQ((tick - first) % 1ms, 0ns);
      EXPECT_LE(tick, clock::now());
    }
  });
}

// TM-17: they wake together at each tick; one takes it, the others wait again.
TEST_P(Time, SeveralReceiversShareATicker) {
  run([] {
    for (int round = 0; round < 20; ++round) {
      weft::ticker t(500us);
      std::atomic<int> ticks{0};
      weft::wait_group all;
      for (int i = 0; i < 3; ++i) {
        all.go([&] {
          for (int k = 0; k < 3; ++k) {
            ticks += t.chan().recv() ? 1 : 0;
          }
        });
      }
      all.wait();
      EXPECT_EQ(ticks, 9);
    }
  });
}

// TM-10
TEST_P(Time, AStoppedTickerIsSilentEvenWithATickDue) {
  run([] {
    weft::ticker t(1ms);
    weft::sleep(3ms);
    t.stop();
    weft::time_point v;
    EXPECT_EQ(t.chan().recv_for(v, 5ms), chan_status::timeout);
    t.stop();
  });
}

// TM-10
TEST_P(Time, ResetOfATickerStartsAFullPeriodLater) {
  run([] {
    weft::ticker t(1ms);
    weft::sleep(3ms);
    const auto begin = clock::now();
    t.reset(7ms);
    EXPECT_GE(*t.chan().recv(), begin + 7ms) << "a stale tick";
    t.stop();
    t.reset(1ms);
    EXPECT_TRUE(t.chan().recv());
  });
}

// TM-9, TM-10, TM-11
TEST_P(Time, APeriodThatIsNotPositiveIsRefused) {
  run([] {
    EXPECT_THROW(weft::ticker t(0s), weft::bad_period);
    EXPECT_THROW(weft::ticker t(-1s), weft::bad_period);
    weft::ticker t(far);
    try {
      t.reset(0s);
      ADD_FAILURE();
    } catch (const weft::bad_period& e) {
      EXPECT_STREQ(e.what(), "weft: ticker: reset: the period is not positive");
    }
    EXPECT_FALSE(weft::tick(0s)) << "nil";
    EXPECT_FALSE(weft::tick(-1s)) << "nil";
    EXPECT_TRUE(weft::tick(1ms).recv());
  });
}

// ---- after_func ----

// TM-13: there is no timer that was not started; one that was moved from does nothing.
TEST_P(Time, AMovedFromTimerIsStoppedAndHasANilChannel) {
  run([] {
    weft::timer t(far);
    const weft::recv_chan<weft::time_point> c = t.chan();
    weft::timer u(std::move(t));
    EXPECT_FALSE(t.stop());
    EXPECT_FALSE(t.reset(0s));
    EXPECT_FALSE(t.chan());
    EXPECT_EQ(u.chan(), c);
    EXPECT_TRUE(u.reset(0s));
    EXPECT_TRUE(c.recv());
    weft::ticker a(1ms);
    weft::ticker b(std::move(a));
    a.stop();
    a.reset(1ms);
    EXPECT_FALSE(a.chan());
    EXPECT_TRUE(b.chan().recv());
    a = std::move(b);
    EXPECT_TRUE(a.chan().recv());
    auto f = weft::after_func(far, [] {});
    auto g = std::move(f);
    EXPECT_FALSE(f.stop());
    EXPECT_FALSE(f.reset(0s));
    EXPECT_TRUE(g.stop());
  });
}

// RAII: what a handle had before is stopped when another is assigned to it, not later.
TEST_P(Time, AssigningToAHandleStopsItsFunction) {
  run([] {
    const auto held = std::make_shared<int>(0);
    auto first = weft::after_func(far, [held] {});
    auto second = weft::after_func(far, [] {});
    EXPECT_EQ(held.use_count(), 2);
    first = std::move(second);
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_FALSE(second.stop());
    EXPECT_TRUE(first.stop());
  });
}

// TM-7
TEST_P(Time, AfterFuncRunsInAGoroutineOfItsOwn) {
  run([] {
    auto id = weft::make_chan<std::uint64_t>();
    const auto begin = clock::now();
    auto t = weft::after_func(2ms, [&] { id.send(weft::this_goroutine::id()); });
    EXPECT_NE(*id.recv(), weft::this_goroutine::id());
    EXPECT_GE(clock::now() - begin, 2ms);
    EXPECT_FALSE(t.stop());
  });
}

// TM-7
TEST_P(Time, AFunctionThatWaitsHoldsUpNoOtherTimer) {
  run([] {
    auto go_on = weft::make_chan<weft::unit>();
    auto done = weft::make_chan<weft::unit>();
    auto slow = weft::after_func(1ms, [&] {
      go_on.recv();
      done.send({});
    });
    auto quick = weft::after_func(2ms, [&] { go_on.send({}); });
    done.recv();
  });
}

// TM-7
TEST_P(Time, StopKeepsTheFunctionFromStarting) {
  run([] {
    auto ran = std::make_shared<std::atomic<int>>(0);
    auto t = weft::after_func(far, [ran] { ++*ran; });
    EXPECT_TRUE(t.stop());
    EXPECT_FALSE(t.stop());
    {
      auto gone = weft::after_func(1ms, [ran] { ++*ran; });
    }
    weft::sleep(5ms);
    EXPECT_EQ(*ran, 0);
    auto never = weft::after_func(std::chrono::hours::max(), [ran] { ++*ran; });
    EXPECT_TRUE(never.stop());
    EXPECT_FALSE(never.stop());
  });
}

TEST_P(Time, ADetachedFunctionRunsWithoutItsHandle) {
  run([] {
    auto done = weft::make_chan<weft::unit>();
    weft::after_func(1ms, [done] { done.send({}); }).detach();
    done.recv();
  });
}

// TM-8
TEST_P(Time, ResetReschedulesTheFunction) {
  run([] {
    auto ran = weft::make_chan<int>(3);
    auto t = weft::after_func(far, [&] { ran.send(1); });
    EXPECT_TRUE(t.reset(1ms));
    ran.recv();
    EXPECT_FALSE(t.reset(1ms)) << "it had run";
    ran.recv();
    EXPECT_FALSE(t.reset(far));
    EXPECT_TRUE(t.stop());
  });
}

// What the function holds goes when it cannot run any more, not before.
TEST_P(Time, TheFunctionIsDestroyedOnceItCannotRun) {
  run([] {
    auto held = std::make_shared<int>(1);
    {
      auto t = weft::after_func(far, [held] {});
      EXPECT_EQ(held.use_count(), 2);
    }
    EXPECT_EQ(held.use_count(), 1);
    auto done = weft::make_chan<weft::unit>();
    {
      auto t = weft::after_func(0s, [held, done] { done.send({}); });
      done.recv();
    }
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(held.use_count(), 1);
  });
  auto held = std::make_shared<int>(1);
  run([&] { weft::after_func(far, [held] {}).detach(); });
  EXPECT_EQ(held.use_count(), 1) << "the end of the run drops what is left";
}

TEST_P(Time, StopAndFireMayRace) {
  run([] {
    constexpr int rounds = 2'000;
    auto ran = std::make_shared<std::atomic<int>>(0);
    int prevented = 0;
    for (int i = 0; i < rounds; ++i) {
      auto t = weft::after_func(std::chrono::microseconds(i % 20), [ran] { ++*ran; });
      if (i % 3 != 0) {
        weft::sleep(std::chrono::microseconds(i % 20));
      }
      prevented += t.stop() ? 1 : 0;
    }
    // stop() is too late as soon as a worker has taken the timer out: a moment before the goroutine
    // exists.
    while (*ran + prevented < rounds) {
      weft::yield();
    }
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(*ran + prevented, rounds);
  });
}

TEST(AfterFunc, NeedsARuntimeAndAFunction) {
  EXPECT_THROW((void)weft::after_func(1s, [] {}), weft::no_runtime);
  weft::run([] {
    void (*none)() = nullptr;
    EXPECT_THROW((void)weft::after_func(1s, none), weft::null_function);
  });
}

// A timer of a former run: its handle is of no use, but harmless.
TEST(AfterFunc, AHandleMayOutliveTheRun) {
  auto ran = std::make_shared<std::atomic<bool>>(false);
  std::optional<weft::func_timer_handle> t;
  weft::run([&] { t.emplace(weft::after_func(far, [ran] { *ran = true; })); });
  EXPECT_FALSE(t->stop());
  EXPECT_THROW(t->reset(1ms), weft::no_runtime);
  weft::run([&] {
    EXPECT_FALSE(t->reset(0s));
    while (!*ran) {
      weft::yield();
    }
  });
  t.reset();
  EXPECT_EQ(ran.use_count(), 1);
}

// ---- channel operations with a limit ----

TEST_P(Time, SendAndReceiveGiveUpInTime) {
  run([] {
    auto c = weft::make_chan<std::unique_ptr<int>>();
    auto v = std::make_unique<int>(1);
    const auto begin = clock::now();
    EXPECT_EQ(c.send_for(v, 2ms), chan_status::timeout);
    EXPECT_GE(clock::now() - begin, 2ms);
    ASSERT_TRUE(v) << "moved from though nothing was sent";
    EXPECT_EQ(c.send_until(v, clock::now() + 1ms), chan_status::timeout);
    EXPECT_EQ(c.recv_for(v, 1ms), chan_status::timeout);
    EXPECT_EQ(c.recv_until(v, clock::now()), chan_status::timeout);
    ASSERT_TRUE(v);
    std::optional<std::unique_ptr<int>> got;
    EXPECT_EQ(c.recv_for(got, -1s), chan_status::timeout);
    EXPECT_FALSE(got);
  });
}

TEST_P(Time, SendAndReceiveWithALimitMeetTheirPartners) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::wait_group all;
    all.go([&] { EXPECT_EQ(c.send_for(7, far), chan_status::ok); });
    EXPECT_EQ(c.recv(), 7);
    all.wait();
    all.go([&] {
      int v = 0;
      EXPECT_EQ(c.recv_for(v, far), chan_status::ok);
      EXPECT_EQ(v, 8);
    });
    wait_until_parked(1, "chan receive");
    c.send(8);
    all.wait();
    all.go([&] {
      int v = 0;
      EXPECT_EQ(c.recv_for(v, far), chan_status::closed);
    });
    wait_until_parked(1, "chan receive");
    c.close();
    all.wait();
    EXPECT_EQ(c.send_for(1, far), chan_status::closed);
  });
}

TEST_P(Time, ALimitThatIsUpStillTakesWhatIsThere) {
  run([] {
    auto c = weft::make_chan<int>(1);
    EXPECT_EQ(c.send_for(1, 0s), chan_status::ok);
    int v = 0;
    EXPECT_EQ(c.recv_until(v, clock::time_point::min()), chan_status::ok);
    EXPECT_EQ(v, 1);
  });
}

// CH-7
TEST_P(Time, ANilChannelWithALimitTimesOut) {
  run([] {
    weft::chan<int> nil;
    int v = 0;
    EXPECT_EQ(nil.send_for(1, 1ms), chan_status::timeout);
    EXPECT_EQ(nil.recv_for(v, 1ms), chan_status::timeout);
  });
}

// One that has given up is not in the way of those behind it (CH-22).
TEST_P(Time, AReceiverThatGaveUpIsPassedOver) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::wait_group first;
    std::atomic<std::size_t> over{0};
    first.go([&] {
      int v = 0;
      EXPECT_EQ(c.recv_for(v, 1ms), chan_status::timeout);
      ++over;
    });
    weft::wait_group second;
    wait_until_parked_or_over(1, "chan receive", over);
    second.go([&] { EXPECT_EQ(c.recv(), 5); });
    first.wait();
    wait_until_parked(1, "chan receive");
    c.send(5);
    second.wait();
  });
}

// ---- select ----

TEST_P(Time, SelectTimesOut) {
  run([] {
    auto c = weft::make_chan<int>();
    const auto begin = clock::now();
    bool handled = false;
    EXPECT_EQ(weft::select(weft::recv(c), weft::timeout(2ms, [&] { handled = true; })), 1u);
    EXPECT_TRUE(handled);
    EXPECT_GE(clock::now() - begin, 2ms);
    EXPECT_EQ(weft::select(weft::timeout(1ms)), 0u);
    EXPECT_EQ(weft::select(weft::timeout(far), weft::recv(c), weft::timeout(1ms)), 2u);
    EXPECT_EQ(weft::select(weft::recv(c), weft::timeout(clock::now() + 1ms)), 1u);
    EXPECT_EQ(weft::select_biased(weft::timeout(1ms), weft::recv(c)), 0u);
  });
}

TEST_P(Time, SelectPrefersWhatCanGoToATimeoutThatIsUp) {
  run([] {
    auto c = weft::make_chan<int>(1);
    for (int i = 0; i < 100; ++i) {
      c.send(1);
      EXPECT_EQ(weft::select(weft::timeout(0s), weft::recv(c)), 1u);
    }
    EXPECT_EQ(weft::select(weft::timeout(0s), weft::recv(c)), 0u);
    EXPECT_EQ(weft::select(weft::timeout(-1s), weft::recv(c), weft::otherwise()), 0u);
    EXPECT_EQ(weft::select(weft::timeout(far), weft::recv(c), weft::otherwise()), 2u);
  });
}

TEST_P(Time, SelectIsWokenBeforeItsTimeout) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::wait_group all;
    all.go([&] {
      std::optional<int> v;
      EXPECT_EQ(weft::select(weft::recv(c, v), weft::timeout(far)), 0u);
      EXPECT_EQ(v, 3);
    });
    wait_until_parked(1, "select");
    c.send(3);
    all.wait();
  });
}

TEST_P(Time, SelectWaitsForTimersAndTickers) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::timer slow(far);
    weft::ticker quick(1ms);
    EXPECT_EQ(weft::select(weft::recv(c), weft::recv(slow.chan()), weft::recv(quick.chan())), 2u);
    slow.reset(0s);
    quick.stop();
    EXPECT_EQ(weft::select(weft::recv(c), weft::recv(slow.chan()), weft::recv(quick.chan())), 1u);
  });
}

// TM-5 in a select that waits already.
TEST_P(Time, SelectSeesAResetOfItsTimer) {
  run([] {
    weft::timer t(far);
    weft::wait_group all;
    all.go([&] { EXPECT_EQ(weft::select(weft::recv(t.chan()), weft::timeout(far)), 0u); });
    wait_until_parked(1, "select");
    t.reset(1ms);
    all.wait();
    t.reset(2 * far);
    std::atomic<std::size_t> over{0};
    std::size_t chosen = 0;
    all.go([&] {
      chosen = weft::select(weft::recv(t.chan()), weft::timeout(20ms));
      ++over;
    });
    wait_until_parked_or_over(1, "select", over);
    t.reset(10ms);
    const bool stopped = t.stop();  // false on a machine so busy that the time has come already
    all.wait();
    EXPECT_EQ(chosen, stopped ? 1u : 0u);
  });
}

// SE-14
TEST_P(Time, ARunTimeListMayHaveTimeouts) {
  run([] {
    auto c = weft::make_chan<int>();
    std::vector<weft::select_case> cases;
    cases.push_back(weft::recv(c));
    cases.push_back(weft::timeout(1ms));
    for (int i = 0; i < 3; ++i) {
      const auto begin = clock::now();
      EXPECT_EQ(weft::select(cases), 1u);
      EXPECT_GE(clock::now() - begin, 1ms) << "counted anew each time";
    }
  });
}

TEST_P(Time, ThreadsOfTheUserMaySelectWithATimeout) {
  run([] {
    std::thread([] {
      auto c = weft::make_chan<int>();
      EXPECT_EQ(weft::select(weft::recv(c), weft::timeout(1ms)), 1u);
      int v = 0;
      EXPECT_EQ(c.recv_for(v, 1ms), chan_status::timeout);
      EXPECT_EQ(c.send_for(1, 1ms), chan_status::timeout);
    }).join();
  });
}

}  // namespace
