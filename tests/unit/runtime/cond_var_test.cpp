#include <weft/cond_var.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/fixture.hpp"

namespace {

class CondVar : public weft::testing::Procs {};
WEFT_PROCS(CondVar);

constexpr const char* waiting = "sync.Cond.Wait";

// CV-4
static_assert(!std::is_copy_constructible_v<weft::cond_var>);
static_assert(!std::is_move_constructible_v<weft::cond_var>);

// CV-1: no signal after the unlock is lost: the waiter's turn is taken before it.
TEST_P(CondVar, ANotificationAfterTheUnlockIsNotLost) {
  run([] {
    for (int round = 0; round < 1000; ++round) {
      weft::mutex m;
      weft::cond_var c;
      bool ready = false;
      m.lock();
      weft::go([&] {
        m.lock();  // only once the waiter has unlocked
        ready = true;
        c.notify_one();
        m.unlock();
      });
      c.wait(m);  // one wait, no loop: there are no spurious wake-ups either
      ASSERT_TRUE(ready);
      m.unlock();
    }
  });
}

// CV-1: even one that comes from within unlock().
TEST_P(CondVar, ANotificationFromWithinUnlockIsNotLost) {
  run([] {
    struct notifying {
      weft::cond_var& c;
      int locks = 0;
      void lock() { ++locks; }
      void unlock() { c.notify_one(); }
    };
    weft::cond_var c;
    notifying l{c};
    c.wait(l);
    EXPECT_EQ(l.locks, 1);
  });
}

// CV-2
TEST_P(CondVar, NotifyOneWakesTheLongestWaiterAndOnlyThatOne) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    weft::wait_group all;
    std::vector<int> order;
    c.notify_one();  // nobody waits: no effect later
    for (int i = 0; i < 5; ++i) {
      all.go([&, i] {
        std::lock_guard hold(m);
        c.wait(m);
        order.push_back(i);
      });
      weft::testing::wait_until_parked(static_cast<std::size_t>(i) + 1, waiting);
    }
    for (std::size_t i = 1; i <= 5; ++i) {
      c.notify_one();  // the lock is not held
      for (;;) {
        std::lock_guard hold(m);
        if (order.size() >= i) {
          break;
        }
        m.unlock();
        weft::yield();
        m.lock();
      }
      EXPECT_EQ(weft::testing::parked_goroutines(waiting), 5 - i);
    }
    all.wait();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  });
}

// CV-3
TEST_P(CondVar, NotifyAllWakesThoseWhoWaitNowAndNobodyElse) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    weft::wait_group first;
    std::atomic<int> again{0};
    weft::wait_group second;
    for (int i = 0; i < 10; ++i) {
      first.add(1);
      second.go([&] {
        std::lock_guard hold(m);
        c.wait(m);
        first.done();
        c.wait(m);  // a newcomer for the broadcast that woke it
        ++again;
      });
    }
    weft::testing::wait_until_parked(10, waiting);
    c.notify_all();
    first.wait();
    weft::testing::wait_until_parked(10, waiting);
    EXPECT_EQ(again.load(), 0);
    c.notify_all();
    second.wait();
    EXPECT_EQ(again.load(), 10);
    c.notify_all();  // nobody waits
  });
}

// CV-2, T13: generations: a signal never goes to one who came after it.
TEST_P(CondVar, SignalsGoToTheirGeneration) {
  run([] {
    constexpr int n = 100;
    weft::mutex m;
    weft::cond_var c;
    weft::wait_group all;
    std::vector<int> order;
    for (int i = 0; i < n; ++i) {
      all.go([&, i] {
        std::lock_guard hold(m);
        c.wait(m);
        order.push_back(i);
      });
      weft::testing::wait_until_parked(1, waiting);
      m.lock();  // it has unlocked
      m.unlock();
      c.notify_one();
      for (std::size_t got = 0; got != static_cast<std::size_t>(i) + 1;) {
        weft::yield();
        std::lock_guard hold(m);
        got = order.size();
      }
    }
    all.wait();
    for (int i = 0; i < n; ++i) {
      EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    }
  });
}

// CV-1: with a condition, and a lock of the standard library.
TEST_P(CondVar, WaitsForAConditionUnderAUniqueLock) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    int value = 0;
    weft::wait_group all;
    all.go([&] {
      for (int i = 1; i <= 100; ++i) {
        std::unique_lock hold(m);
        c.wait(hold, [&] { return value == 2 * i - 1; });
        EXPECT_TRUE(hold.owns_lock());
        ++value;
        c.notify_all();
      }
    });
    for (int i = 0; i < 100; ++i) {
      std::unique_lock hold(m);
      c.wait(hold, [&] { return value == 2 * i; });
      ++value;
      c.notify_all();
    }
    all.wait();
    EXPECT_EQ(value, 200);
  });
}

// CV-1: if unlock() throws, the caller has left the queue, and what was meant for it is passed on.
TEST_P(CondVar, AnUnlockThatThrowsLeavesTheQueue) {
  run([] {
    struct refusing {
      weft::cond_var* notify;
      void lock() {}
      void unlock() {
        if (notify != nullptr) {
          notify->notify_one();
        }
        throw std::runtime_error("unlock");
      }
    };
    weft::cond_var c;
    refusing quiet{nullptr};
    EXPECT_THROW(c.wait(quiet), std::runtime_error);
    weft::mutex m;
    weft::wait_group all;
    all.go([&] {
      std::lock_guard hold(m);
      c.wait(m);
    });
    weft::testing::wait_until_parked(1, waiting);
    c.notify_one();  // goes to the one that waits, not to the one that has left
    all.wait();
    // The notification that hits the one who fails goes to the next in the queue.
    weft::wait_group next;
    refusing notified{&c};
    struct joins_second {
      weft::cond_var& c;
      weft::mutex& m;
      weft::wait_group& group;
      void lock() {}
      void unlock() {
        group.go([this] {
          std::lock_guard hold(m);
          c.wait(m);
        });
        weft::testing::wait_until_parked(1, waiting);
        c.notify_one();  // it is this caller's: it joined first
        throw std::runtime_error("unlock");
      }
    } passes_on{c, m, next};
    EXPECT_THROW(c.wait(passes_on), std::runtime_error);
    next.wait();
    EXPECT_THROW(c.wait(notified), std::runtime_error);
  });
}

// HZ-11
TEST_P(CondVar, ThreadsOfTheUserMayWaitAndNotify) {
  run([] {
    weft::mutex m;
    weft::cond_var c;
    int turn = 0;
    const auto play = [&](int mine) {
      for (int i = 0; i < 200; ++i) {
        std::unique_lock hold(m);
        c.wait(hold, [&] { return turn % 2 == mine; });
        ++turn;
        c.notify_all();
      }
    };
    std::thread other([&] { play(1); });
    play(0);
    other.join();
    EXPECT_EQ(turn, 400);
  });
}

}  // namespace
