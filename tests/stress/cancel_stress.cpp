// Each wait that takes a context: the event, the cancellation and the one who waits meet, again and
// again. Each wait ends in exactly one way, which is the one that the other side saw, and nobody is
// left in a queue: everything dies after each round. U-6, HZ-13.
// WEFT_TEST_SCALE scales the rounds: at 1 a million of them in all.
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/cond_var.hpp>
#include <weft/context.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "support/fixture.hpp"
#include "support/think.hpp"

namespace {

using namespace std::chrono_literals;
using weft::chan_status;
using weft::context;
using weft::error;
using weft::testing::thinker;

class CancelStress : public weft::testing::Procs {};
WEFT_PROCS(CancelStress);

// Eleven kinds at three numbers of workers; a scale of 33 is a million rounds of each.
int rounds() { return std::max(10, static_cast<int>(1e6 / 33 * weft::testing::scale())); }

// Where three parties meet. They stay the same goroutines all the time: fresh ones with so little
// to do would be left to one worker.
class meeting {
 public:
  void arrive(int n) {
    arrived_.fetch_add(1);
    for (int spins = 0; arrived_.load() < std::int64_t{3} * n; ++spins) {
      if (spins > 50) {
        weft::yield();
      }
      if (spins > 60) {
        std::this_thread::yield();  // the third may be on a thread that does not run
      }
    }
  }

 private:
  std::atomic<std::int64_t> arrived_{0};
};

// One round: made by the one who waits, used by all three, checked and destroyed by the first.
// wait(ctx): null if the event came. wake(): the event. check(e): after both, e is what wait()
// gave.
template <class Scene>
void race(int procs, const char* name, int n, bool waiter_is_a_thread) {
  struct round {
    weft::cancelable_context own = weft::with_cancel(weft::background());
    Scene scene;
  };
  std::unique_ptr<round> now;
  meeting begin, end;
  std::atomic<std::int64_t> woken{0};
  weft::wait_group others;
  const auto seed = static_cast<std::uint64_t>(n) * 4;
  others.go([&, think = thinker(procs, seed + 1)]() mutable {
    for (int r = 1; r <= n; ++r) {
      begin.arrive(r);
      for (int i = 0; i < 1 + r % 2; ++i) {
        think();
      }
      now->scene.wake();
      end.arrive(r);
    }
  });
  others.go([&, think = thinker(procs, seed + 2)]() mutable {
    for (int r = 1; r <= n; ++r) {
      begin.arrive(r);
      for (int i = 0; i < 1 + r % 5; ++i) {
        think();
      }
      now->own.cancel();
      end.arrive(r);
    }
  });
  const auto wait_all = [&] {
    for (int r = 1; r <= n; ++r) {
      now = std::make_unique<round>();
      begin.arrive(r);
      const error e = now->scene.wait(now->own.ctx);
      end.arrive(r);
      if (e && e != weft::canceled) {
        ADD_FAILURE() << e;
      }
      now->scene.check(e);
      woken += e ? 0 : 1;
      now.reset();
    }
  };
  if (waiter_is_a_thread) {
    std::thread t(wait_all);
    others.wait();
    weft::blocking([&] { t.join(); });
  } else {
    wait_all();
    others.wait();
  }
  std::printf("%s%s: %lld woken, %lld cancelled\n", name, waiter_is_a_thread ? ", a thread" : "",
              static_cast<long long>(woken), static_cast<long long>(n - woken));
}

// Most rounds by a goroutine; some by a thread, which may take long where the machine is busy.
template <class Scene>
void race_both(int procs, const char* name) {
  const int by_thread = std::clamp(rounds() / 16, 1, 4000);
  race<Scene>(procs, name, rounds() - by_thread, false);
  race<Scene>(procs, name, by_thread, true);
}

TEST_P(CancelStress, Mutex) {
  struct scene {
    weft::mutex m;
    bool inside = false;
    scene() { m.lock(); }
    void wake() { m.unlock(); }
    error wait(const context& ctx) {
      error e = m.lock(ctx);
      if (!e) {
        inside = true;
        EXPECT_FALSE(m.try_lock());
        m.unlock();
      }
      return e;
    }
    void check(const error& e) {
      EXPECT_EQ(inside, !e);
      EXPECT_TRUE(m.try_lock());
      m.unlock();
    }
  };
  run([this] { race_both<scene>(procs(), "mutex"); });
}

TEST_P(CancelStress, SharedMutexWriter) {
  struct scene {
    weft::shared_mutex m;
    scene() { m.lock_shared(); }
    void wake() { m.unlock_shared(); }
    error wait(const context& ctx) {
      error e = m.lock(ctx);
      if (!e) {
        EXPECT_FALSE(m.try_lock_shared());
        m.unlock();
      }
      return e;
    }
    void check(const error&) {
      EXPECT_TRUE(m.try_lock_shared());  // nobody keeps readers out
      m.unlock_shared();
      EXPECT_TRUE(m.try_lock());
      m.unlock();
    }
  };
  run([this] { race_both<scene>(procs(), "shared_mutex, writer"); });
}

TEST_P(CancelStress, SharedMutexReader) {
  struct scene {
    weft::shared_mutex m;
    scene() { m.lock(); }
    void wake() { m.unlock(); }
    error wait(const context& ctx) {
      error e = m.lock_shared(ctx);
      if (!e) {
        EXPECT_FALSE(m.try_lock());
        m.unlock_shared();
      }
      return e;
    }
    void check(const error&) {
      EXPECT_TRUE(m.try_lock());
      m.unlock();
    }
  };
  run([this] { race_both<scene>(procs(), "shared_mutex, reader"); });
}

// A notification that comes too early is nobody's; the lock is held again in any case.
TEST_P(CancelStress, CondVar) {
  struct scene {
    weft::mutex m;
    weft::cond_var c;
    bool notified = false;  // guarded by m
    void wake() {
      std::lock_guard hold(m);
      notified = true;
      c.notify_one();
    }
    error wait(const context& ctx) {
      std::unique_lock hold(m);
      const bool late = notified;
      error e = c.wait(hold, ctx);
      EXPECT_TRUE(hold.owns_lock());
      EXPECT_FALSE(m.try_lock());
      EXPECT_TRUE(e || (notified && !late));
      return e;
    }
    void check(const error&) {
      EXPECT_TRUE(m.try_lock());
      m.unlock();
      c.notify_all();  // finds nobody
    }
  };
  run([this] { race_both<scene>(procs(), "cond_var"); });
}

TEST_P(CancelStress, Semaphore) {
  struct scene {
    weft::semaphore s{2};
    scene() { s.acquire(2); }
    void wake() { s.release(1); }
    error wait(const context& ctx) { return s.acquire(ctx); }
    void check(const error& e) {
      EXPECT_EQ(s.try_acquire(), static_cast<bool>(e));
      EXPECT_FALSE(s.try_acquire());
      s.release(2);
      EXPECT_TRUE(s.try_acquire(2));
    }
  };
  run([this] { race_both<scene>(procs(), "semaphore"); });
}

TEST_P(CancelStress, WaitGroup) {
  struct scene {
    weft::wait_group g;
    int plain = 0;
    scene() { g.add(1); }
    void wake() {
      plain = 1;
      g.done();
    }
    error wait(const context& ctx) {
      error e = g.wait(ctx);
      if (!e) {
        EXPECT_EQ(plain, 1);
      }
      return e;
    }
    void check(const error&) { g.wait(); }
  };
  run([this] { race_both<scene>(procs(), "wait_group"); });
}

// Either may be the one who calls the function. The cancelled one has not called it.
TEST_P(CancelStress, Once) {
  struct scene {
    weft::once once;
    int calls = 0, mine = 0;
    void wake() {
      once.do_([this] {
        weft::yield();
        ++calls;
      });
      EXPECT_EQ(calls, 1);
    }
    error wait(const context& ctx) {
      error e = once.do_(ctx, [this] {
        weft::yield();
        ++calls;
        ++mine;
      });
      EXPECT_TRUE(e || calls == 1);
      return e;
    }
    void check(const error& e) {
      EXPECT_EQ(calls, 1);
      EXPECT_TRUE(!e || mine == 0);
      once.do_([] { ADD_FAILURE() << "again"; });
    }
  };
  run([this] { race_both<scene>(procs(), "once"); });
}

// The value is with the receiver, or its sender has it still.
TEST_P(CancelStress, Receive) {
  struct scene {
    weft::chan<std::unique_ptr<int>> c = weft::make_chan<std::unique_ptr<int>>();
    std::unique_ptr<int> sent = std::make_unique<int>(1), got;
    chan_status there{};
    void wake() { there = c.try_send(sent); }
    error wait(const context& ctx) {
      const chan_status s = c.recv(ctx, got);
      EXPECT_TRUE(s == chan_status::ok || s == chan_status::canceled);
      return s == chan_status::ok ? error() : ctx.err();
    }
    void check(const error& e) {
      EXPECT_EQ(there, e ? chan_status::would_block : chan_status::ok);
      EXPECT_EQ(got == nullptr, static_cast<bool>(e));
      EXPECT_EQ(sent == nullptr, !e);
      EXPECT_EQ(c.try_send(sent), chan_status::would_block);  // nobody is linked
    }
  };
  run([this] { race_both<scene>(procs(), "receive"); });
}

TEST_P(CancelStress, Send) {
  struct scene {
    weft::chan<std::unique_ptr<int>> c = weft::make_chan<std::unique_ptr<int>>(1);
    std::unique_ptr<int> mine = std::make_unique<int>(2), first, got;
    scene() { c.send(std::make_unique<int>(1)); }
    void wake() { EXPECT_EQ(c.try_recv(first), chan_status::ok); }
    error wait(const context& ctx) {
      const chan_status s = c.send(ctx, mine);
      EXPECT_TRUE(s == chan_status::ok || s == chan_status::canceled);
      return s == chan_status::ok ? error() : ctx.err();
    }
    void check(const error& e) {
      EXPECT_EQ(*first, 1);
      EXPECT_EQ(c.try_recv(got), e ? chan_status::would_block : chan_status::ok);
      EXPECT_EQ(got == nullptr, static_cast<bool>(e));
      EXPECT_EQ(mine == nullptr, !e);
    }
  };
  run([this] { race_both<scene>(procs(), "send"); });
}

TEST_P(CancelStress, Select) {
  struct scene {
    weft::chan<int> a = weft::make_chan<int>(), b = weft::make_chan<int>();
    chan_status there{};
    void wake() { there = b.try_send(1); }
    error wait(const context& ctx) {
      std::optional<int> v;
      const std::size_t i =
          weft::select(weft::recv(a), weft::recv(b, v), weft::recv(ctx.done()), weft::timeout(1h));
      EXPECT_TRUE(i == 1 || i == 2);
      EXPECT_EQ(v.has_value(), i == 1);
      return i == 1 ? error() : ctx.err();
    }
    void check(const error& e) {
      EXPECT_EQ(there, e ? chan_status::would_block : chan_status::ok);
      EXPECT_EQ(a.try_send(1), chan_status::would_block);  // nobody is linked
      EXPECT_EQ(b.try_send(1), chan_status::would_block);
    }
  };
  run([this] { race_both<scene>(procs(), "select"); });
}

// Its time is the event.
TEST_P(CancelStress, Sleep) {
  struct scene {
    void wake() {}
    error wait(const context& ctx) {
      const auto begin = std::chrono::steady_clock::now();
      error e = weft::sleep(ctx, 1us);
      EXPECT_TRUE(e || std::chrono::steady_clock::now() - begin >= 1us);
      return e;
    }
    void check(const error&) {}
  };
  run([this] { race_both<scene>(procs(), "sleep"); });
}

}  // namespace
