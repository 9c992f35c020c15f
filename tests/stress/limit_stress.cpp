// The deadline against the wake-up, at the same moment, again and again: each wait ends in exactly
// one way, and nothing is left behind, since the object dies at once. HZ-13.
// WEFT_TEST_SCALE scales the rounds: at 1 a million of them in all.
#include <weft/chan.hpp>
#include <weft/cond_var.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using weft::testing::test_context;

class LimitStress : public weft::testing::Procs {};
WEFT_PROCS(LimitStress);

// Eleven tests at three numbers of workers; a scale of 33 is a million rounds of each.
int rounds() { return std::max(10, static_cast<int>(1e6 / 33 * weft::testing::scale())); }

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

// A thread that does things at once, beside the worker: goroutines that one goroutine spawns would
// mostly take turns with it.
class opponent {
 public:
  opponent()
      : thread_([this] {
          while (!stop_) {
            if (busy_.load()) {
              job_();
              busy_.store(false);
            } else {
              std::this_thread::yield();
            }
          }
        }) {}
  ~opponent() {
    stop_ = true;
    thread_.join();
  }
  /// After what it was told before.
  void tell(std::function<void()> job) {
    wait();
    job_ = std::move(job);
    busy_.store(true);
  }
  void wait() const {
    while (busy_.load()) {
      weft::yield();
    }
  }

 private:
  std::function<void()> job_;
  std::atomic<bool> busy_{false}, stop_{false};
  std::thread thread_;
};

// One round in so many is against a thread: where the machine is busy with other things each of
// these may take many milliseconds.
int rounds_between_threads() { return std::max(16, rounds() / 4000); }

// Most rounds against a goroutine, some against a thread, each kind with an aim of its own.
class match {
 public:
  explicit match(const char* what) : what_(what) {}
  ~match() {
    EXPECT_EQ(by_turns_.woken() + by_turns_.timed_out() + at_once_.woken() + at_once_.timed_out(),
              rounds());
    by_turns_.print(what_);
    at_once_.print(what_);
  }
  /// Lets the other side act now; the deadline of this side.
  clock_type::time_point begin(int round, std::function<void()> job) {
    now_ = round % rounds_between_threads() != 0 ? &by_turns_ : &at_once_;
    if (now_ == &by_turns_) {
      weft::go(std::move(job));
    } else {
      other_.tell(std::move(job));
    }
    return now_->deadline(round);
  }
  void note(bool woken) { now_->note(woken); }
  /// Until the other side has ended its last action.
  void wait() const { other_.wait(); }

 private:
  const char* what_;
  aim by_turns_, at_once_;
  aim* now_ = nullptr;
  opponent other_;
};

TEST_P(LimitStress, Mutex) {
  run([] {
    match against("mutex");
    for (int r = 0; r < rounds(); ++r) {
      auto m = std::make_unique<weft::mutex>();
      m->lock();
      const auto deadline = against.begin(r, [m = m.get()] { m->unlock(); });
      const bool woken = m->try_lock_until(deadline);
      against.note(woken);
      if (!woken) {
        m->lock();  // the other side unlocks, sooner or later
      }
      ASSERT_FALSE(m->try_lock());
      m->unlock();
      m.reset();
    }
  });
}

// One notification for one of two who wait, whichever ends how.
TEST_P(LimitStress, CondVar) {
  run([] {
    struct scene {
      weft::mutex m;
      weft::cond_var c;
      int notified = 0;
      std::atomic<bool> ended{false};
    };
    match against("cond_var");
    for (int r = 0; r < rounds(); ++r) {
      auto s = std::make_unique<scene>();
      weft::go([s = s.get()] {
        std::unique_lock hold(s->m);
        s->c.wait(hold);
        ++s->notified;
        hold.unlock();
        s->ended = true;
      });
      std::unique_lock hold(s->m);
      const auto deadline = against.begin(r, [s = s.get()] {
        s->m.lock();  // not before the one below waits
        s->m.unlock();
        s->c.notify_one();
      });
      const bool woken = s->c.wait_until(hold, deadline) == std::cv_status::no_timeout;
      against.note(woken);
      hold.unlock();
      // The other one that waits needs a notification if it has none yet.
      while (!s->ended) {
        s->c.notify_one();
        weft::yield();
      }
      against.wait();
      weft::testing::wait_until_goroutines(1);
      ASSERT_EQ(s->notified, 1);
      s.reset();
    }
  });
}

TEST_P(LimitStress, WaitGroup) {
  run([] {
    match against("wait_group");
    for (int r = 0; r < rounds(); ++r) {
      auto group = std::make_unique<weft::wait_group>();
      int plain = 0;
      group->add(1);
      const auto deadline = against.begin(r, [group = group.get(), &plain] {
        plain = 1;
        group->done();
      });
      const bool woken = group->wait_until(deadline);
      against.note(woken);
      if (!woken) {
        group->wait();
      }
      ASSERT_EQ(plain, 1);
      group.reset();
    }
  });
}

// A grant and a deadline: the token is held or it is free, never both, never neither.
TEST_P(LimitStress, Semaphore) {
  run([] {
    match against("semaphore");
    for (int r = 0; r < rounds(); ++r) {
      auto s = std::make_unique<weft::semaphore>(2);
      s->acquire(2);
      const auto deadline = against.begin(r, [s = s.get()] { s->release(1); });
      const bool woken = s->try_acquire_until(deadline);
      against.note(woken);
      if (!woken) {
        s->acquire();
      }
      ASSERT_FALSE(s->try_acquire());
      s->release(2);
      ASSERT_TRUE(s->try_acquire(2));
      s.reset();
    }
  });
}

// A writer's deadline against the last reader's way out, with a reader behind the writer.
TEST_P(LimitStress, SharedMutexWriter) {
  run([] {
    match against("shared_mutex, writer");
    for (int r = 0; r < rounds(); ++r) {
      auto m = std::make_unique<weft::shared_mutex>();
      weft::wait_group gone;
      int inside = 0;
      m->lock_shared();
      gone.go([m = m.get(), &inside] {
        m->lock_shared();
        EXPECT_EQ(inside, 0);
        m->unlock_shared();
      });
      const auto deadline = against.begin(r, [m = m.get()] { m->unlock_shared(); });
      const bool woken = m->try_lock_until(deadline);
      against.note(woken);
      if (woken) {
        inside = 1;
        weft::yield();
        inside = 0;
        m->unlock();
      }
      gone.wait();
      m->lock();  // the first reader has left, then
      m->unlock();
      m.reset();
    }
  });
}

// A reader's deadline against the writer's way out.
TEST_P(LimitStress, SharedMutexReader) {
  run([] {
    match against("shared_mutex, reader");
    for (int r = 0; r < rounds(); ++r) {
      auto m = std::make_unique<weft::shared_mutex>();
      m->lock();
      const auto deadline = against.begin(r, [m = m.get()] { m->unlock(); });
      const bool woken = m->try_lock_shared_until(deadline);
      against.note(woken);
      if (!woken) {
        m->lock_shared();
      }
      ASSERT_FALSE(m->try_lock());
      m->unlock_shared();
      ASSERT_TRUE(m->try_lock());
      m->unlock();
      m.reset();
    }
  });
}

// A receiver's deadline against the sender, and the sender's against the receiver: who meets the
// other has the value, who does not has it still.
TEST_P(LimitStress, Channel) {
  run([] {
    match against("channel");
    for (int r = 0; r < rounds(); ++r) {
      auto c = weft::make_chan<int>();
      int got = -1;
      weft::chan_status here{}, there{};
      weft::wait_group ended;
      ended.add(1);
      const auto deadline = against.begin(r, [&, c, r] {
        there = r % 2 == 0 ? c.try_send(r) : c.try_recv(got);
        ended.done();
      });
      here = r % 2 == 0 ? c.recv_until(got, deadline) : c.send_until(r, deadline);
      const bool woken = here == weft::chan_status::ok;
      against.note(woken);
      ended.wait();
      ASSERT_EQ(there, woken ? weft::chan_status::ok : weft::chan_status::would_block);
      ASSERT_EQ(got, woken ? r : -1);
      ASSERT_EQ(c.try_send(r), weft::chan_status::would_block);  // nobody is linked
      ASSERT_EQ(c.try_recv(got), weft::chan_status::would_block);
    }
  });
}

// The same with a select of a timeout and two channels, one of which the other side serves.
TEST_P(LimitStress, Select) {
  run([] {
    match against("select");
    for (int r = 0; r < rounds(); ++r) {
      auto a = weft::make_chan<int>(), b = weft::make_chan<int>();
      weft::chan_status there{};
      weft::wait_group ended;
      ended.add(1);
      const auto deadline = against.begin(r, [&, r] {
        there = (r % 2 == 0 ? a : b).try_send(r);
        ended.done();
      });
      std::optional<int> from_a, from_b;
      const auto won =
          weft::select(weft::recv(a, from_a), weft::recv(b, from_b), weft::timeout(deadline));
      against.note(won != 2);
      ended.wait();
      ASSERT_EQ(there, won != 2 ? weft::chan_status::ok : weft::chan_status::would_block);
      ASSERT_EQ(from_a.has_value(), won == 0);
      ASSERT_EQ(from_b.has_value(), won == 1);
      ASSERT_EQ(a.try_send(r), weft::chan_status::would_block);  // nobody is linked
      ASSERT_EQ(b.try_send(r), weft::chan_status::would_block);
    }
  });
}

// Overwrites the stack below its caller's frame.
[[gnu::noinline]] void scribble() {
  volatile unsigned char used[4096];
  for (volatile unsigned char& c : used) {
    c = 0xa5;
  }
}

// No channel's lock keeps a select that has only a timeout where it is: it may be gone as soon as
// the timer knows of it.
TEST_P(LimitStress, SelectOfATimeoutAlone) {
  run([] {
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.go([] {
        const weft::chan<int> nil;
        for (int r = 0; r < rounds(); ++r) {
          ASSERT_EQ(
              weft::select(weft::recv(nil), weft::timeout(std::chrono::nanoseconds(r % 3000))), 1);
          scribble();
        }
      });
    }
    all.wait();
  });
}

// A sleeper's time against its cancellation: it has slept for as long as it was to, or it has the
// error; the context dies as soon as the canceller is through with it.
TEST_P(LimitStress, Sleep) {
  run([] {
    match against("sleep");
    for (int r = 0; r < rounds(); ++r) {
      auto ctx = std::make_unique<test_context>();
      const auto begin = clock_type::now();
      const auto deadline = against.begin(r, [at = *ctx] { at.cancel(); });
      const auto d = deadline - clock_type::now();
      const weft::error e = weft::sleep(*ctx, d);
      ctx.reset();
      if (e) {
        ASSERT_EQ(e, weft::canceled);
      } else {
        ASSERT_GE(clock_type::now() - begin, d);
      }
      against.note(static_cast<bool>(e));
      weft::testing::wait_until_goroutines(1);
      against.wait();
    }
  });
}

// Cancellation instead of a deadline, of two who wait for one token.
TEST_P(LimitStress, CancelAgainstRelease) {
  run([] {
    opponent other;
    std::int64_t canceled = 0, served = 0;
    for (int r = 0; r < rounds(); ++r) {
      auto s = std::make_unique<weft::semaphore>(1);
      s->acquire();
      test_context ctx;
      weft::wait_group all;
      std::atomic<int> got{0}, here{0};
      for (int i = 0; i < 2; ++i) {
        all.go([&] {
          ++here;
          if (!s->acquire(ctx)) {
            ++got;
            s->release();
          }
        });
      }
      while (here < 2) {
        weft::yield();
      }
      if (r % rounds_between_threads() == 0) {
        other.tell([ctx] { ctx.cancel(); });
      } else {
        weft::go([ctx] { ctx.cancel(); });
      }
      if (r % 2 == 0) {
        weft::yield();
      }
      s->release();
      all.wait();
      served += got;
      canceled += 2 - got;
      ASSERT_TRUE(s->try_acquire());
      s.reset();
    }
    EXPECT_EQ(served + canceled, std::int64_t{2} * rounds());
    std::printf("cancel: %lld served, %lld cancelled\n", static_cast<long long>(served),
                static_cast<long long>(canceled));
  });
}

}  // namespace
