// Every wait that takes a context, with the real one.
#include <weft/cond_var.hpp>
#include <weft/context.hpp>
#include <weft/mutex.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/singleflight.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

static_assert(weft::detail::cancelable<weft::context>);

class ContextWaits : public weft::testing::Procs {};
WEFT_PROCS(ContextWaits);

// The waits, by the text that dumps show for them. Each returns why it ended.
struct wait_kind {
  const char* reason;
  std::function<weft::error(const weft::context&)> wait;
};

struct things {
  weft::mutex locked;
  weft::wait_group never_zero;
  weft::mutex cond_lock;
  weft::cond_var cond;
  weft::shared_mutex written, read;
  weft::semaphore taken{1};
  weft::singleflight<int, int> flights;
  weft::chan<int> never_sent = weft::make_chan<int>();
  things() {
    locked.lock();
    never_zero.add(1);
    written.lock();
    read.lock_shared();
    taken.acquire();
  }
  /// Nobody may be left in the queue of any of them.
  void let_go() {
    never_zero.done();
    locked.unlock();
    written.unlock();
    read.unlock_shared();
    taken.release();
    never_sent.close();
    EXPECT_TRUE(locked.try_lock());
    EXPECT_TRUE(written.try_lock());
    EXPECT_TRUE(read.try_lock());
    EXPECT_TRUE(taken.try_acquire());
  }
  std::vector<wait_kind> kinds() {
    return {
        {"sync.Mutex.Lock", [this](const auto& c) { return locked.lock(c); }},
        {"sync.WaitGroup.Wait", [this](const auto& c) { return never_zero.wait(c); }},
        {"sync.Cond.Wait",
         [this](const auto& c) {
           std::unique_lock hold(cond_lock);
           return cond.wait(hold, c);
         }},
        {"sync.RWMutex.Lock", [this](const auto& c) { return written.lock(c); }},
        {"sync.RWMutex.RLock", [this](const auto& c) { return written.lock_shared(c); }},
        {"sync.RWMutex.Lock", [this](const auto& c) { return read.lock(c); }},
        {"semaphore", [this](const auto& c) { return taken.acquire(c); }},
        {"sync.WaitGroup.Wait",
         [this](const auto& c) {
           return flights.do_(c, 0, [on = never_sent] { return on.recv().value_or(0); }).err;
         }},
        {"sleep", [](const auto& c) { return weft::sleep(c, 1h); }},
    };
  }
};

// U-6, U-12
TEST_P(ContextWaits, AreEndedByCancel) {
  run([] {
    things t;
    for (const auto& k : t.kinds()) {
      auto [ctx, cancel] = weft::with_cancel(weft::background());
      const auto ended = weft::make_chan<weft::error>();
      for (int i = 0; i < 3; ++i) {
        weft::go([&k, ended, c = weft::with_value(ctx, i)] { ended.send(k.wait(c)); });
      }
      weft::testing::wait_until_parked(3, k.reason);
      cancel();
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(*ended.recv(), weft::canceled) << k.reason;
      }
      EXPECT_EQ(k.wait(ctx), weft::canceled) << k.reason;  // done already
    }
    t.let_go();
  });
}

TEST_P(ContextWaits, AreEndedByADeadlineOfAnAncestor) {
  run([] {
    things t;
    for (const auto& k : t.kinds()) {
      auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
      auto [child, cancel_child] = weft::with_cancel(ctx);
      EXPECT_EQ(k.wait(child), weft::deadline_exceeded) << k.reason;
    }
    t.let_go();
  });
}

TEST_P(ContextWaits, OfForeignThreadsAreEndedByCancel) {
  run([] {
    things t;
    for (const auto& k : t.kinds()) {
      auto [ctx, cancel] = weft::with_cancel(weft::background());
      const auto ended = weft::make_chan<weft::error>(1), begun = weft::make_chan<weft::error>(1);
      std::thread waits([&k, ended, begun, c = ctx] {
        begun.send({});
        ended.send(k.wait(c));
      });
      begun.recv();
      for (int i = 0; i < 100; ++i) {
        weft::yield();
      }
      cancel();
      EXPECT_EQ(*ended.recv(), weft::canceled) << k.reason;
      waits.join();
    }
    t.let_go();
  });
}

TEST_P(ContextWaits, AreEndedByCancelFromAForeignThread) {
  run([] {
    things t;
    for (const auto& k : t.kinds()) {
      auto [ctx, cancel] = weft::with_cancel(weft::background());
      const auto ended = weft::make_chan<weft::error>();
      weft::go([&k, ended, c = ctx] { ended.send(k.wait(c)); });
      weft::testing::wait_until_parked(1, k.reason);
      std::thread([&f = cancel] { f(); }).join();
      EXPECT_EQ(*ended.recv(), weft::canceled) << k.reason;
    }
    t.let_go();
  });
}

// A context that is never done: as without one.
TEST_P(ContextWaits, WithTheBackgroundWaitForTheEventOnly) {
  run([] {
    weft::mutex m;
    EXPECT_FALSE(m.lock(weft::background()));
    m.unlock();
    weft::wait_group g;
    EXPECT_FALSE(g.wait(weft::background()));
    EXPECT_FALSE(weft::sleep(weft::background(), 1us));
  });
}

// T13: who is cancelled has not used up the unlock or the notification.
TEST_P(ContextWaits, ThatLoseARaceLeaveTheEventToOthers) {
  run([this] {
    const int rounds = procs() == 1 ? 50 : 400;
    for (int r = 0; r < rounds; ++r) {
      weft::mutex m;
      m.lock();
      auto [ctx, cancel] = weft::with_cancel(weft::background());
      weft::wait_group all;
      int inside = 0;
      all.go([&, c = ctx] {
        if (!m.lock(c)) {
          EXPECT_EQ(++inside, 1);
          --inside;
          m.unlock();
        }
      });
      all.go([&] {  // must get it in any case
        m.lock();
        EXPECT_EQ(++inside, 1);
        --inside;
        m.unlock();
      });
      weft::yield();
      all.go([&f = cancel] { f(); });
      m.unlock();
      all.wait();

      weft::mutex lock;
      weft::cond_var cond;
      bool flag = false;
      auto [ctx2, cancel2] = weft::with_cancel(weft::background());
      all.go([&, c = ctx2] {
        std::unique_lock hold(lock);
        (void)cond.wait(hold, c, [&] { return flag; });
        // If it took the notification although it was cancelled, nobody else would get one.
        cond.notify_one();
      });
      all.go([&] {
        std::unique_lock hold(lock);
        cond.wait(hold, [&] { return flag; });
      });
      all.go([&f = cancel2] { f(); });
      all.go([&] {
        std::lock_guard hold(lock);
        flag = true;
        cond.notify_one();
      });
      all.wait();
    }
  });
}

// The wait ends, and the context with its record dies at once.
TEST_P(ContextWaits, TheContextMayDieAsSoonAsTheWaitHasEnded) {
  run([this] {
    const int rounds = procs() == 1 ? 100 : 1000;
    for (int r = 0; r < rounds; ++r) {
      weft::wait_group all;
      auto made = std::make_unique<weft::cancelable_context>(weft::with_cancel(weft::background()));
      const auto held = weft::make_chan<weft::unit>();
      all.go([&, c = made->ctx] {
        held.close();
        EXPECT_EQ(weft::sleep(c, 1h), weft::canceled);
      });
      held.recv();
      made.reset();
      all.wait();
    }
  });
}

}  // namespace
