// Millions of operations on mutex, wait_group, cond_var and once: exact counts, and objects that
// die as early as they may. WEFT_TEST_SCALE scales the rounds; at 1 each test does a million.
#include <weft/cond_var.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "support/fixture.hpp"
#include "support/think.hpp"

namespace {

using weft::testing::thinker;

class SyncStress : public weft::testing::Procs {};
WEFT_PROCS(SyncStress);

// One for each goroutine.
thinker pause(int procs, int who) { return {procs, static_cast<std::uint64_t>(who)}; }

// Those who are ahead wait a little for the others, so that all come to the same object at about
// the same time; not for ever: the others may be on a thread that does not run. They stay the same
// goroutines all the time: fresh ones with so little to do would be left to one worker.
class in_step {
 public:
  explicit in_step(int parties) : parties_(parties) {}
  void finish(int round) {
    ++finished_;
    for (int i = 0; i < 20 && finished_ < std::int64_t{parties_} * (round + 1); ++i) {
      weft::yield();
    }
  }

 private:
  const int parties_;
  std::atomic<std::int64_t> finished_{0};
};

int rounds(int n) { return std::max(10, static_cast<int>(n * weft::testing::scale())); }

// MU-1, MU-3: exact, and nobody is left far behind.
TEST_P(SyncStress, AMutexCountsExactly) {
  run([this] {
    constexpr int goroutines = 10;
    const int each = rounds(100'000);
    weft::mutex m;
    weft::wait_group all;
    std::int64_t counted = 0;
    for (int i = 0; i < goroutines; ++i) {
      all.go([&, think = pause(procs(), i)]() mutable {
        for (int k = 0; k < each; ++k) {
          think();
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
  run([this] {
    constexpr int helpers = 3;
    struct round {
      weft::wait_group group;
      int plain[helpers] = {};
    };
    const int n = rounds(200'000);
    std::vector<round*> objects;
    for (int r = 0; r < n; ++r) {
      objects.push_back(new round);
      objects.back()->group.add(helpers);
    }
    in_step step(helpers);
    weft::wait_group all;
    for (int h = 0; h < helpers; ++h) {
      all.go([&, h, think = pause(procs(), h)]() mutable {
        for (int r = 0; r < n; ++r) {
          think();
          round* mine = objects[static_cast<std::size_t>(r)];
          mine->plain[h] = 1;
          mine->group.done();
          step.finish(r);
        }
      });
    }
    for (round* r : objects) {
      r->group.wait();
      EXPECT_EQ(r->plain[0] + r->plain[1] + r->plain[2], 3);
      delete r;
    }
    all.wait();
  });
}

// HZ-1: the last one to unlock destroys the mutex.
TEST_P(SyncStress, AMutexMayDieAsSoonAsItsLastUserHasUnlocked) {
  run([this] {
    constexpr int users = 3;
    struct shared {
      weft::mutex m;
      int left = users;
    };
    const int n = rounds(170'000);
    std::vector<shared*> objects;
    for (int r = 0; r < n; ++r) {
      objects.push_back(new shared);
    }
    std::atomic<int> destroyed{0};
    in_step step(users);
    weft::wait_group all;
    for (int i = 0; i < users; ++i) {
      all.go([&, i, think = pause(procs(), i)]() mutable {
        for (int r = 0; r < n; ++r) {
          think();
          shared* s = objects[static_cast<std::size_t>(r)];
          s->m.lock();
          if ((r + i) % 8 == 0) {
            weft::yield();
          }
          const bool last = --s->left == 0;
          s->m.unlock();
          if (last) {
            delete s;
            ++destroyed;
          }
          step.finish(r);
        }
      });
    }
    all.wait();
    EXPECT_EQ(destroyed.load(), n);
  });
}

// CV-1..3: each generation wakes completely, none wakes early.
TEST_P(SyncStress, CondVarGenerations) {
  run([this] {
    constexpr int waiters = 8;
    const int generations = rounds(125'000);
    weft::mutex m;
    weft::cond_var go_on, arrived;
    int generation = 0, here = 0;
    weft::wait_group all;
    for (int i = 0; i < waiters; ++i) {
      all.go([&, think = pause(procs(), i)]() mutable {
        std::unique_lock hold(m);
        for (int g = 0; g < generations; ++g) {
          if (++here == waiters) {
            arrived.notify_one();
          }
          go_on.wait(hold);  // no loop: no spurious wake-ups
          ASSERT_EQ(generation, g + 1);
          hold.unlock();
          think();
          hold.lock();
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
  run([this] {
    constexpr int callers = 4;
    const int n = rounds(250'000);
    struct round {
      weft::once once;
      int calls = 0;
    };
    std::vector<round> all_rounds(static_cast<std::size_t>(n));
    std::atomic<int> early{0};
    in_step step(callers);
    weft::wait_group all;
    for (int i = 0; i < callers; ++i) {
      all.go([&, i, think = pause(procs(), i)]() mutable {
        for (int r = 0; r < n; ++r) {
          round& mine = all_rounds[static_cast<std::size_t>(r)];
          think();
          mine.once.do_([&] {
            if ((r + i) % 4 == 0) {
              weft::yield();
            }
            ++mine.calls;
          });
          early += mine.calls != 1;
          step.finish(r);
        }
      });
    }
    all.wait();
    EXPECT_EQ(early, 0);
    EXPECT_TRUE(std::all_of(all_rounds.begin(), all_rounds.end(),
                            [](const round& r) { return r.calls == 1; }));
  });
}

}  // namespace
