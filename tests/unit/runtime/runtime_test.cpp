// A runtime beside the program's own threads.
#include <gtest/gtest.h>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/idle.hpp"
#include "support/threads.hpp"

namespace {

using weft::testing::weft_threads;

using namespace std::chrono_literals;

class Runtime : public weft::testing::Procs {
 protected:
  weft::runtime_options options() const { return {.max_procs = procs()}; }
};
WEFT_PROCS(Runtime);

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST_P(Runtime, GoroutinesRunBesideTheThreadThatMadeIt) {
  weft::runtime rt(options());
  auto c = weft::make_chan<int>();
  weft::go([=] {
    for (int i = 0; i < 100; ++i) {
      c.send(i);
    }
    c.close();
  });
  int next = 0;
  for (int v : c) {  // this thread blocks
    EXPECT_EQ(v, next++);
  }
  EXPECT_EQ(next, 100);
}

TEST_P(Runtime, CallRunsAGoroutineAndReturnsItsResult) {
  weft::runtime rt(options());
  EXPECT_EQ(rt.call([] { return 42; }), 42);
  EXPECT_EQ(*rt.call([] { return std::make_unique<int>(6); }), 6);
  int x = 0;
  EXPECT_EQ(&rt.call([&]() -> int& { return x; }), &x);
  rt.call([&] { x = static_cast<int>(weft::this_goroutine::id() != 0); });
  EXPECT_EQ(x, 1);
  EXPECT_EQ(rt.call([&] { return rt.call([] { return std::string("inner"); }); }), "inner");
}

TEST_P(Runtime, CallPassesOnWhatTheFunctionThrows) {
  weft::runtime rt(options());
  EXPECT_THROW(rt.call([]() -> int { throw std::runtime_error("mine"); }), std::runtime_error);
  EXPECT_THROW(rt.call([] { throw 5; }), int);
  EXPECT_THROW(rt.call([]() -> int { weft::goexit(); }), weft::no_result);
  rt.call([] { weft::goexit(); });
  EXPECT_THROW(rt.call(std::function<void()>()), weft::null_function);
  EXPECT_EQ(rt.call([] { return 1; }), 1);
}

TEST_P(Runtime, CallsFromManyThreadsOverlap) {
  weft::runtime rt(options());
  std::atomic<int> sum{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        sum += rt.call([&] {
          weft::yield();
          return t;
        });
      }
    });
  }
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_EQ(sum, 50 * (0 + 1 + 2 + 3));
}

TEST_P(Runtime, WaitReturnsWhenTheLastGoroutineHasEnded) {
  weft::runtime rt(options());
  rt.wait();
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> ran{0};
    for (int i = 0; i < 10; ++i) {
      weft::go([&ran, round] {
        weft::go([&ran] {
          weft::yield();
          ++ran;
        });
        if (round % 8 == 0) {
          weft::sleep(20us);
        }
        ++ran;
      });
    }
    rt.wait();
    EXPECT_EQ(ran, 20);
    EXPECT_EQ(weft::num_goroutines(), 0u);
  }
}

TEST_P(Runtime, WaitForSaysWhetherSomeAreLeft) {
  weft::runtime rt(options());
  EXPECT_TRUE(rt.wait_for(0ns));
  auto end = weft::make_chan<int>();
  weft::go([=] { end.recv(); });
  EXPECT_FALSE(rt.wait_for(0ns));
  EXPECT_FALSE(rt.wait_for(1ms));
  end.close();
  EXPECT_TRUE(rt.wait_for(std::chrono::hours::max()));
}

struct copy_throws {
  copy_throws() = default;
  copy_throws(const copy_throws&) { throw std::runtime_error("no copy"); }
  void operator()() const {}
};

// A spawn that fails while somebody waits for the last goroutine must not leave them waiting.
TEST_P(Runtime, WaitSeesThatASpawnWasGivenUp) {
  weft::runtime rt(options());
  std::atomic<bool> over{false};
  std::thread spawner([&] {
    const copy_throws f;
    while (!over) {
      EXPECT_THROW(weft::go(f), std::runtime_error);
    }
  });
  for (int i = 0; i < 200; ++i) {
    weft::go([] {});
    rt.wait();
  }
  over = true;
  spawner.join();
  rt.wait();
}

// GR-2
TEST_P(Runtime, StopAbandonsAndCountsWhatIsLeft) {
  weft::runtime rt(options());
  auto never = weft::make_chan<int>();
  for (int i = 0; i < 3; ++i) {
    weft::go([=] { never.recv(); });
  }
  EXPECT_EQ(rt.stop(), 3u);
  EXPECT_EQ(rt.stop(), 0u);
  EXPECT_THROW(weft::go([] {}), weft::no_runtime);
  EXPECT_THROW(rt.call([] {}), weft::misuse);
  EXPECT_THROW(rt.wait(), weft::misuse);
  never.close();
}

// HZ-10
TEST_P(Runtime, StartsAndStopsAHundredTimesAndLeavesNothing) {
  const std::size_t files = open_files();
  for (int round = 0; round < 100; ++round) {
    weft::runtime rt(options());
    auto c = weft::make_chan<int>(1);
    weft::go([=] { c.send(weft::max_procs()); });
    EXPECT_EQ(*c.recv(), procs());
    if (round % 3 == 0) {
      EXPECT_EQ(weft::select(weft::recv(weft::after(10us)), weft::recv(c)), 0u);
    }
  }
  while (weft_threads() != 0) {
    ::usleep(100);
  }
  EXPECT_EQ(open_files(), files);
}

// HZ-11
TEST_P(Runtime, ThreadsAndGoroutinesShareAMutexAndSelects) {
  weft::runtime rt(options());
  weft::mutex m;
  int n = 0;
  auto c = weft::make_chan<int>();
  auto done = weft::make_chan<int>();
  const auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      weft::select(weft::send(c, 1, [] {}), weft::recv(c, [](std::optional<int>) {}),
                   weft::timeout(10us));
      std::lock_guard hold(m);
      ++n;
    }
  };
  std::thread outside(work);
  for (int i = 0; i < 3; ++i) {
    weft::go(work);
  }
  work();
  outside.join();
  rt.wait();
  EXPECT_EQ(n, 1000);
}

TEST_P(Runtime, OneAtATimeAndNotByAGoroutine) {
  weft::runtime rt(options());
  EXPECT_THROW(weft::runtime(), weft::misuse);
  EXPECT_THROW(weft::run([] {}), weft::misuse);
  rt.call([&] {
    EXPECT_THROW(weft::runtime(), weft::misuse);
    EXPECT_THROW(rt.wait(), weft::misuse);
    EXPECT_THROW(rt.wait_for(1ns), weft::misuse);
    EXPECT_THROW(rt.stop(), weft::misuse);
  });
  EXPECT_EQ(rt.call([] { return 1; }), 1);
}

TEST(RuntimeOptions, BadOnesAreNamed) {
  EXPECT_THROW(weft::runtime({.max_procs = -1}), std::invalid_argument);
  EXPECT_THROW(weft::runtime({.lock_main_thread = true}), std::invalid_argument);
  weft::runtime works;
}

}  // namespace
