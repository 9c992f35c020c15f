// What is left of timers that did not happen: [timer], lazy deletion.
#include <weft/chan.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>

#include "sched/scheduler.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

class Timers : public weft::testing::Procs {};
WEFT_PROCS(Timers);

// Entries in all heaps, dead ones included.
std::size_t entries() {
  const weft::detail::scheduler::in_use s;
  std::size_t n = 0;
  for (std::uint32_t i = 0; i < s->timers.count(); ++i) {
    n += s->timers.heap(i).size();
  }
  return n;
}

const int rounds = static_cast<int>(100'000 * weft::testing::scale());
constexpr std::size_t few = 1000;  // a purge is due long before

// TM-15, TM-14: timeouts that are never reached do not pile up until their time.
TEST_P(Timers, SelectsWithALongTimeoutLeaveFewEntries) {
  run([] {
    auto there = weft::make_chan<int>(), back = weft::make_chan<int>();
    std::size_t most = 0;
    weft::wait_group echo;
    echo.go([&] {
      int v = 0;
      while (there.recv_for(v, 1h) == weft::chan_status::ok) {
        back.send(v);
      }
    });
    for (int i = 0; i < rounds; ++i) {
      there.send(i);
      weft::select(weft::recv(back), weft::timeout(1h));
      if (i % 1000 == 0) {
        most = std::max(most, entries());
      }
    }
    there.close();
    echo.wait();
    EXPECT_LT(most, few);
  });
}

// TM-15: so with timers that are set anew again and again.
TEST_P(Timers, ResetsOfALongTimerLeaveFewEntries) {
  run([] {
    auto t = weft::after_func(1h, [] {});
    std::size_t most = 0;
    for (int i = 0; i < rounds; ++i) {
      EXPECT_TRUE(t.reset(1h));
      if (i % 1000 == 0) {
        most = std::max(most, entries());
        weft::yield();
      }
    }
    EXPECT_LT(most, few);
  });
}

}  // namespace
