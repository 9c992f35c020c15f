#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

namespace {

class Mutex : public weft::testing::Procs {};
WEFT_PROCS(Mutex);

constexpr const char* waiting = "sync.Mutex.Lock";

// MU-1, MM-6
TEST_P(Mutex, ExcludesOthers) {
  run([] {
    weft::mutex m;
    weft::wait_group all;
    int counted = 0;
    for (int i = 0; i < 8; ++i) {
      all.go([&] {
        for (int k = 0; k < 1000; ++k) {
          std::lock_guard hold(m);
          const int seen = counted;
          if (k % 100 == 0) {
            weft::yield();  // it may be held over a wait
          }
          counted = seen + 1;
        }
      });
    }
    all.wait();
    EXPECT_EQ(counted, 8000);
  });
}

// MU-1: it is one of the standard library's Lockables.
TEST_P(Mutex, WorksWithTheLocksOfTheStandardLibrary) {
  run([] {
    weft::mutex a, b;
    {
      std::unique_lock hold(a, std::try_to_lock);
      EXPECT_TRUE(hold.owns_lock());
      EXPECT_FALSE(a.try_lock());
      hold.unlock();
      hold.lock();
    }
    weft::wait_group all;
    int n = 0;
    for (int i = 0; i < 4; ++i) {
      all.go([&, i] {
        for (int k = 0; k < 200; ++k) {
          if (i % 2 == 0) {
            std::scoped_lock both(a, b);
            ++n;
          } else {
            std::scoped_lock both(b, a);
            ++n;
          }
        }
      });
    }
    all.wait();
    EXPECT_EQ(n, 800);
    EXPECT_TRUE(a.try_lock());
    EXPECT_TRUE(b.try_lock());
  });
}

// MU-4
TEST_P(Mutex, TryLockFailsWhileItIsHeldAndNeverWaits) {
  run([] {
    weft::mutex m;
    ASSERT_TRUE(m.try_lock());
    for (int i = 0; i < 10; ++i) {
      EXPECT_FALSE(m.try_lock());
    }
    m.unlock();
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

// MU-1: no owner: the lock may be handed to another goroutine.
TEST_P(Mutex, AnotherGoroutineMayUnlock) {
  run([] {
    weft::mutex m;
    m.lock();
    weft::go([&] {
      weft::testing::wait_until_parked(1, waiting);
      m.unlock();
    });
    m.lock();
    m.unlock();
  });
}

// MU-2
TEST_P(Mutex, ServesWaitersInTheOrderOfTheirArrival) {
  run([] {
    weft::mutex m;
    weft::wait_group all;
    std::vector<int> order;
    m.lock();
    for (int i = 0; i < 10; ++i) {
      all.go([&, i] {
        m.lock();
        order.push_back(i);
        m.unlock();
      });
      weft::testing::wait_until_parked(static_cast<std::size_t>(i) + 1, waiting);
    }
    m.unlock();
    all.wait();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  });
}

// MU-2: who runs already may take a free mutex before the waiter that was woken for it.
TEST(MutexPolicy, ARunningArrivalMayOvertakeAWokenWaiter) {
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    int overtaken = 0;
    for (int round = 0; round < 20; ++round) {
      weft::mutex m;
      m.lock();
      std::atomic<bool> got = false;
      weft::wait_group other;
      other.go([&] {
        m.lock();
        got = true;
        m.unlock();
      });
      weft::testing::wait_until_parked(1, waiting);
      m.unlock();  // the waiter is made ready, but this worker goes on here
      if (m.try_lock()) {
        overtaken += !got;
        m.unlock();
      }
      other.wait();
    }
    EXPECT_GT(overtaken, 0);
  });
}

// MU-2: a waiter that was woken and lost keeps its place before those who came later.
TEST_P(Mutex, AWokenWaiterThatLosesKeepsItsTurn) {
  run([] {
    for (int round = 0; round < 50; ++round) {
      weft::mutex m;
      weft::wait_group all;
      std::vector<int> order;
      m.lock();
      for (int i = 0; i < 3; ++i) {
        all.go([&, i] {
          m.lock();
          order.push_back(i);
          m.unlock();
        });
        weft::testing::wait_until_parked(static_cast<std::size_t>(i) + 1, waiting);
      }
      m.unlock();
      if (m.try_lock()) {  // barge, and let the loser come back
        weft::testing::wait_until_parked(3 - order.size(), waiting);
        m.unlock();
      }
      all.wait();
      ASSERT_EQ(order, (std::vector<int>{0, 1, 2}));
    }
  });
}

// MU-3: a holder that relocks at once, with the mutex held nearly always, does not starve others.
TEST_P(Mutex, AHolderThatRelocksInALoopDoesNotStarveAWaiter) {
  run([] {
    weft::mutex m;
    std::atomic<bool> stop{false}, hogs{false};
    weft::wait_group all;
    all.go([&] {
      while (!stop) {
        m.lock();
        hogs = true;
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(100);
        while (std::chrono::steady_clock::now() < until) {
        }
        m.unlock();
      }
    });
    while (!hogs) {
      weft::yield();
    }
    for (int i = 0; i < 10; ++i) {
      m.lock();
      m.unlock();
    }
    stop = true;
    all.wait();
  });
}

// MU-3: a starving mutex is handed over: the arrival that runs does not get it.
TEST_P(Mutex, AStarvedWaiterIsHandedTheMutex) {
  run([] {
    weft::mutex m;
    m.lock();
    std::atomic<bool> got{false};
    weft::go([&] {
      m.lock();
      got = true;
      m.unlock();
    });
    weft::testing::wait_until_parked(1, waiting);
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(2)) {
    }
    // Its first wake-up may be lost to a barging arrival; then it is starving.
    int barged = 0;
    for (; !got; ++barged) {
      m.unlock();
      if (m.try_lock()) {
        // Let the woken waiter see that it has lost.
        while (!got && weft::testing::parked_goroutines(waiting) == 0) {
          weft::yield();
        }
      } else {
        while (!got) {
          weft::yield();
        }
        m.lock();
      }
      ASSERT_LE(barged, 1);
    }
    m.unlock();
  });
}

// HZ-11
TEST_P(Mutex, ExcludesThreadsOfTheUserToo) {
  run([] {
    weft::mutex m;
    int counted = 0;
    weft::wait_group all;
    const auto work = [&] {
      for (int k = 0; k < 2000; ++k) {
        std::lock_guard hold(m);
        ++counted;
      }
    };
    std::vector<std::thread> others;
    for (int i = 0; i < 2; ++i) {
      others.emplace_back(work);
      all.go([&] {
        for (int k = 0; k < 2000; ++k) {
          std::lock_guard hold(m);
          ++counted;
        }
      });
    }
    all.wait();
    for (std::thread& t : others) {
      t.join();
    }
    EXPECT_EQ(counted, 8000);
  });
}

// HZ-11: a goroutine's mutex makes a thread wait, not fail.
TEST_P(Mutex, AThreadOfTheUserWaitsForAGoroutine) {
  run([] {
    weft::mutex m;
    int plain = 0;
    m.lock();
    std::atomic<bool> ended{false};
    std::thread other([&] {
      std::lock_guard hold(m);
      EXPECT_EQ(plain, 1);
      ended = true;
    });
    weft::yield();
    EXPECT_FALSE(ended.load());
    plain = 1;
    m.unlock();
    other.join();
  });
}

}  // namespace
