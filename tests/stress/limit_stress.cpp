// The deadline against the wake-up, at the same moment, again and again: each wait ends in exactly
// one way, and nothing is left behind, since the object dies at once. HZ-13.
// WEFT_TEST_SCALE scales the rounds: at 1 a million of them in all.
#include <weft/cond_var.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using weft::testing::test_context;

class LimitStress : public weft::testing::Procs {};
WEFT_PROCS(LimitStress);

// Six tests at three numbers of workers.
int rounds() { return std::max(10, static_cast<int>(1e6 / 18 * weft::testing::scale())); }

// Aims the wake-up at the deadline: comes earlier after a timeout, later after a wake-up, so that
// about half of the waits end in either way, however slow the machine is.
class aim {
 public:
  clock_type::time_point deadline(int round) const {
    return clock_type::now() + std::chrono::nanoseconds(wait_ns_ + round * 37 % 400 - 200);
  }
  void note(bool woken) {
    ++(woken ? woken_ : timed_out_);
    wait_ns_ += woken ? -step_ns : step_ns;
    wait_ns_ = std::clamp<std::int64_t>(wait_ns_, 0, 1'000'000);
  }
  void print(const char* what) const {
    std::printf("%s: %lld woken, %lld timed out\n", what, static_cast<long long>(woken_),
                static_cast<long long>(timed_out_));
  }
  std::int64_t woken() const { return woken_; }
  std::int64_t timed_out() const { return timed_out_; }

 private:
  static constexpr std::int64_t step_ns = 50;
  std::int64_t wait_ns_ = 1000;
  std::int64_t woken_ = 0, timed_out_ = 0;
};

TEST_P(LimitStress, Mutex) {
  run([] {
    aim at;
    const int n = rounds();
    for (int r = 0; r < n; ++r) {
      auto m = std::make_unique<weft::mutex>();
      m->lock();
      weft::go([m = m.get()] { m->unlock(); });
      const bool woken = m->try_lock_until(at.deadline(r));
      at.note(woken);
      if (!woken) {
        m->lock();  // the other one unlocks, sooner or later
      }
      ASSERT_FALSE(m->try_lock());
      m->unlock();
      m.reset();
    }
    EXPECT_EQ(at.woken() + at.timed_out(), n);
    at.print("mutex");
  });
}

// The notification goes to one of two, whichever ends how: exactly one.
TEST_P(LimitStress, CondVar) {
  run([] {
    struct scene {
      weft::mutex m;
      weft::cond_var c;
      bool waits = false;
      int notified = 0;
      weft::wait_group gone;
    };
    aim at;
    const int n = rounds();
    for (int r = 0; r < n; ++r) {
      auto s = std::make_unique<scene>();
      s->gone.go([s = s.get()] {
        std::unique_lock hold(s->m);
        s->waits = true;
        s->c.wait(hold);
        ++s->notified;
      });
      std::unique_lock hold(s->m);
      weft::go([s = s.get()] {
        {
          std::lock_guard wait_for_both(s->m);
          s->waits = true;
        }
        s->c.notify_one();
      });
      const bool woken = s->c.wait_until(hold, at.deadline(r)) == std::cv_status::no_timeout;
      at.note(woken);
      hold.unlock();
      // Both goroutines have to end; the one that waits needs a notification if it has none yet.
      while (weft::num_goroutines() > 1) {
        s->c.notify_one();
        weft::yield();
      }
      s->gone.wait();
      ASSERT_EQ(s->notified, 1);
      s.reset();
    }
    EXPECT_EQ(at.woken() + at.timed_out(), n);
    at.print("cond_var");
  });
}

TEST_P(LimitStress, WaitGroup) {
  run([] {
    aim at;
    const int n = rounds();
    for (int r = 0; r < n; ++r) {
      auto group = std::make_unique<weft::wait_group>();
      int plain = 0;
      group->go([&plain] { plain = 1; });
      const bool woken = group->wait_until(at.deadline(r));
      at.note(woken);
      if (!woken) {
        group->wait();
      }
      ASSERT_EQ(plain, 1);
      group.reset();
    }
    EXPECT_EQ(at.woken() + at.timed_out(), n);
    at.print("wait_group");
  });
}

// A grant and a deadline: the token is either held or free, never both, never neither.
TEST_P(LimitStress, Semaphore) {
  run([] {
    aim at;
    const int n = rounds();
    for (int r = 0; r < n; ++r) {
      auto s = std::make_unique<weft::semaphore>(2);
      s->acquire(2);
      weft::go([s = s.get()] { s->release(1); });
      const bool woken = s->try_acquire_until(at.deadline(r));
      at.note(woken);
      if (!woken) {
        s->acquire();
      }
      ASSERT_FALSE(s->try_acquire());
      s->release(2);
      ASSERT_TRUE(s->try_acquire(2));
      s.reset();
    }
    EXPECT_EQ(at.woken() + at.timed_out(), n);
    at.print("semaphore");
  });
}

// A writer's deadline against the last reader's way out, with a reader behind the writer.
TEST_P(LimitStress, SharedMutex) {
  run([] {
    aim at;
    const int n = rounds();
    for (int r = 0; r < n; ++r) {
      auto m = std::make_unique<weft::shared_mutex>();
      weft::wait_group gone;
      int inside = 0;
      m->lock_shared();
      gone.go([m = m.get()] { m->unlock_shared(); });
      gone.go([m = m.get(), &inside] {
        m->lock_shared();
        EXPECT_EQ(inside, 0);
        m->unlock_shared();
      });
      const bool woken = m->try_lock_until(at.deadline(r));
      at.note(woken);
      if (woken) {
        inside = 1;
        inside = 0;
        m->unlock();
      }
      gone.wait();
      ASSERT_TRUE(m->try_lock());
      m->unlock();
      m.reset();
    }
    EXPECT_EQ(at.woken() + at.timed_out(), n);
    at.print("shared_mutex");
  });
}

// Cancellation instead of a deadline, of two who wait for one token.
TEST_P(LimitStress, CancelAgainstRelease) {
  run([] {
    std::int64_t canceled = 0, served = 0;
    const int n = rounds();
    for (int r = 0; r < n; ++r) {
      auto s = std::make_unique<weft::semaphore>(1);
      s->acquire();
      test_context ctx;
      weft::wait_group all;
      std::atomic<int> got{0};
      for (int i = 0; i < 2; ++i) {
        all.go([&] {
          if (!s->acquire(ctx)) {
            ++got;
            s->release();
          }
        });
      }
      all.go([&] { s->release(); });
      all.go([&] { ctx.cancel(); });
      all.wait();
      served += got;
      canceled += 2 - got;
      ASSERT_TRUE(s->try_acquire());
      s.reset();
    }
    EXPECT_EQ(served + canceled, std::int64_t{2} * n);
    std::printf("cancel: %lld served, %lld cancelled\n", static_cast<long long>(served),
                static_cast<long long>(canceled));
  });
}

}  // namespace
