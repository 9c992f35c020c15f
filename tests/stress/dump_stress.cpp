// [visit]: dumps while goroutines start, wait, wake and end on all sides.
#include <weft/chan.hpp>
#include <weft/debug.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

class DumpStress : public weft::testing::Procs {};
WEFT_PROCS(DumpStress);

// Nothing is lost or hung, and every stack that is shown is that of a goroutine that waits: it ends
// in this file's functions.
TEST_P(DumpStress, DumpsDisturbNobody) {
  const int rounds = static_cast<int>(400 * weft::testing::scale()) + 5;
  run([&] {
    std::atomic<bool> stop{false};
    weft::wait_group all;
    constexpr int pairs = 20;
    std::atomic<long> sent{0};
    std::atomic<long> received{0};
    for (int i = 0; i < pairs; ++i) {
      auto c = weft::make_chan<int>(i % 3);
      all.go([&, c] {
        while (!stop) {
          c.send(1);
          ++sent;
        }
        c.close();
      });
      all.go([&, c] {
        for ([[maybe_unused]] const int v : c) {
          ++received;
        }
      });
    }
    all.go([&] {  // names and stacks of their own size come and go
      while (!stop) {
        auto c = weft::make_chan<int>();
        weft::go(
            {.name = "a name that is longer than what fits into a string", .stack_bytes = 65536},
            [c] { c.send(1); });
        weft::select(weft::recv(c), weft::timeout(1s));
      }
    });
    std::thread outside([&] {
      while (!stop) {
        static_cast<void>(weft::dump_goroutines(weft::dump_format::json));
      }
    });
    for (int i = 0; i < rounds; ++i) {
      const std::string text = weft::dump_goroutines();
      EXPECT_NE(text.find("goroutine 1 [running]"), std::string::npos) << text;
      weft::yield();
    }
    stop = true;
    outside.join();
    all.wait();
    EXPECT_EQ(sent, received);
  });
}

__attribute__((noinline)) void goes_left(const std::atomic<bool>& stop, weft::chan<int> c) {
  while (!stop) {
    static_cast<void>(c.try_send(1));
    weft::yield();
  }
  asm volatile("" ::: "memory");
}

__attribute__((noinline)) void goes_right(const std::atomic<bool>& stop, weft::chan<int> c) {
  while (!stop) {
    int v = 0;
    static_cast<void>(c.try_recv(v));
    weft::yield();
  }
  asm volatile("" ::: "memory");
}

// [ask]: what a goroutine shows is its own stack, though it may leave its worker at any moment.
TEST_P(DumpStress, NobodyShowsTheStackOfAnother) {
  const int rounds = static_cast<int>(400 * weft::testing::scale()) + 5;
  run([&] {
    std::atomic<bool> stop{false};
    auto c = weft::make_chan<int>(1);
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.add(2);
      weft::go({.name = "left"}, [&, c] {
        goes_left(stop, c);
        all.done();
      });
      weft::go({.name = "right"}, [&, c] {
        goes_right(stop, c);
        all.done();
      });
    }
    std::thread outside([&] {
      for (int i = 0; i < rounds; ++i) {
        const std::string text = weft::dump_goroutines();
        for (std::size_t at = text.find("\n\n"); at != std::string::npos;) {
          const std::size_t next = text.find("\n\n", at + 2);
          const std::string one = text.substr(at, next - at);
          at = next;
          EXPECT_FALSE(one.find("\"left\"") != std::string::npos &&
                       one.find("goes_right(") != std::string::npos)
              << one;
          EXPECT_FALSE(one.find("\"right\"") != std::string::npos &&
                       one.find("goes_left(") != std::string::npos)
              << one;
        }
      }
      stop = true;
    });
    all.wait();
    outside.join();
  });
}

}  // namespace
