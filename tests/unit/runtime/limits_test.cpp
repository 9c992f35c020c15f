// Waits of mutex, cond_var and wait_group that a deadline or a context may end (U-6).
#include <weft/cond_var.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using weft::testing::endless_context;
using weft::testing::test_context;
using weft::testing::wait_until_goroutines;
using weft::testing::wait_until_parked;
using weft::testing::wait_until_parked_or_over;

constexpr const char* locking = "sync.Mutex.Lock";
constexpr const char* on_cond = "sync.Cond.Wait";
constexpr const char* on_group = "sync.WaitGroup.Wait";

// Limits that are over when they begin, however they are written.
template <class Wait>
void for_limits_that_are_over(Wait wait) {
  wait(0s);
  wait(-1ns);
  wait(std::chrono::hours::min());
  wait(std::chrono::duration<double>(-1e300));
  wait(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
}

// Limits that never come, though adding them to now would overflow.
template <class Wait>
void for_limits_that_never_come(Wait wait) {
  wait(std::chrono::nanoseconds::max());
  wait(std::chrono::hours::max());
  wait(std::chrono::duration<double>(std::numeric_limits<double>::infinity()));
  wait(std::chrono::duration<float, std::ratio<86400>>(1e30f));
}

// ---- mutex ----

class TimedMutex : public weft::testing::Procs {};
WEFT_PROCS(TimedMutex);

TEST_P(TimedMutex, TryLockForGivesUpAfterTheTimeAndNotBefore) {
  run([] {
    weft::mutex m;
    m.lock();
    const auto begin = clock_type::now();
    EXPECT_FALSE(m.try_lock_for(3ms));
    EXPECT_GE(clock_type::now() - begin, 3ms);
    const auto t = clock_type::now() + 2ms;
    EXPECT_FALSE(m.try_lock_until(t));
    EXPECT_GE(clock_type::now(), t);
    EXPECT_FALSE(m.try_lock_for(std::chrono::duration<double, std::milli>(0.5)));
    m.unlock();
    EXPECT_TRUE(m.try_lock_for(1ms));
    m.unlock();
  });
}

TEST_P(TimedMutex, TriesAtLeastOnceWhateverTheTime) {
  run([] {
    weft::mutex m;
    for_limits_that_are_over([&](auto d) {
      ASSERT_TRUE(m.try_lock_for(d));
      EXPECT_FALSE(m.try_lock_for(d));
      m.unlock();
    });
    ASSERT_TRUE(m.try_lock_until(clock_type::time_point::min()));
    EXPECT_FALSE(m.try_lock_until(clock_type::time_point{}));
    m.unlock();
  });
}

TEST_P(TimedMutex, AVeryLongTimeIsNoLimit) {
  run([] {
    weft::mutex m;
    for_limits_that_never_come([&](auto d) {
      m.lock();
      weft::go([&] {
        wait_until_parked(1, locking);
        m.unlock();
      });
      ASSERT_TRUE(m.try_lock_for(d));
      m.unlock();
    });
    EXPECT_TRUE(m.try_lock_until(clock_type::time_point::max()));
    m.unlock();
  });
}

TEST_P(TimedMutex, WorksWithUniqueLock) {
  run([] {
    weft::mutex m;
    std::unique_lock hold(m, 1ms);
    EXPECT_TRUE(hold.owns_lock());
    std::unique_lock other(m, clock_type::now() + 1ms);
    EXPECT_FALSE(other.owns_lock());
  });
}

TEST_P(TimedMutex, AWaiterThatIsCancelledGetsTheErrorAndNotTheLock) {
  run([] {
    weft::mutex m;
    test_context ctx;
    EXPECT_EQ(m.lock(ctx), nullptr);
    weft::go([&] { EXPECT_EQ(m.lock(ctx), weft::canceled); });
    wait_until_parked(1, locking);
    ctx.cancel();
    wait_until_goroutines(1);
    m.unlock();
    EXPECT_EQ(m.lock(ctx), weft::canceled);  // though it is free
    EXPECT_EQ(m.lock(endless_context()), nullptr);
    m.unlock();
  });
}

// The wake-up that was meant for one who has given up goes to the next.
TEST_P(TimedMutex, AWaiterThatGivesUpPassesTheLockOn) {
  run([] {
    for (int round = 0; round < 50; ++round) {
      auto m = std::make_unique<weft::mutex>();
      test_context ctx;
      std::atomic<int> locked{0};
      m->lock();
      weft::wait_group all;
      all.go([&] {
        if (!m->lock(ctx)) {
          ++locked;
          m->unlock();
        }
      });
      wait_until_parked(1, locking);
      all.go([&] {
        m->lock();
        ++locked;
        m->unlock();
      });
      wait_until_parked(2, locking);
      if (round % 2 == 0) {
        ctx.cancel();
        m->unlock();
      } else {
        m->unlock();
        ctx.cancel();
      }
      all.wait();
      ASSERT_GE(locked.load(), 1);
      ASSERT_TRUE(m->try_lock());
      m->unlock();
      m.reset();
    }
  });
}

// MU-3: starving, and all who starved have given up.
TEST_P(TimedMutex, AStarvingMutexWhoseQueueEmptiesByTimeoutsIsUsable) {
  run([] {
    weft::mutex m;
    m.lock();
    std::atomic<std::size_t> over{0};
    weft::wait_group all;
    all.go([&] {
      if (m.try_lock_for(40ms)) {
        m.unlock();
      }
      ++over;
    });
    wait_until_parked_or_over(1, locking, over);
    const auto hold_until = clock_type::now() + 2ms;
    while (clock_type::now() < hold_until) {
    }
    m.unlock();
    if (m.try_lock()) {  // the waiter loses: it has lost its patience
      wait_until_goroutines(1);
      m.unlock();
    }
    all.wait();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST_P(TimedMutex, ThreadsOfTheUserMayGiveUp) {
  run([] {
    weft::mutex m;
    m.lock();
    std::thread timed([&] { EXPECT_FALSE(m.try_lock_for(3ms)); });
    timed.join();
    test_context ctx;
    std::thread canceled([&] { EXPECT_EQ(m.lock(ctx), weft::canceled); });
    ctx.cancel();
    canceled.join();
    std::thread served([&] {
      if (m.try_lock_for(1h)) {
        m.unlock();
      } else {
        ADD_FAILURE();
      }
    });
    weft::yield();
    m.unlock();
    served.join();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

// ---- cond_var ----

class TimedCond : public weft::testing::Procs {};
WEFT_PROCS(TimedCond);

TEST_P(TimedCond, WaitForTimesOutWithTheLockHeld) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    std::unique_lock hold(m);
    const auto begin = clock_type::now();
    EXPECT_EQ(c.wait_for(hold, 3ms), std::cv_status::timeout);
    EXPECT_GE(clock_type::now() - begin, 3ms);
    EXPECT_FALSE(m.try_lock());
    EXPECT_EQ(c.wait_until(hold, clock_type::now() + 1ms), std::cv_status::timeout);
    EXPECT_FALSE(m.try_lock());
    c.notify_all();  // nobody is left in the queue
  });
}

TEST_P(TimedCond, ATimeThatIsOverStillUnlocksForAMoment) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    int entered = 0;
    weft::go([&] {
      std::lock_guard hold(m);
      ++entered;
    });
    std::unique_lock hold(m);
    while (entered == 0) {
      for_limits_that_are_over(
          [&](auto d) { EXPECT_EQ(c.wait_for(hold, d), std::cv_status::timeout); });
      hold.unlock();
      weft::yield();
      hold.lock();
    }
    EXPECT_EQ(c.wait_until(hold, clock_type::time_point::min()), std::cv_status::timeout);
  });
}

TEST_P(TimedCond, AVeryLongTimeIsNoLimit) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    std::unique_lock hold(m);
    for_limits_that_never_come([&](auto d) {
      weft::go([&] {
        wait_until_parked(1, on_cond);
        c.notify_one();
      });
      EXPECT_EQ(c.wait_for(hold, d), std::cv_status::no_timeout);
    });
  });
}

// T13
TEST_P(TimedCond, ANotificationIsNotLostToOneWhoHasTimedOut) {
  run([] {
    for (int round = 0; round < 30; ++round) {
      weft::mutex m;
      weft::cond_var c;
      test_context ctx;
      weft::wait_group all;
      std::atomic<int> notified{0};
      all.go([&] {
        std::unique_lock hold(m);
        notified += c.wait(hold, ctx) == nullptr;
      });
      wait_until_parked(1, on_cond);
      all.go([&] {
        std::unique_lock hold(m);
        c.wait(hold);
        ++notified;
      });
      wait_until_parked(2, on_cond);
      if (round % 2 == 0) {
        ctx.cancel();
        c.notify_one();
      } else {
        c.notify_one();
        ctx.cancel();
      }
      if (round % 2 != 0) {
        wait_until_parked(1, on_cond);
        c.notify_one();  // the first was served; this one is the other's
      }
      all.wait();
      ASSERT_EQ(notified.load(), 1 + round % 2);
    }
  });
}

TEST_P(TimedCond, WithAConditionTheLimitIsOneForAll) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    bool set = false;
    std::atomic<bool> stop{false};
    weft::wait_group all;
    all.go([&] {
      while (!stop) {
        c.notify_all();
        weft::yield();
      }
    });
    std::unique_lock hold(m);
    const auto begin = clock_type::now();
    EXPECT_FALSE(c.wait_for(hold, 5ms, [&] { return set; }));
    EXPECT_GE(clock_type::now() - begin, 5ms);
    EXPECT_FALSE(c.wait_until(hold, clock_type::now() + 1ms, [&] { return set; }));
    stop = true;
    set = true;
    EXPECT_TRUE(c.wait_for(hold, -1s, [&] { return set; }));
    EXPECT_TRUE(c.wait_until(hold, clock_type::time_point::min(), [&] { return set; }));
    all.wait();
  });
}

TEST_P(TimedCond, AConditionThatComesTrueAtTheLastMomentIsSeen) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    int asked = 0;
    std::unique_lock hold(m);
    EXPECT_TRUE(c.wait_for(hold, 1ms, [&] { return ++asked == 2; }));
  });
}

TEST_P(TimedCond, AWaitThatIsCancelledHoldsTheLockAgain) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    test_context ctx;
    bool set = false;
    weft::wait_group all;
    all.go([&] {
      std::unique_lock hold(m);
      EXPECT_EQ(c.wait(hold, ctx), weft::canceled);
      EXPECT_FALSE(m.try_lock());
    });
    all.go([&] {
      std::unique_lock hold(m);
      EXPECT_EQ(c.wait(hold, ctx, [&] { return set; }), weft::canceled);
      EXPECT_FALSE(m.try_lock());
    });
    wait_until_parked(2, on_cond);
    ctx.cancel();
    all.wait();
    std::unique_lock hold(m);
    EXPECT_EQ(c.wait(hold, ctx), weft::canceled);
    EXPECT_EQ(c.wait(hold, ctx, [&] { return set; }), weft::canceled);
    set = true;
    EXPECT_EQ(c.wait(hold, ctx, [&] { return set; }), nullptr);
  });
}

TEST_P(TimedCond, ThreadsOfTheUserMayGiveUp) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    std::thread timed([&] {
      std::unique_lock hold(m);
      EXPECT_EQ(c.wait_for(hold, 3ms), std::cv_status::timeout);
    });
    timed.join();
    test_context ctx;
    std::thread canceled([&] {
      std::unique_lock hold(m);
      EXPECT_EQ(c.wait(hold, ctx), weft::canceled);
    });
    ctx.cancel();
    canceled.join();
    c.notify_all();
  });
}

// ---- wait_group ----

class TimedGroup : public weft::testing::Procs {};
WEFT_PROCS(TimedGroup);

TEST_P(TimedGroup, WaitForTimesOutWhileTheCounterIsNotZero) {
  run([] {
    auto group = std::make_unique<weft::wait_group>();
    group->add(1);
    const auto begin = clock_type::now();
    EXPECT_FALSE(group->wait_for(3ms));
    EXPECT_GE(clock_type::now() - begin, 3ms);
    EXPECT_FALSE(group->wait_until(clock_type::now() + 1ms));
    for_limits_that_are_over([&](auto d) { EXPECT_FALSE(group->wait_for(d)); });
    group->done();
    EXPECT_TRUE(group->wait_for(1ms));
    for_limits_that_are_over([&](auto d) { EXPECT_TRUE(group->wait_for(d)); });
    EXPECT_TRUE(group->wait_until(clock_type::time_point::min()));
    group.reset();
  });
}

TEST_P(TimedGroup, AVeryLongTimeIsNoLimit) {
  run([] {
    for_limits_that_never_come([&](auto d) {
      weft::wait_group group;
      group.add(1);
      weft::go([&] {
        wait_until_parked(1, on_group);
        group.done();
      });
      EXPECT_TRUE(group.wait_for(d));
    });
  });
}

// WG-3: those who have given up are not counted any more when zero comes, nor in the next round.
TEST_P(TimedGroup, WaitersThatGiveUpDoNotDisturbTheOthers) {
  run([] {
    weft::wait_group group;
    test_context ctx;
    for (int round = 0; round < 20; ++round) {
      group.add(1);
      weft::wait_group all;
      for (int i = 0; i < 2; ++i) {
        all.go([&] { EXPECT_FALSE(group.wait_for(1ms)); });
        all.go([&] { EXPECT_TRUE(group.wait_for(1h)); });
        all.go([&] { group.wait(); });
      }
      wait_until_goroutines(5);
      wait_until_parked(4, on_group);
      group.done();
      all.wait();
    }
  });
}

// A group that is through is not reported as cancelled.
TEST_P(TimedGroup, ZeroGoesBeforeCancellation) {
  run([] {
    weft::wait_group group;
    test_context ctx;
    group.add(1);
    weft::go([&] { EXPECT_EQ(group.wait(ctx), weft::canceled); });
    wait_until_parked(1, on_group);
    ctx.cancel();
    wait_until_goroutines(1);
    EXPECT_EQ(group.wait(ctx), weft::canceled);
    group.done();
    EXPECT_EQ(group.wait(ctx), nullptr);
    EXPECT_EQ(group.wait(endless_context()), nullptr);
  });
}

TEST_P(TimedGroup, ThreadsOfTheUserMayGiveUp) {
  run([] {
    weft::wait_group group;
    group.add(1);
    std::thread timed([&] { EXPECT_FALSE(group.wait_for(3ms)); });
    timed.join();
    test_context ctx;
    std::thread canceled([&] { EXPECT_EQ(group.wait(ctx), weft::canceled); });
    ctx.cancel();
    canceled.join();
    std::thread served([&] { EXPECT_TRUE(group.wait_for(1h)); });
    group.done();
    served.join();
  });
}

}  // namespace
