// Worker threads: those beyond max_procs end when they are of no use, and come back when they are.
#include <gtest/gtest.h>
#include <weft/blocking.hpp>
#include <weft/go.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>

#include "sched/scheduler.hpp"
#include "support/fixture.hpp"
#include "support/threads.hpp"

namespace {

using weft::testing::weft_threads;

using namespace std::chrono_literals;
using weft::detail::scheduler;

class Threads : public weft::testing::Procs {
 protected:
  Threads() : before_(scheduler::spare_thread_ns) {}
  ~Threads() override { scheduler::spare_thread_ns = before_; }

  // A thread that was joined may be seen in /proc for a moment more.
  static void wait_until_threads_are(std::size_t most) {
    while (weft_threads() > most) {
      ::usleep(100);
    }
  }

  // So many goroutines at once, each of which holds a thread.
  static void block_at_once(int n) {
    std::atomic<int> inside{0};
    weft::wait_group all;
    for (int i = 0; i < n; ++i) {
      all.go([&, n] {
        weft::blocking([&] {
          ++inside;
          while (inside < n) {
            ::usleep(50);
          }
        });
      });
    }
    all.wait();
  }

 private:
  std::int64_t before_;
};
WEFT_PROCS(Threads);

// GR-11
TEST_P(Threads, SpareThreadsEndWhenTheyAreOfNoUse) {
  scheduler::spare_thread_ns = 1'000'000;
  run([&] {
    block_at_once(procs() + 6);
    const std::size_t most = 1 + static_cast<std::size_t>(procs());
    while (weft_threads() > most) {
      weft::sleep(1ms);
    }
    // As many as before can come again.
    block_at_once(procs() + 6);
  });
  wait_until_threads_are(0);
}

TEST_P(Threads, NoThreadEndsThatMaxProcsHasAPlaceFor) {
  scheduler::spare_thread_ns = 0;
  run([&] {
    for (int round = 0; round < 20; ++round) {
      block_at_once(procs());
      weft::sleep(100us);
    }
    scheduler::in_use s;
    EXPECT_LE(s->worker_count(), static_cast<std::uint32_t>(procs()) + 8);
  });
}

TEST_P(Threads, FewerPlacesMeanFewerThreads) {
  scheduler::spare_thread_ns = 1'000'000;
  run([&] {
    weft::max_procs(procs() + 4);
    block_at_once(procs() + 4);
    weft::max_procs(1);
    while (weft_threads() > 2) {
      weft::sleep(1ms);
    }
  });
}

// Every thread that can end does so at once: threads end and begin all the time.
TEST_P(Threads, ThreadsThatEndAtOnceLoseNoGoroutine) {
  scheduler::spare_thread_ns = 0;
  run([&] {
    std::atomic<int> ran{0};
    for (int round = 0; round < 100; ++round) {
      weft::wait_group all;
      for (int i = 0; i < 8; ++i) {
        all.go([&, i] {
          if (i % 2 == 0) {
            weft::blocking([] { ::usleep(100); });
          }
          weft::go([&ran] { ++ran; });
          weft::yield();
        });
      }
      all.wait();
    }
    while (ran != 800) {
      weft::yield();
    }
  });
}

TEST_P(Threads, ARunMayEndWhileThreadsEnd) {
  scheduler::spare_thread_ns = 0;
  for (int round = 0; round < 30; ++round) {
    run([&] { block_at_once(procs() + 2); });
  }
  wait_until_threads_are(0);
}

}  // namespace
