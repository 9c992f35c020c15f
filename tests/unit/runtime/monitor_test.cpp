// Goroutines that keep their thread to themselves do not keep the others from running.
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <unistd.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include "support/fixture.hpp"

namespace {

class Monitor : public weft::testing::Procs {};
WEFT_PROCS(Monitor);

// GR-7
TEST_P(Monitor, OthersRunWhileEveryWorkerComputes) {
  run([this] {
    std::atomic<bool> flag{false};
    weft::wait_group all;
    for (int i = 0; i < procs() + 1; ++i) {
      all.go([&] {
        while (!flag) {
        }
      });
    }
    weft::yield();
    weft::go([&] { flag = true; });
    all.wait();
  });
}

// GR-11
TEST_P(Monitor, OthersRunWhileEveryWorkerSleepsInTheKernel) {
  run([this] {
    std::atomic<bool> flag{false};
    weft::wait_group all;
    for (int i = 0; i < procs() + 1; ++i) {
      all.go([&] {
        while (!flag) {
          ::usleep(20'000);
        }
      });
    }
    weft::yield();
    weft::go([&] { flag = true; });
    all.wait();
  });
}

// GR-11
TEST_P(Monitor, OthersRunWhileEveryWorkerIsInABlockingSection) {
  run([this] {
    std::atomic<bool> flag{false};
    weft::wait_group all;
    for (int i = 0; i < procs() + 1; ++i) {
      all.go([&] {
        weft::blocking([&] {
          while (!flag) {
            ::usleep(100);
          }
        });
      });
    }
    weft::yield();
    weft::go([&] { flag = true; });
    all.wait();
  });
}

// GR-11
TEST_P(Monitor, BlockingReturnsWhatItsFunctionReturns) {
  run([] {
    EXPECT_EQ(weft::blocking([] { return 5; }), 5);
    EXPECT_EQ(*weft::blocking([] { return std::make_unique<int>(6); }), 6);
    int x = 0;
    int& same = weft::blocking([&]() -> int& { return x; });
    EXPECT_EQ(&same, &x);
    EXPECT_THROW(weft::blocking([] { throw std::runtime_error("f"); }), std::runtime_error);
    weft::yield();  // the section has ended
  });
  EXPECT_EQ(weft::blocking([] { return 7; }), 7);  // no runtime: just a call
}

// GR-12: two that compute run at the same time: each ends only when it sees the other.
TEST(MonitorTwoWorkers, TwoThatComputeOverlap) {
  weft::run(weft::runtime_options{.max_procs = 2}, [] {
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> here{0};
      weft::wait_group all;
      for (int i = 0; i < 2; ++i) {
        all.go([&] {
          ++here;
          while (here < 2) {
          }
        });
      }
      all.wait();
    }
  });
}

// GR-12: what waits in the next slot of a worker that computes on is taken by another.
TEST_P(Monitor, AReadyGoroutineLeavesAWorkerThatComputesOn) {
  run([] {
    for (int round = 0; round < 20; ++round) {
      auto c = weft::make_chan<int>();
      std::atomic<bool> resumed{false};
      weft::go([&, c] {
        c.recv();
        resumed = true;
      });
      weft::testing::wait_until_parked(1, "chan receive");
      c.send(1);
      while (!resumed) {
      }
      weft::testing::wait_until_goroutines(1);
    }
  });
}

// GR-7: the worker that took a stuck one's place may never be idle, and so never steal.
TEST_P(Monitor, AReadyGoroutineLeavesAWorkerThatComputesWhileOthersYield) {
  run([this] {
    weft::wait_group all;
    std::atomic<int> resumed{0};
    for (int i = 0; i < procs(); ++i) {
      auto c = weft::make_chan<int>();
      all.go([&, c] {
        c.recv();
        ++resumed;
      });
      weft::testing::wait_until_parked(1, "chan receive");
      all.go([&, c, i] {
        c.send(1);
        while (resumed <= i) {
        }
      });
      while (resumed <= i) {
        weft::yield();
      }
    }
    all.wait();
  });
}

}  // namespace
