// Millions of operations on mutex, wait_group, cond_var and once: exact counts, and objects that
// die as early as they may. WEFT_TEST_SCALE scales the rounds.
#include <weft/cond_var.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "support/fixture.hpp"

namespace {

class SyncStress : public weft::testing::Procs {};
WEFT_PROCS(SyncStress);

int rounds(int n) { return std::max(10, static_cast<int>(n * weft::testing::scale())); }

// MU-1, MU-3: exact, and nobody is left far behind.
TEST_P(SyncStress, AMutexCountsExactly) {
  run([] {
    constexpr int goroutines = 10;
    const int each = rounds(100'000);
    weft::mutex m;
    weft::wait_group all;
    std::int64_t counted = 0;
    for (int i = 0; i < goroutines; ++i) {
      all.go([&] {
        for (int k = 0; k < each; ++k) {
          std::lock_guard hold(m);
          ++counted;
          if (k % 64 == 0) {
            weft::yield();
          }
        }
      });
    }
    all.wait();
    EXPECT_EQ(counted, std::int64_t{goroutines} * each);
  });
}

// WG-3, HZ-1: on the stack, gone as soon as wait() returns.
TEST_P(SyncStress, AWaitGroupMayDieAsSoonAsWaitReturns) {
  run([] {
    const int n = rounds(100'000);
    for (int r = 0; r < n; ++r) {
      auto group = std::make_unique<weft::wait_group>();
      int plain[3] = {};
      for (int& slot : plain) {
        group->go([&slot] { slot = 1; });
      }
      group->wait();
      group.reset();
      ASSERT_EQ(plain[0] + plain[1] + plain[2], 3);
    }
  });
}

// HZ-1: the last one to unlock destroys the mutex.
TEST_P(SyncStress, AMutexMayDieAsSoonAsItsLastUserHasUnlocked) {
  run([] {
    struct shared {
      weft::mutex m;
      int users = 3;
    };
    const int n = rounds(50'000);
    std::atomic<int> destroyed{0};
    for (int r = 0; r < n; ++r) {
      auto* s = new shared;
      weft::wait_group all;
      for (int i = 0; i < 3; ++i) {
        all.go([s, i, &destroyed] {
          s->m.lock();
          if (i == 1) {
            weft::yield();
          }
          const bool last = --s->users == 0;
          s->m.unlock();
          if (last) {
            delete s;
            ++destroyed;
          }
        });
      }
      all.wait();
    }
    EXPECT_EQ(destroyed.load(), n);
  });
}

// CV-1..3: each generation wakes completely, none wakes early.
TEST_P(SyncStress, CondVarGenerations) {
  run([] {
    constexpr int waiters = 8;
    const int generations = rounds(50'000);
    weft::mutex m;
    weft::cond_var go_on, arrived;
    int generation = 0, here = 0;
    weft::wait_group all;
    for (int i = 0; i < waiters; ++i) {
      all.go([&] {
        std::unique_lock hold(m);
        for (int g = 0; g < generations; ++g) {
          if (++here == waiters) {
            arrived.notify_one();
          }
          go_on.wait(hold);  // no loop: no spurious wake-ups
          ASSERT_EQ(generation, g + 1);
        }
      });
    }
    {
      std::unique_lock hold(m);
      for (int g = 0; g < generations; ++g) {
        arrived.wait(hold, [&] { return here == waiters; });
        here = 0;
        ++generation;
        go_on.notify_all();
      }
    }
    all.wait();
    EXPECT_EQ(generation, generations);
  });
}

// ON-1
TEST_P(SyncStress, OnceStorm) {
  run([] {
    const int n = rounds(50'000);
    for (int r = 0; r < n; ++r) {
      weft::once once;
      int calls = 0;
      weft::wait_group all;
      for (int i = 0; i < 4; ++i) {
        all.go([&, i] {
          once.do_([&] {
            if (i % 2 == 0) {
              weft::yield();
            }
            ++calls;
          });
        });
      }
      all.wait();
      ASSERT_EQ(calls, 1);
    }
  });
}

}  // namespace
