// [solo] A thread that joins in the middle of a run with one worker: nothing is lost or doubled.
#include <weft/chan.hpp>
#include <weft/detail/solo.hpp>
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

const int runs = static_cast<int>(200 * weft::testing::scale());

// HZ-11
TEST(Solo, AThreadJoinsASingleWorkerAtAMutex) {
  for (int r = 0; r < runs; ++r) {
    int counted = 0, from_outside = 0;
    weft::run(weft::runtime_options{.max_procs = 1}, [&] {
      weft::mutex m;
      std::atomic<bool> joined{false};
      std::thread outside([&] {
        for (int k = 0; k < 200; ++k) {
          std::lock_guard hold(m);
          ++counted;
          ++from_outside;
          joined = true;
        }
      });
      int mine = 0;
      for (; mine < 300 || !joined; ++mine) {
        std::lock_guard hold(m);
        ++counted;
        if (mine % 2 == 0) {
          weft::go([] {});
          weft::yield();  // scheduling is what makes the worker the sole owner
        }
      }
      outside.join();
      EXPECT_EQ(counted, mine + from_outside);
    });
    ASSERT_EQ(from_outside, 200);
  }
}

// HZ-11
TEST(Solo, AThreadJoinsASingleWorkerAtAChannel) {
  for (int r = 0; r < runs; ++r) {
    weft::run(weft::runtime_options{.max_procs = 1}, [] {
      constexpr int n = 300;
      auto c = weft::make_chan<int>(4);
      weft::wait_group senders;
      senders.add(1);
      std::vector<int> seen(2 * n);
      std::thread outside([&] {
        for (int k = 0; k < n; ++k) {
          c.send(n + k);
        }
        senders.done();
      });
      senders.go([&] {
        for (int k = 0; k < n; ++k) {
          c.send(k);
        }
      });
      weft::go([&] {
        senders.wait();
        c.close();
      });
      while (auto v = c.recv()) {
        ++seen[static_cast<std::size_t>(*v)];
      }
      outside.join();
      for (const int times : seen) {
        ASSERT_EQ(times, 1);
      }
    });
  }
}

// HZ-11
TEST(Solo, AThreadJoinsASingleWorkerAtAWaitGroup) {
  for (int r = 0; r < runs; ++r) {
    weft::run(weft::runtime_options{.max_procs = 1}, [] {
      weft::wait_group group;
      std::atomic<int> ended{0};
      group.add(100);
      std::thread outside([&] {
        for (int k = 0; k < 100; ++k) {
          ++ended;
          group.done();
        }
      });
      for (int k = 0; k < 100; ++k) {
        group.go([&] { ++ended; });
        if (k % 8 == 0) {
          weft::yield();
        }
      }
      group.wait();
      EXPECT_EQ(ended.load(), 200);
      outside.join();
    });
  }
}

// It computes for so long that another worker runs what waits. Then that one sleeps, and who lost
// its place is alone again, though it comes to no pick.
TEST(Solo, WhoLostItsPlaceNeedsNoLocksWhenTheOthersSleepAgain) {
  if (!WEFT_SOLO || weft::detail::solo_forbidden()) {
    GTEST_SKIP() << "locks are ordinary ones in this build or process";
  }
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    std::atomic<bool> ran{false};
    weft::go([&] { ran = true; });
    while (!ran) {
    }
    const auto owner = [] { return weft::detail::solo.owner.load(weft::detail::relaxed); };
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (owner() != weft::detail::thread_pointer() &&
           std::chrono::steady_clock::now() < give_up) {
    }
    EXPECT_EQ(owner(), weft::detail::thread_pointer());
  });
}

// GR-12: a second worker that comes and goes.
TEST(Solo, ASecondWorkerComesAndGoes) {
  weft::run(weft::runtime_options{.max_procs = 2}, [] {
    weft::mutex m;
    int counted = 0, expected = 0;
    for (int r = 0; r < runs; ++r) {
      for (int k = 0; k < 200; ++k) {  // one goroutine alone
        std::lock_guard hold(m);
        ++counted;
        ++expected;
        weft::yield();
      }
      weft::wait_group both;
      std::atomic<int> here{0};
      for (int i = 0; i < 2; ++i) {  // two at the same time
        both.go([&] {
          ++here;
          while (here < 2) {
          }
          for (int k = 0; k < 200; ++k) {
            std::lock_guard hold(m);
            ++counted;
          }
        });
      }
      expected += 400;
      both.wait();
      ASSERT_EQ(counted, expected);
    }
  });
}

}  // namespace
