// Whole programs under runtime_options::deterministic, or WEFT_SEED.
#include <gtest/gtest.h>
#include <weft/debug.hpp>
#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TEST_UNDER_TSAN 1
#endif
#endif
#ifdef WEFT_TEST_UNDER_TSAN
constexpr bool threads_of_a_sanitizer = true;
#else
constexpr bool threads_of_a_sanitizer = false;
#endif

weft::runtime_options simulated(std::uint64_t seed) {
  weft::runtime_options o;
  o.deterministic = true;
  o.seed = seed;
  return o;
}

// In which order ten goroutines got a mutex, and how long it took by weft's clock.
struct history {
  std::vector<int> order;
  weft::time_point::duration took{};
  bool operator==(const history&) const = default;
};

history one_run(const weft::runtime_options& o) {
  history h;
  weft::run(o, [&] {
    const auto begin = weft::now();
    weft::mutex m;
    weft::wait_group all;
    for (int i = 0; i < 10; ++i) {
      all.go([&, i] {
        weft::sleep(1ms * (i % 3));
        m.lock();
        h.order.push_back(i);
        m.unlock();
      });
    }
    all.wait();
    h.took = weft::now() - begin;
  });
  return h;
}

TEST(Deterministic, TheSameSeedGivesTheSameRunAndTimesToo) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(one_run(simulated(seed)), one_run(simulated(seed))) << "seed " << seed;
  }
}

TEST(Deterministic, OtherSeedsGiveOtherRuns) {
  const history first = one_run(simulated(1));
  bool differs = false;
  for (std::uint64_t seed = 2; seed <= 20; ++seed) {
    differs |= one_run(simulated(seed)).order != first.order;
  }
  EXPECT_TRUE(differs);
}

TEST(Deterministic, TheSeedOfTheEnvironmentIsEnough) {
  ::setenv("WEFT_SEED", "11", 1);
  weft::runtime_options o;
  o.max_procs = 4;
  const history first = one_run(o);
  const history second = one_run(o);
  ::unsetenv("WEFT_SEED");
  EXPECT_EQ(first, second);
  EXPECT_EQ(first, one_run(simulated(11)));
}

TEST(Deterministic, RunsOnTheCallersThreadAndReturnsItsStatus) {
  const auto me = std::this_thread::get_id();
  EXPECT_EQ(weft::run(simulated(1),
                      [me] {
                        EXPECT_EQ(weft::max_procs(), 1);
                        EXPECT_EQ(std::this_thread::get_id(), me);
                        return 7;
                      }),
            7);
}

TEST(Deterministic, SleepsTakeNoTime) {
  const auto begin = std::chrono::steady_clock::now();
  weft::run(simulated(1), [] {
    const auto before = weft::now();
    weft::sleep(100h);
    EXPECT_GE(weft::now() - before, 100h);
    EXPECT_LT(weft::now() - before, 101h);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1h);
}

TEST(Deterministic, TimeCreepsForOneThatWaitsByYielding) {
  weft::run(simulated(1), [] {
    const auto until = weft::now() + 10ms;
    std::atomic<bool> rang{false};
    weft::go([&] {
      weft::sleep(5ms);
      rang = true;
    });
    while (weft::now() < until) {
      weft::yield();
    }
    EXPECT_TRUE(rang) << "timers come meanwhile";
  });
}

TEST(Deterministic, OtherThreadsMayTakePart) {
  weft::run(simulated(1), [] {
    auto c = weft::make_chan<int>();
    std::thread other([c] {
      for (int i = 0; i < 10; ++i) {
        c.send(i);
      }
      c.close();
    });
    int sum = 0;
    for (const int i : c) {
      sum += i;
    }
    EXPECT_EQ(sum, 45);
    other.join();
  });
}

TEST(Deterministic, TimeCreepsForOneThatPolls) {
  weft::run(simulated(1), [] {
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 5ms);
    auto c = weft::make_chan<int>();
    std::size_t ready = 1;
    while (ready != 0) {
      ready = weft::select(weft::recv(ctx.done()), weft::recv(c), weft::otherwise());
    }
    EXPECT_EQ(ctx.err(), weft::deadline_exceeded);
  });
}

// A deadline closes a channel that a select is about to lock, together with others.
TEST(Deterministic, TimersComeInTheMiddleOfSelects) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    weft::run(simulated(seed), [] {
      weft::wait_group all;
      for (int i = 0; i < 4; ++i) {
        all.go([] {
          for (int n = 0; n < 30; ++n) {
            auto [ctx, cancel] = weft::with_timeout(weft::background(), 100us);
            auto b = weft::make_chan<int>();
            auto c = weft::make_chan<int>();
            std::size_t ready = 1;
            while (ready != 0) {
              ready = weft::select(weft::recv(ctx.done()), weft::recv(b), weft::recv(c),
                                   weft::otherwise());
            }
          }
        });
      }
      all.wait();
    });
  }
}

TEST(Deterministic, LostWaitsAreLookedForToo) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    weft::runtime_options o = simulated(seed);
    o.on_lost_wait = weft::lost_wait_action::report;
    weft::run(o, [] {
      auto a = weft::make_chan<int>();
      auto b = weft::make_chan<int>();
      weft::wait_group all;
      for (int i = 0; i < 3; ++i) {
        all.go([a, b] {
          for (int n = 0; n < 20; ++n) {
            weft::select(weft::recv(a), weft::recv(b));
          }
        });
      }
      for (int n = 0; n < 60; ++n) {
        weft::select(weft::send(a, n), weft::send(b, n));
      }
      all.wait();
    });
  }
}

TEST(Deterministic, AThreadOutsideMayHoldALock) {
  weft::run(simulated(1), [] {
    auto c = weft::make_chan<int>(8);
    std::atomic<bool> enough{false};
    std::thread other([&] {
      while (!enough) {
        static_cast<void>(c.try_send(1));
      }
    });
    for (int i = 0; i < 100'000; ++i) {
      int taken = 0;
      static_cast<void>(c.try_recv(taken));
    }
    enough = true;
    other.join();
  });
}

TEST(Deterministic, ADumpByAnotherThreadWaitsByTheRealClock) {
  weft::run(simulated(1), [] {
    sigset_t urgent;
    sigset_t before;
    ::sigemptyset(&urgent);
    ::sigaddset(&urgent, SIGURG);
    ::pthread_sigmask(SIG_BLOCK, &urgent, &before);  // so this thread does not answer
    std::string text;
    std::thread([&] { text = weft::dump_goroutines(); }).join();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_NE(text.find("running on thread"), std::string::npos) << text;
  });
}

TEST(Deterministic, WhatMainLeavesIsAbandonedAsAlways) {
  weft::run(simulated(1), [] { weft::go([] { weft::sleep(1h); }); });
  weft::run(simulated(1), [] {});
}

TEST(Deterministic, IsNotForARuntimeObject) {
  EXPECT_THROW(weft::runtime rt(simulated(1)), std::invalid_argument);
  ::setenv("WEFT_SEED", "11", 1);
  {
    weft::runtime rt;
    EXPECT_EQ(rt.call([] { return 3; }), 3);
  }
  ::unsetenv("WEFT_SEED");
}

TEST(DeterministicDeathTest, ADeadlockEndsTheProcessAndNamesTheSeed) {
  if (threads_of_a_sanitizer) {
    GTEST_SKIP() << "TSan has a thread, which might wake somebody";
  }
  EXPECT_EXIT(weft::run(simulated(123), [] { weft::make_chan<int>().recv(); }),
              ::testing::ExitedWithCode(2),
              "all goroutines are asleep - deadlock!\nweft: the choices of this run came from seed "
              "123 \\(again: WEFT_SEED=123\\)");
}

TEST(BubbleDeathTest, ADeadlockOfTheOnlyThreadSpeaksOfNoOthers) {
  if (threads_of_a_sanitizer) {
    GTEST_SKIP() << "TSan has a thread, which might wake somebody";
  }
  const auto deadlock = [] {
    try {
      weft::testing::bubble([] { weft::make_chan<int>().recv(); });
    } catch (const weft::testing::bubble_failed& e) {
      std::_Exit(std::string(e.what()).find("other threads") == std::string::npos ? 0 : 1);
    }
  };
  EXPECT_EXIT(deadlock(), ::testing::ExitedWithCode(0), "");
}

TEST(DeterministicDeathTest, ACrashNamesTheSeed) {
  EXPECT_EXIT(weft::run(simulated(123), [] { throw std::runtime_error("broken"); }),
              ::testing::KilledBySignal(SIGABRT),
              "std::runtime_error: broken\n\nweft: the choices of this run came from seed 123");
}

TEST(BubbleDeathTest, WhatAbortsAProgramNamesTheSeedOfTheBubble) {
  EXPECT_EXIT(weft::testing::replay(9,
                                    [] {
                                      weft::mutex m;
                                      m.unlock();
                                    }),
              ::testing::KilledBySignal(SIGABRT), "unlock of unlocked mutex.*\n.*\n.*seed 9");
}

struct broken_what : std::exception {
  const char* what() const noexcept override { std::terminate(); }
};

TEST(BubbleDeathTest, AnExceptionWhoseTextCannotBeHadEndsTheProgram) {
  EXPECT_EXIT(weft::testing::bubble([] {
                weft::go([] { throw broken_what(); });
                weft::make_chan<int>().recv();
              }),
              ::testing::KilledBySignal(SIGABRT), "an exception left a goroutine: .*broken_what");
}

}  // namespace
