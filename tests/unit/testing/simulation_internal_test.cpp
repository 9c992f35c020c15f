// What a simulated program sees of threads beside it, at moments that come by chance elsewhere.
#include <gtest/gtest.h>
#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "detail/sys.hpp"
#include "sched/block_thread.hpp"
#include "stack/sanitizer.hpp"

namespace {

using weft::detail::sys;

// While it lives, `f` runs in a thread of its own, to its end, when the system's threads are
// counted for the first time: before the count, that is, but after the look at what waits.
class before_the_count {
 public:
  explicit before_the_count(std::function<void()> f) {
    next = std::move(f);
    counted = false;
    sys.count_threads = [] {
      if (next != nullptr) {
        std::thread(std::exchange(next, nullptr)).join();
      }
      const std::size_t n = real();
      counted = true;
      return n;
    };
  }
  ~before_the_count() {
    sys.count_threads = real;
    next = nullptr;
  }
  before_the_count(const before_the_count&) = delete;
  before_the_count& operator=(const before_the_count&) = delete;
  bool came() const { return next == nullptr; }
  static inline std::atomic<bool> counted;

 private:
  static inline std::function<void()> next;
  static inline const decltype(sys.count_threads) real = sys.count_threads;
};

weft::runtime_options simulated() {
  weft::runtime_options o;
  o.deterministic = true;
  o.seed = 1;
  return o;
}

class SimulationBesideThreads : public ::testing::Test {
 protected:
  void SetUp() override {
#if WEFT_TSAN
    GTEST_SKIP() << "the thread is started by runtime code, whose edges TSan is not told of";
#endif
  }
};

// DL-1
TEST_F(SimulationBesideThreads, OneThatEndsBeforeTheCountMayHaveSentSomething) {
  weft::run(simulated(), [] {
    auto c = weft::make_chan<int>();
    const before_the_count other([c] { c.send(7); });
    EXPECT_EQ(c.recv(), 7);
    EXPECT_TRUE(other.came());
  });
}

TEST_F(SimulationBesideThreads, OneThatEndsBeforeTheCountMayHaveSetATimer) {
  weft::run(simulated(), [] {
    auto c = weft::make_chan<int>();
    const before_the_count other(
        [c] { weft::after_func(std::chrono::milliseconds(5), [c] { c.close(); }).detach(); });
    EXPECT_EQ(c.recv(), std::nullopt);
    EXPECT_TRUE(other.came());
  });
}

TEST_F(SimulationBesideThreads, OneThatEndsBeforeTheCountMayHaveWokenAnother) {
  weft::run(simulated(), [] {
    auto c = weft::make_chan<int>();
    auto bell = weft::make_chan<int>();
    std::thread waits([c, bell] {
      bell.recv();
      while (!before_the_count::counted) {
        std::this_thread::yield();
      }
      c.send(8);
    });
    while (static_cast<std::uint32_t>(weft::detail::blocked_threads.load(weft::detail::acquire)) ==
           0) {
      std::this_thread::yield();
    }
    const before_the_count other([bell] { bell.send(1); });
    EXPECT_EQ(c.recv(), 8);
    EXPECT_TRUE(other.came());
    waits.join();
  });
}

}  // namespace
