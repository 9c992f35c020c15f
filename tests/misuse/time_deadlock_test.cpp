// Which timers keep a deadlock from being one: those that will wake somebody (DL-2), no others.
#include <gtest/gtest.h>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <cstdlib>
#include <optional>

namespace {

using namespace std::chrono_literals;
using ::testing::ExitedWithCode;

// ThreadSanitizer has a thread of its own, so that no deadlock is certain there.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SKIP_UNDER_TSAN() GTEST_SKIP() << "TSan's own thread keeps a deadlock from being certain"
#endif
#endif
#ifndef SKIP_UNDER_TSAN
#define SKIP_UNDER_TSAN() static_cast<void>(0)
#endif

constexpr auto far = 1h;
constexpr auto longer_than_a_report_takes = 150ms;

class TimeDeadlock : public ::testing::Test {
 protected:
  TimeDeadlock() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

template <class F>
void run_and_leave(F f) {
  weft::run(f);
  std::_Exit(0);
}

// DL-2
TEST_F(TimeDeadlock, ASleeperIsNone) {
  EXPECT_EXIT(run_and_leave([] {
                auto c = weft::make_chan<int>();
                weft::go([c] {
                  weft::sleep(longer_than_a_report_takes);
                  c.send(1);
                });
                c.recv();
              }),
              ExitedWithCode(0), "^$");
}

// DL-2
TEST_F(TimeDeadlock, AnAfterFuncIsNone) {
  EXPECT_EXIT(run_and_leave([] {
                auto c = weft::make_chan<int>();
                auto t = weft::after_func(longer_than_a_report_takes, [c] { c.send(1); });
                c.recv();
              }),
              ExitedWithCode(0), "^$");
}

// DL-2
TEST_F(TimeDeadlock, ATimerThatSomebodyWaitsForIsNone) {
  EXPECT_EXIT(run_and_leave([] {
                weft::timer t(longer_than_a_report_takes);
                t.chan().recv();
                auto c = weft::make_chan<int>();
                weft::select(weft::recv(c), weft::recv(weft::after(longer_than_a_report_takes)));
                weft::select(weft::recv(c), weft::timeout(longer_than_a_report_takes));
              }),
              ExitedWithCode(0), "^$");
}

// DL-3
TEST_F(TimeDeadlock, ATimerThatNobodyWaitsForHidesNothing) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] {
                weft::timer t(far);
                weft::ticker ticks(1ms);
                auto c = weft::make_chan<int>();
                c.recv();
              }),
              ExitedWithCode(2), "all goroutines are asleep(.|\n)*\\[chan receive\\]");
}

// DL-1: also if who leaves it behind ran between two looks of the monitor, the last before it
// rests.
TEST_F(TimeDeadlock, WhatASleeperLeavesBehindIsOneWheneverItWakes) {
  SKIP_UNDER_TSAN();
  for (int i = 16; i <= 44; i += 2) {
    EXPECT_EXIT(weft::run([i] {
                  weft::sleep(std::chrono::milliseconds(i));
                  weft::make_chan<int>().recv();
                }),
                ExitedWithCode(2), "all goroutines are asleep(.|\n)*\\[chan receive\\]")
        << "after " << i << " ms";
  }
}

// TM-6
TEST_F(TimeDeadlock, WaitingForAStoppedTimerIsOne) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] {
                weft::timer t(far);
                t.stop();
                t.chan().recv();
              }),
              ExitedWithCode(2), "all goroutines are asleep(.|\n)*\\[chan receive\\]");
  EXPECT_EXIT(weft::run([] {
                weft::timer t(far);
                weft::go([&] {
                  weft::sleep(5ms);
                  t.stop();
                });
                t.chan().recv();
              }),
              ExitedWithCode(2), "all goroutines are asleep(.|\n)*\\[chan receive\\]");
}

TEST_F(TimeDeadlock, AStoppedAfterFuncHidesNothing) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] {
                auto t = weft::after_func(far, [] {});
                t.stop();
                weft::make_chan<int>().recv();
              }),
              ExitedWithCode(2), "all goroutines are asleep");
}

// What is left of timeouts that did not come is of no consequence.
TEST_F(TimeDeadlock, ATimeoutThatLostHidesNothing) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] {
                auto c = weft::make_chan<int>();
                weft::mutex m;
                for (int i = 0; i < 5; ++i) {
                  m.lock();
                  weft::wait_group all;
                  all.go([&] { weft::select(weft::recv(c), weft::timeout(far)); });
                  all.go([&] {
                    std::optional<int> v;
                    static_cast<void>(c.recv_for(v, far));
                  });
                  all.go([&] {
                    if (m.try_lock_for(far)) {
                      m.unlock();
                    }
                  });
                  weft::sleep(1ms);
                  c.send(1);
                  c.send(2);
                  m.unlock();
                  all.wait();
                }
                c.recv();
              }),
              ExitedWithCode(2), "all goroutines are asleep(.|\n)*\\[chan receive\\]");
}

// TM-1: it would be the only one left.
TEST_F(TimeDeadlock, ASleepForEverIsOne) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] { weft::sleep(std::chrono::hours::max()); }), ExitedWithCode(2),
              "all goroutines are asleep(.|\n)*\\[sleep\\]");
}

}  // namespace
