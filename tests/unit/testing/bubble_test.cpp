// Bubbles: <weft/testing.hpp>. ST-1..7, U-11.
#include <gtest/gtest.h>
#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using weft::testing::bubble;
using weft::testing::bubble_failed;
using weft::testing::failure_kind;

template <class F>
weft::testing::failure failure_of(F f, const weft::testing::options& o = {}) {
  try {
    bubble(f, o);
  } catch (const bubble_failed& e) {
    EXPECT_NE(std::string(e.what()).find(e.failure().message), std::string::npos);
    return e.failure();
  }
  ADD_FAILURE() << "the bubble passed";
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// ---- ST-1 ----

TEST(Bubble, ReturnsWhenAllItsGoroutinesHaveEnded) {
  std::atomic<int> ended{0};
  bubble([&] {
    for (int i = 0; i < 10; ++i) {
      weft::go([&] {
        weft::yield();
        ++ended;
      });
    }
  });
  EXPECT_EQ(ended, 10);
}

TEST(Bubble, RunsOnTheThreadThatCallsIt) {
  const auto me = std::this_thread::get_id();
  bubble([&] {
    EXPECT_EQ(std::this_thread::get_id(), me);
    weft::go([&] { EXPECT_EQ(std::this_thread::get_id(), me); });
  });
}

TEST(Bubble, IsRefusedInABubbleAndInARun) {
  bubble([] { EXPECT_THROW(bubble([] {}), weft::misuse); });
  weft::run([] { EXPECT_THROW(bubble([] {}), weft::misuse); });
  bubble([] {});  // usable again
}

TEST(Bubble, ANullFunctionIsRefused) {
  void (*none)() = nullptr;
  EXPECT_THROW(bubble(none), weft::null_function);
  EXPECT_THROW(static_cast<void>(weft::testing::explore(none)), weft::null_function);
  EXPECT_THROW(weft::testing::replay(1, none), weft::null_function);
}

TEST(Bubble, HasOneWorkerWhateverItIsTold) {
  bubble([] {
    EXPECT_EQ(weft::max_procs(4), 1);
    EXPECT_EQ(weft::max_procs(), 1);
  });
}

TEST(Bubble, LockingAGoroutineToItsThreadChangesNothing) {
  bubble([] {
    weft::lock_os_thread();
    auto c = weft::make_chan<int>();
    weft::go([=] {
      weft::lock_os_thread();
      c.send(1);
    });
    EXPECT_EQ(c.recv(), 1);
    weft::unlock_os_thread();
  });
}

TEST(Bubble, BlockingCodeIsJustCalled) {
  bubble([] { EXPECT_EQ(weft::blocking([] { return 7; }), 7); });
}

TEST(Bubble, EndsWhenTheFunctionCallsGoexit) {
  std::atomic<bool> ended{false};
  bubble([&] {
    weft::go([&] {
      weft::yield();
      ended = true;
    });
    weft::goexit();
  });
  EXPECT_TRUE(ended);
}

// ---- ST-2 ----

TEST(Bubble, SleepsAreExactAndTakeNoTime) {
  const auto real = std::chrono::steady_clock::now();
  bubble([] {
    const auto begin = weft::now();
    weft::sleep(24h);
    EXPECT_EQ(weft::now() - begin, 24h);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - real, 1h);
}

TEST(Bubble, BeginsAtTheSameTimeEachTime) {
  weft::time_point first, second;
  bubble([&] {
    first = weft::now();
    weft::sleep(1h);
  });
  bubble([&] { second = weft::now(); });
  EXPECT_EQ(first, second);
}

TEST(Bubble, TheRealClockIsBackAfterIt) {
  bubble([] { weft::sleep(1000h); });
  const auto now = std::chrono::steady_clock::now();
  EXPECT_GE(weft::now(), now);
  EXPECT_LT(weft::now() - now, 1h);
  weft::run([] {
    const auto begin = std::chrono::steady_clock::now();
    weft::sleep(2ms);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 2ms);
  });
}

TEST(Bubble, TimeStandsStillWhileAnybodyCanRun) {
  bubble([] {
    const auto begin = weft::now();
    std::atomic<bool> slept{false};
    weft::go([&] {
      weft::sleep(1ns);
      slept = true;
    });
    for (int i = 0; i < 1000; ++i) {
      weft::yield();
    }
    EXPECT_FALSE(slept);
    EXPECT_EQ(weft::now(), begin);
    weft::sleep(1h);
    EXPECT_TRUE(slept);
  });
}

TEST(Bubble, GoesFromTimerToTimer) {
  std::vector<int> order;
  weft::mutex m;
  bubble([&] {
    for (const int hours : {3, 1, 2}) {
      weft::go([&, hours] {
        weft::sleep(std::chrono::hours(hours));
        const std::lock_guard hold(m);
        order.push_back(hours);
      });
    }
    weft::sleep(4h);
  });
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(Bubble, TickersTimeoutsAndContextsUseItsClock) {
  bubble([] {
    const auto begin = weft::now();
    weft::ticker every(1min);
    for (int i = 1; i <= 5; ++i) {
      EXPECT_EQ(*every.chan().recv() - begin, i * 1min);
    }
    auto c = weft::make_chan<int>();
    EXPECT_EQ(weft::select(weft::recv(c), weft::timeout(10min)), 1u);
    EXPECT_EQ(weft::now() - begin, 15min);
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 5min);
    ctx.done().recv();
    EXPECT_EQ(weft::now() - begin, 20min);
    EXPECT_EQ(ctx.err(), weft::deadline_exceeded);
    weft::mutex m;
    m.lock();
    EXPECT_FALSE(m.try_lock_for(1h));
    EXPECT_EQ(weft::now() - begin, 80min);
    m.unlock();
  });
}

// ---- ST-3, U-11 ----

TEST(Bubble, EveryKindOfWaitCountsAsBlocked) {
  bubble([] {
    weft::mutex m;
    m.lock();
    weft::shared_mutex rw;
    rw.lock();
    weft::cond_var cond;
    weft::mutex cond_mutex;
    weft::semaphore s(1);
    s.acquire();
    weft::wait_group group;
    group.add(1);
    auto c = weft::make_chan<int>();
    weft::once first;
    bool go_on = false;
    std::atomic<int> done{0};
    weft::go([&] {
      m.lock();
      m.unlock();
      ++done;
    });
    weft::go([&] {
      rw.lock_shared();
      rw.unlock_shared();
      ++done;
    });
    weft::go([&] {
      cond_mutex.lock();
      cond.wait(cond_mutex, [&] { return go_on; });
      cond_mutex.unlock();
      ++done;
    });
    weft::go([&] {
      s.acquire();
      s.release();
      ++done;
    });
    weft::go([&] {
      group.wait();
      ++done;
    });
    weft::go([&] {
      c.recv();
      ++done;
    });
    weft::go([&] { first.do_([] { weft::sleep(1h); }); });
    weft::go([&] {
      weft::yield();
      first.do_([] {});
      ++done;
    });
    const auto begin = weft::now();
    weft::sleep(2h);  // time passes, although they wait
    EXPECT_EQ(weft::now() - begin, 2h);
    EXPECT_EQ(done, 1);
    m.unlock();
    rw.unlock();
    s.release();
    group.done();
    c.send(1);
    cond_mutex.lock();
    go_on = true;
    cond_mutex.unlock();
    cond.notify_all();
    weft::testing::wait();
    EXPECT_EQ(done, 7);
  });
}

// ---- ST-4 ----

TEST(Bubble, WaitReturnsWhenAllOthersAreBlocked) {
  bubble([] {
    auto c = weft::make_chan<int>();
    int steps = 0;
    weft::go([&] {
      for (int i = 0; i < 100; ++i) {
        weft::yield();
        ++steps;
      }
      c.recv();
      ++steps;
    });
    const auto begin = weft::now();
    weft::go([] { weft::sleep(1h); });
    weft::testing::wait();
    EXPECT_EQ(steps, 100);
    EXPECT_EQ(weft::now(), begin) << "before time moves on";
    c.send(1);
    weft::testing::wait();
    EXPECT_EQ(steps, 101);
    weft::sleep(1h);
  });
}

TEST(Bubble, WaitIsForBubblesAndForOneAtATime) {
  EXPECT_THROW(weft::testing::wait(), weft::misuse);
  weft::run([] { EXPECT_THROW(weft::testing::wait(), weft::misuse); });
  std::atomic<int> refused{0};
  bubble([&] {
    for (int i = 0; i < 2; ++i) {
      weft::go([&] {
        try {
          weft::testing::wait();
        } catch (const weft::misuse&) {
          ++refused;
        }
      });
    }
  });
  EXPECT_EQ(refused, 1);
}

// ---- ST-5 ----

TEST(Bubble, ADeadlockIsAFailureThatShowsWhoWaitsForWhat) {
  const auto f = failure_of([] {
    auto c = weft::make_chan<int>();
    weft::go([=] { c.send(1); });
    weft::mutex m;
    m.lock();
    m.lock();
  });
  EXPECT_EQ(f.kind, failure_kind::deadlock);
  EXPECT_EQ(f.seed, 1u);
  EXPECT_TRUE(has(f.message, "[chan send]")) << f.message;
  EXPECT_TRUE(has(f.message, "[sync.Mutex.Lock]")) << f.message;
  EXPECT_TRUE(has(f.message, "bubble_test.cpp")) << f.message;
  bubble([] {});
}

// What a thread sends comes when the bubble has given up, or just before: then the dump shows one
// that could go on.
TEST(Bubble, ADeadlockBesideAThreadSaysThatThreadsAreNotWaitedFor) {
  std::atomic<bool> over{false};
  std::thread other([&] {
    while (!over) {
      std::this_thread::yield();
    }
  });
  const auto f = failure_of([] { weft::make_chan<int>().recv(); });
  over = true;
  other.join();
  EXPECT_EQ(f.kind, failure_kind::deadlock);
  EXPECT_TRUE(has(f.message, "a bubble does not wait for threads")) << f.message;
}

TEST(Bubble, AGoroutineThatIsLeftIsALeakAndATimerDoesNotSaveIt) {
  const auto f = failure_of([] { weft::go([] { weft::sleep(1h); }); });
  EXPECT_EQ(f.kind, failure_kind::leak);
  EXPECT_TRUE(has(f.message, "1 goroutine is left")) << f.message;
  EXPECT_TRUE(has(f.message, "time stands still")) << f.message;
  EXPECT_TRUE(has(f.message, "[sleep]")) << f.message;
}

TEST(Bubble, ATimerWithoutAGoroutineIsNoLeak) {
  bubble([] {
    auto t = weft::after(1h);
    weft::after_func(1h, [] { ADD_FAILURE() << "time stands still after the end"; }).detach();
  });
}

// ---- what goes wrong inside ----

TEST(Bubble, AnExceptionOfTheFunctionComesThrough) {
  EXPECT_THROW(bubble([] { throw std::out_of_range("x"); }), std::out_of_range);
  bubble([] {});
}

TEST(Bubble, AnExceptionThatLeavesAGoroutineIsAFailure) {
  const auto f = failure_of([] {
    weft::go([] { throw std::runtime_error("broken"); });
    auto never = weft::make_chan<int>();
    never.recv();
  });
  EXPECT_EQ(f.kind, failure_kind::uncaught);
  EXPECT_TRUE(has(f.message, "std::runtime_error: broken")) << f.message;
  EXPECT_THROW(std::rethrow_exception(f.thrown), std::runtime_error);
}

TEST(Bubble, AnExceptionInANoexceptFrameIsAFailureToo) {
  const auto f = failure_of([] {
    const auto deep = [] { throw std::runtime_error("too deep"); };
    weft::go([deep]() noexcept { deep(); });
    auto never = weft::make_chan<int>();
    never.recv();
  });
  EXPECT_EQ(f.kind, failure_kind::uncaught);
  EXPECT_TRUE(has(f.message, "too deep")) << f.message;
}

TEST(Bubble, ALoopThatNeverEndsIsFound) {
  weft::testing::options o;
  o.max_steps = 10'000;
  EXPECT_EQ(failure_of(
                [] {
                  for (;;) {
                    weft::yield();
                  }
                },
                o)
                .kind,
            failure_kind::endless);
  EXPECT_EQ(failure_of(
                [] {
                  weft::mutex m;
                  for (;;) {
                    m.lock();
                    m.unlock();
                  }
                },
                o)
                .kind,
            failure_kind::endless);
}

TEST(Bubble, ACheckOfTheProgramsOwnCounts) {
  weft::testing::options o;
  bool bad = false;
  o.failed = [&] { return bad; };
  bubble([] {}, o);
  EXPECT_EQ(failure_of([&] { bad = true; }, o).kind, failure_kind::check);
}

// ---- WEFT_SEED ----

struct variable {
  variable(const char* n, const char* value) : name(n) { ::setenv(name, value, 1); }
  ~variable() { ::unsetenv(name); }
  const char* name;
};

TEST(Bubble, TheSeedOfTheEnvironmentGoesFirstButNotBeforeReplay) {
  const variable seed("WEFT_SEED", "77");
  const auto fail = [] { weft::make_chan<int>().recv(); };
  EXPECT_EQ(failure_of(fail).seed, 77u);
  try {
    weft::testing::replay(5, fail);
    ADD_FAILURE();
  } catch (const bubble_failed& e) {
    EXPECT_EQ(e.failure().seed, 5u);
  }
  const auto r = weft::testing::explore([] {});
  EXPECT_EQ(r.runs, 1u);
}

TEST(Bubble, ABadSeedInTheEnvironmentIsNamed) {
  const variable seed("WEFT_SEED", "first");
  try {
    bubble([] {});
    ADD_FAILURE();
  } catch (const std::invalid_argument& e) {
    EXPECT_TRUE(has(e.what(), "weft: testing: the environment has WEFT_SEED=first")) << e.what();
  }
}

}  // namespace
