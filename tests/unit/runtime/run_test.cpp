#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/fixture.hpp"

namespace {

class Run : public weft::testing::Procs {};
WEFT_PROCS(Run);

// GR-2
TEST(RunResult, IsWhatMainReturns) {
  EXPECT_EQ(weft::run([] { return 7; }), 7);
  EXPECT_EQ(weft::run([] { return -1; }), -1);
  EXPECT_EQ(weft::run([] {}), 0);
  EXPECT_EQ(weft::run(weft::runtime_options{.max_procs = 1}, [] { return 3; }), 3);
}

// GR-2: run() takes the function by reference; nothing is copied.
TEST(RunResult, MainMayBeAnyCallable) {
  struct counter {
    int calls = 0;
    counter() = default;
    counter(const counter&) = delete;
    int operator()() { return ++calls; }
  } main;
  EXPECT_EQ(weft::run(main), 1);
  EXPECT_EQ(main.calls, 1);
  const std::function<int()> f = [] { return 5; };
  EXPECT_EQ(weft::run(f), 5);
}

// HZ-10
TEST_P(Run, WorksAHundredTimesInARow) {
  for (int i = 0; i < 100; ++i) {
    int sum = 0;
    run([&] {
      auto c = weft::make_chan<int>();
      for (int k = 0; k < 10; ++k) {
        weft::go([c, k] { c.send(k); });
      }
      for (int k = 0; k < 10; ++k) {
        sum += *c.recv();
      }
    });
    ASSERT_EQ(sum, 45);
    ASSERT_EQ(weft::num_goroutines(), 0u);
  }
}

// GR-2
TEST_P(Run, RefusesASecondRuntime) {
  run([] {
    EXPECT_THROW(weft::run([] {}), weft::misuse);
    weft::go([] { EXPECT_THROW(weft::run([] {}), weft::misuse); });
    std::thread([] { EXPECT_THROW(weft::run([] {}), weft::misuse); }).join();
  });
}

// GR-5
TEST(RunRefuses, ANullFunction) {
  EXPECT_THROW(weft::run(std::function<void()>{}), weft::null_function);
  EXPECT_THROW(weft::run(static_cast<int (*)()>(nullptr)), weft::null_function);
  EXPECT_EQ(weft::run([] { return 1; }), 1);
}

template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "nothing was thrown";
}

// RT-6: a bad option is refused by name.
TEST(RunRefuses, BadOptionsByName) {
  const auto with = [](weft::runtime_options o) { return refusal([&] { weft::run(o, [] {}); }); };
  EXPECT_NE(with({.max_procs = -1}).find("max_procs"), std::string::npos);
  EXPECT_NE(with({.max_procs = 10'001}).find("max_procs"), std::string::npos);
  EXPECT_NE(with({.stack_bytes = std::numeric_limits<std::size_t>::max()}).find("stack_bytes"),
            std::string::npos);
  EXPECT_EQ(weft::run([] { return 1; }), 1);
}

// RT-6: so is a bad value in the environment.
TEST(RunRefuses, BadEnvironmentValuesByName) {
  for (const char* name : {"WEFT_MAX_PROCS", "WEFT_STACK_BYTES", "WEFT_SEED"}) {
    for (const char* value : {"abc", "-1", "1x", " 1", "99999999999999999999999"}) {
      ::setenv(name, value, 1);
      const std::string text = refusal([] { weft::run([] {}); });
      EXPECT_NE(text.find(name), std::string::npos) << name << "=" << value << ": " << text;
      EXPECT_NE(text.find(value), std::string::npos) << name << "=" << value << ": " << text;
    }
    ::unsetenv(name);
  }
  ::setenv("WEFT_MAX_PROCS", "0", 1);
  EXPECT_NE(refusal([] { weft::run([] {}); }).find("WEFT_MAX_PROCS"), std::string::npos);
  ::unsetenv("WEFT_MAX_PROCS");
  EXPECT_EQ(weft::run([] { return 1; }), 1);
}

// RT-6: an option beats the environment, which beats the machine.
TEST(RunOptions, ComeFromTheEnvironmentWhenTheyHaveTheirDefaults) {
  ::setenv("WEFT_MAX_PROCS", "3", 1);
  weft::run([] { EXPECT_EQ(weft::max_procs(), 3); });
  weft::run(weft::runtime_options{.max_procs = 2}, [] { EXPECT_EQ(weft::max_procs(), 2); });
  ::setenv("WEFT_MAX_PROCS", "", 1);  // as if it were not set
  weft::run([] { EXPECT_GE(weft::max_procs(), 1); });
  ::unsetenv("WEFT_MAX_PROCS");
}

struct sets_when_destroyed {
  std::atomic<int>* destroyed;
  ~sets_when_destroyed() { ++*destroyed; }
};

// GR-2: the others are abandoned where they are; their stacks are not unwound.
TEST_P(Run, AbandonsParkedGoroutinesWhenMainReturns) {
  static std::atomic<int> destroyed, went_on;
  destroyed = went_on = 0;
  static weft::mutex mutexes[5];  // those who wait stay in its queue: it must live on
  weft::mutex& never = mutexes[procs()];
  never.lock();
  run_and_abandon([&] {
    for (int i = 0; i < 10; ++i) {
      weft::go([&never] {
        sets_when_destroyed local{&destroyed};
        never.lock();
        ++went_on;
      });
    }
    weft::testing::wait_until_parked(10, "sync.Mutex.Lock");
  });
  EXPECT_EQ(weft::num_goroutines(), 0u);
  int sum = 0;
  run([&] {
    weft::wait_group all;
    std::atomic<int> n{0};
    for (int i = 0; i < 100; ++i) {
      all.go([&] { ++n; });
    }
    all.wait();
    sum = n;
  });
  EXPECT_EQ(sum, 100);
  EXPECT_EQ(destroyed.load(), 0);
  EXPECT_EQ(went_on.load(), 0);
}

// GR-2: those that have not started never do.
TEST(RunAbandons, GoroutinesThatHaveNotStarted) {
  static std::atomic<int> started;
  started = 0;
  struct endless {  // some goroutine has always been spawned and has not started
    void operator()() const {
      ++started;
      weft::go(endless{});
    }
  };
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    weft::go(endless{});
    while (started == 0) {
      weft::yield();
    }
  });
  const int then = started.load();
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    for (int i = 0; i < 1000; ++i) {
      weft::yield();
    }
    weft::testing::wait_until_goroutines(1);
  });
  EXPECT_EQ(started.load(), then);
}

// GR-2: main need not wait for a goroutine that computes on.
TEST_P(Run, ReturnsAlthoughAGoroutineComputes) {
  static std::atomic<bool> stop, started, ended;
  stop = started = ended = false;
  run_and_abandon([] {
    weft::go([] {
      started = true;
      while (!stop) {
      }
      ended = true;
    });
    while (!started) {
      weft::yield();
    }
  });
  stop = true;
  while (!ended) {
    std::this_thread::yield();
  }
}

// RT-6
TEST_P(Run, MaxProcsIsReadAndSet) {
  run([this] {
    EXPECT_EQ(weft::max_procs(), procs());
    EXPECT_EQ(weft::max_procs(0), procs());
    EXPECT_EQ(weft::max_procs(-5), procs());
    EXPECT_EQ(weft::max_procs(3), procs());
    EXPECT_EQ(weft::max_procs(), 3);
    EXPECT_EQ(weft::max_procs(1), 3);
    EXPECT_EQ(weft::max_procs(), 1);
    EXPECT_EQ(weft::max_procs(procs()), 1);
  });
}

// RT-6: at any time.
TEST_P(Run, MaxProcsMayChangeWhileWorkRuns) {
  run([] {
    constexpr int workers = 8, rounds = 2000;
    std::atomic<int> done{0};
    weft::wait_group all;
    weft::mutex m;
    int counted = 0;
    for (int i = 0; i < workers; ++i) {
      all.go([&] {
        for (int k = 0; k < rounds; ++k) {
          m.lock();
          ++counted;
          m.unlock();
          ++done;
          weft::yield();
        }
      });
    }
    for (int n = 1; done < workers * rounds; n = n % 5 + 1) {
      weft::max_procs(n);
      weft::yield();
    }
    all.wait();
    EXPECT_EQ(counted, workers * rounds);
  });
}

// RT-6: a lowered limit holds once the workers have come to a scheduling point.
TEST(RunMaxProcs, LoweredToOneLetsOneGoroutineRunAtATime) {
  weft::run(weft::runtime_options{.max_procs = 4}, [] {
    std::atomic<int> started{0};
    std::atomic<bool> go_on{false};
    weft::wait_group first;
    for (int i = 0; i < 3; ++i) {  // all four are in use
      first.go([&] {
        ++started;
        while (!go_on) {
        }
      });
    }
    while (started < 3) {
      weft::yield();
    }
    weft::max_procs(1);
    go_on = true;
    first.wait();
    // Each counts itself in and out without yielding; twice at once is an overlap. A holder that
    // the kernel takes off its processor for long may be overtaken (GR-11), so few are allowed.
    std::atomic<int> inside{0}, overlaps{0};
    weft::wait_group all;
    constexpr int goroutines = 4, rounds = 500;
    for (int i = 0; i < goroutines; ++i) {
      all.go([&] {
        for (int k = 0; k < rounds; ++k) {
          overlaps += inside.fetch_add(1) != 0;
          for (int spin = 0; spin < 300; ++spin) {
            asm volatile("");
          }
          --inside;
          weft::yield();
        }
      });
    }
    all.wait();
    EXPECT_LT(overlaps.load(), goroutines * rounds / 10);
  });
}

// GR-3, MM-1: what main did is seen by whoever comes after run().
TEST_P(Run, WhatMainDidIsSeenAfterwards) {
  for (int i = 0; i < 20; ++i) {
    int plain = 0;
    run([&] { plain = i + 1; });
    ASSERT_EQ(plain, i + 1);
  }
}

}  // namespace
