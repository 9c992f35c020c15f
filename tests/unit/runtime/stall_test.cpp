// Stall reports: what takes longer than runtime_options::stall_limit is told once.
#include <gtest/gtest.h>
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/sleep.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <string>

#include "support/fixture.hpp"
#include "support/stderr_text.hpp"

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto limit = 40ms;
constexpr const char* hog = "a goroutine has kept its worker for ";
constexpr const char* starved = "could run and w";
constexpr const char* late = "a timer came ";

class Stalls : public weft::testing::Procs {
 protected:
  template <class F>
  void run(F&& f, std::chrono::milliseconds stall_limit = limit) {
    weft::run(weft::runtime_options{.max_procs = procs(), .stall_limit = stall_limit}, [&] {
      f();
      weft::testing::wait_until_goroutines(1);
    });
  }
};
WEFT_PROCS(Stalls);

void compute_for(clock::duration d) {
  const auto end = clock::now() + d;
  while (clock::now() < end) {
  }
}

// By name: where the machine is busy, any goroutine may be kept from running for so long.
TEST_P(Stalls, AHogIsReportedWithNameAndPlaceOnceForAsLongAsItLasts) {
  const weft::testing::stderr_text text;
  run([&] {
    weft::wait_group all;
    all.add(1);
    weft::go({.name = "greedy"}, [&] {
      while (text.count("\"greedy\"") == 0) {
      }
      compute_for(5 * limit);
      EXPECT_EQ(text.count("[running] \"greedy\":\n\tcreated at "), 1u);
      all.done();
    });
    all.wait();
  });
  EXPECT_GE(text.count(hog), 1u);
  EXPECT_GE(text.count("stall_test.cpp"), 1u);
}

TEST_P(Stalls, ASecondStallOfTheSameGoroutineIsReportedAgain) {
  const weft::testing::stderr_text text;
  run([&] {
    weft::go({.name = "greedy"}, [&] {
      for (std::size_t n = 0; n < 2; ++n) {
        while (text.count("[running] \"greedy\"") <= n) {
        }
        weft::sleep(1ms);
      }
    });
    weft::testing::wait_until_goroutines(1);
  });
}

TEST_P(Stalls, ABlockingCallIsNone) {
  const weft::testing::stderr_text text;
  run([&] {
    weft::wait_group all;
    all.add(1);
    weft::go({.name = "blocked"}, [&] {
      weft::blocking([&] {
        compute_for(limit);  // the monitor may have to see it first
        const std::size_t before = text.count("\"blocked\"");
        compute_for(5 * limit);
        EXPECT_EQ(text.count("\"blocked\""), before);
      });
      all.done();
    });
    all.wait();
  });
}

TEST_P(Stalls, WhoWaitsInAQueueForTooLongIsReportedOnce) {
  const weft::testing::stderr_text text;
  run([&] {
    weft::wait_group all;
    // Each for less than the limit; all together, on however many workers, for much longer.
    for (int i = 0; i < 4000; ++i) {
      all.go([&] {
        if (text.count(starved) == 0) {
          compute_for(2ms);
        }
      });
    }
    all.wait();
  });
  EXPECT_GE(text.count(starved), 1u);
  EXPECT_GE(text.count("goroutines could run and were not run, the longest for "), 1u);
}

// One worker that nobody takes the place of.
constexpr weft::runtime_options alone{.max_procs = 1, .stall_limit = limit, .seed = 1};

TEST(StallsOneWorker, TheOneThatIsStarvedIsNamedOnce) {
  const weft::testing::stderr_text text;
  weft::run(alone, [&] {
    weft::go({.name = "patient"}, [] {});
    while (text.count(starved) == 0) {
    }
    compute_for(5 * limit);
    EXPECT_EQ(text.count(starved), 1u);
    weft::yield();
  });
  EXPECT_EQ(text.count("1 goroutine could run and was not run, the longest for "), 1u);
  EXPECT_EQ(text.count("[runnable] \"patient\":\n"), 1u);
}

// Its last turn was long ago, but it has waited for the next one for a moment only.
TEST(StallsOneWorker, WhoYieldsAllTheTimeIsNotStarved) {
  const weft::testing::stderr_text text;
  weft::run(alone, [&] {
    const auto end = clock::now() + 10 * limit;
    weft::wait_group all;
    for (int i = 0; i < 3; ++i) {
      all.go([&] {
        while (clock::now() < end) {
          weft::yield();
        }
      });
    }
    all.wait();
  });
  // Unless the machine itself kept this program from running for so long, which is a hog, too.
  if (text.count(hog) == 0) {
    EXPECT_EQ(text.count(starved), 0u);
  }
}

__attribute__((noinline)) void sleeps_in_here() {
  weft::sleep(1ms);
  asm volatile("" ::: "memory");
}

TEST(StallsOneWorker, ALateTimerIsReportedWithWhoWaitsForItAndWhere) {
  const weft::testing::stderr_text text;
  weft::run(alone, [&] {
    weft::wait_group all;
    all.add(1);
    weft::go({.name = "punctual"}, [&] {
      sleeps_in_here();
      all.done();
    });
    weft::yield();  // to the only other one: it sleeps now
    compute_for(1ms + 2 * limit);
    all.wait();
    text.wait_for(1, late);
  });
  EXPECT_EQ(text.count("[sleep] \"punctual\":\n"), 1u);
#if defined(__x86_64__)
  EXPECT_EQ(text.count("sleeps_in_here"), 1u);
#endif
}

TEST(StallsOneWorker, ALateFunctionIsReported) {
  const weft::testing::stderr_text text;
  weft::run(alone, [&] {
    std::atomic<bool> called{false};
    const auto t = weft::after_func(1ms, [&] { called = true; });
    compute_for(1ms + 2 * limit);
    while (!called) {
      weft::yield();
    }
  });
  EXPECT_EQ(text.count(late), 1u);
  EXPECT_EQ(text.count("it called a function"), 1u);
}

// How many late timers were reported, or counted in a report.
std::size_t told(const std::string& text) {
  std::size_t n = 0;
  for (auto at = text.find(late); at != std::string::npos; at = text.find(late, at + 1)) {
    ++n;
    const auto line = text.substr(at, text.find('\n', at) - at);
    if (const auto more = line.find(" late ("); more != std::string::npos) {
      n += std::stoul(line.substr(more + 7));
    }
  }
  return n;
}

// Only the first is kept for the monitor: each of these is late, and all at once. False: they did
// not all sleep before the time came.
bool be_late_together(std::size_t n, clock::duration soon) {
  bool in_time = false;
  const weft::testing::stderr_text text;
  weft::run(alone, [&] {
    const auto when = clock::now() + soon;
    weft::wait_group all;
    for (std::size_t i = 0; i < n; ++i) {
      all.go([when] { weft::sleep_until(when); });
    }
    while (weft::testing::parked_goroutines("sleep") < n && clock::now() < when) {
      weft::yield();
    }
    in_time = clock::now() < when;
    compute_for(when - clock::now() + 2 * limit);
    all.wait();
  });
  if (in_time) {
    EXPECT_EQ(told(text.text()), n);
    EXPECT_LE(text.count(late), 10u);
  }
  return in_time;
}

TEST(StallsOneWorker, ManyLateTimersAreCountedInAFewReports) {
  for (auto soon = 50ms; !be_late_together(50, soon); soon *= 2) {
  }
}

TEST_P(Stalls, WithoutALimitNothingIsSaid) {
  const weft::testing::stderr_text text;
  run(
      [&] {
        weft::wait_group all;
        for (int i = 0; i < 3 * procs(); ++i) {
          all.go([] {
            compute_for(limit);
            weft::sleep(1ms);
          });
        }
        all.wait();
      },
      0ms);
  EXPECT_EQ(text.text(), "");
}

}  // namespace
