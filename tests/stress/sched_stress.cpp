// The scheduler under load: each goroutine runs exactly once, whoever spawned it.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <mutex>
#include "support/fixture.hpp"

namespace {

class SchedStress : public weft::testing::Procs {};
WEFT_PROCS(SchedStress);

int rounds(int n) { return std::max(10, static_cast<int>(n * weft::testing::scale())); }

// A line for every goroutine; each must be crossed off once.
class ledger {
 public:
  explicit ledger(std::size_t n) : lines_(n) {}
  void cross_off(std::size_t i) { lines_[i].fetch_add(1); }
  std::size_t wrong() const {
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(), [](const auto& l) { return l != 1; }));
  }

 private:
  std::vector<std::atomic<std::uint8_t>> lines_;
};

// ThreadSanitizer follows some 28 000 goroutines at once: so many for each of those who start them.
std::size_t at_once(std::size_t each, std::size_t spawners) {
  return WEFT_RACE ? std::min(each, 20'000 / spawners) : each;
}

// GR-8, GR-12
TEST_P(SchedStress, SpawnStormsRunEachGoroutineOnce) {
  run([] {
    constexpr std::size_t spawners = 5;
    const std::size_t each = at_once(static_cast<std::size_t>(rounds(200'000)), spawners);
    ledger l(spawners * each);
    weft::wait_group all;
    all.add(static_cast<int>(spawners * each));
    for (std::size_t s = 0; s < spawners; ++s) {
      weft::go([&, s] {
        for (std::size_t i = 0; i < each; ++i) {
          weft::go([&l, &all, line = s * each + i] {
            l.cross_off(line);
            all.done();
          });
          if (i % 1000 == 0) {
            weft::yield();
          }
        }
      });
    }
    all.wait();
    EXPECT_EQ(l.wrong(), 0u);
  });
}

// RT-1
TEST_P(SchedStress, YieldStormsLoseNobody) {
  run([] {
    constexpr int goroutines = 100;
    const int each = rounds(10'000);
    std::atomic<std::int64_t> yields{0};
    weft::wait_group all;
    for (int i = 0; i < goroutines; ++i) {
      all.go([&] {
        for (int k = 0; k < each; ++k) {
          weft::yield();
          yields.fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
    all.wait();
    EXPECT_EQ(yields.load(), std::int64_t{goroutines} * each);
  });
}

// RT-6
TEST_P(SchedStress, WorkersComeAndGoDuringWork) {
  run([] {
    constexpr std::size_t goroutines = 20;
    const auto each = static_cast<std::size_t>(rounds(50'000));
    ledger l(goroutines * each);
    weft::wait_group all;
    std::atomic<bool> stop{false};
    for (std::size_t g = 0; g < goroutines; ++g) {
      all.go([&, g] {
        weft::wait_group mine;
        for (std::size_t i = 0; i < each; ++i) {
          mine.go([&l, line = g * each + i] { l.cross_off(line); });
          if (i % 100 == 0) {
            mine.wait();
          }
        }
        mine.wait();
      });
    }
    weft::wait_group changer;
    changer.go([&] {
      for (int n = 1; !stop; n = n % 6 + 1) {
        weft::max_procs(n);
        for (int i = 0; i < 10; ++i) {
          weft::yield();
        }
      }
    });
    all.wait();
    stop = true;
    changer.wait();
    EXPECT_EQ(l.wrong(), 0u);
  });
}

// GR-2, HZ-10
TEST_P(SchedStress, RunsTwoHundredTimesWithLeftovers) {
  for (int r = 0; r < std::max(10, static_cast<int>(200 * weft::testing::scale())); ++r) {
    std::atomic<int> ran{0};
    run_and_abandon([&] {
      // Those who wait stay in its queue: it must live on.
      static weft::wait_group never;
      [[maybe_unused]] static const bool counts = (never.add(1), true);
      for (int i = 0; i < 5; ++i) {
        weft::go([] { never.wait(); });
      }
      weft::wait_group all;
      for (int i = 0; i < 100; ++i) {
        all.go([&] { ++ran; });
      }
      all.wait();
    });
    ASSERT_EQ(ran.load(), 100);
  }
}

// HZ-11
TEST_P(SchedStress, ThreadsOfTheUserSpawnIntoTheRuntime) {
  run([] {
    constexpr std::size_t threads = 3;
    const std::size_t each = at_once(static_cast<std::size_t>(rounds(350'000)), threads);
    ledger l(threads * each);
    weft::wait_group all;
    all.add(static_cast<int>(threads * each));
    std::vector<std::thread> others;
    for (std::size_t t = 0; t < threads; ++t) {
      others.emplace_back([&, t] {
        for (std::size_t i = 0; i < each; ++i) {
          weft::go([&l, &all, line = t * each + i] {
            l.cross_off(line);
            all.done();
          });
        }
      });
    }
    all.wait();
    for (std::thread& t : others) {
      t.join();
    }
    EXPECT_EQ(l.wrong(), 0u);
  });
}

// A foreign thread's wake-up ends the run while that thread is still on its way out of it.
TEST_P(SchedStress, AForeignWakeMayBeTheEndOfTheRun) {
  const int rounds = static_cast<int>(300 * weft::testing::scale()) + 20;
  for (int i = 0; i < rounds; ++i) {
    std::thread outside;
    run_and_abandon([&] {
      auto c = weft::make_chan<int>();
      outside = std::thread([c] { c.send(1); });
      EXPECT_EQ(*c.recv(), 1);
    });
    outside.join();
  }
}

// Places that come and go while workers look for work: nobody is forgotten.
TEST_P(SchedStress, ChangingMaxProcsAllTheTimeForgetsNobody) {
  const int rounds = static_cast<int>(100'000 * weft::testing::scale()) + 100;
  run([&] {
    weft::wait_group group;
    for (int who = 0; who < 2; ++who) {
      group.go([&, who] {
        for (int i = 0; i < rounds; ++i) {
          weft::max_procs(1 + (i + who) % 4);
          weft::yield();
        }
      });
    }
    int done = 0;
    weft::mutex lock;
    for (int i = 0; i < 8; ++i) {
      group.go([&] {
        for (int k = 0; k < rounds; ++k) {
          weft::yield();
        }
        std::lock_guard hold(lock);
        ++done;
      });
    }
    group.wait();
    EXPECT_EQ(done, 8);
  });
}

}  // namespace
