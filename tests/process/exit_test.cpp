// The end of the process while goroutines run, and goroutines before main. [exit] in
// docs/protocols.md
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "stack/sanitizer.hpp"
#include "support/idle.hpp"

namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

// GR-15: a run before main, and a spawn without one.
const int ran_before_main = weft::run({.max_procs = 2}, [] {
  auto c = weft::make_chan<int>();
  weft::go([c] { c.send(42); });
  return *c.recv();
});
const bool refused_before_main = [] {
  try {
    weft::go([] {});
  } catch (const weft::no_runtime&) {
    return true;
  }
  return false;
}();

class Exit : public ::testing::Test {
 protected:
  Exit() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

std::atomic<long> steps{0};
std::atomic<bool> returned{false};

// Goroutines that never stop by themselves, on every worker.
void keep_busy() {
  for (int i = 0; i < 8; ++i) {
    weft::go([] {
      for (;;) {
        ++steps;
        weft::yield();
      }
    });
  }
  while (steps < 1000) {
    std::this_thread::yield();
  }
}

// A static object that looks, when it is destroyed, whether goroutines still run.
struct must_be_quiet {
  ~must_be_quiet() {
    const long before = steps;
    ::usleep(30'000);
    if (steps != before) {
      std::fputs("goroutines run beside static destructors\n", stderr);
      std::_Exit(9);
    }
    if (returned) {
      std::fputs("run() has returned\n", stderr);
      std::_Exit(8);
    }
    std::fputs("all is quiet\n", stderr);
  }
};

TEST_F(Exit, ARunBeforeMainWorks) {
  EXPECT_EQ(ran_before_main, 42);
  EXPECT_TRUE(refused_before_main);
}

// RT-15, HZ-10: not even what a goroutine made later than the runtime is destroyed before.
TEST_F(Exit, FromAGoroutineStopsTheOthersFirst) {
  for (const int procs : {1, 2, 4}) {
    EXPECT_EXIT(
        {
          weft::run({.max_procs = procs}, [] {
            weft::go([] {
              static must_be_quiet quiet;
              weft::go([] {
                for (;;) {
                  ++steps;
                  weft::yield();
                }
              });
              while (steps < 1000) {
                weft::yield();
              }
              std::exit(7);
            });
            weft::chan<int>().recv();
          });
          returned = true;
        },
        ExitedWithCode(7), "all is quiet");
  }
}

TEST_F(Exit, FromTheMainGoroutineStopsTheOthersFirst) {
  for (const bool host : {false, true}) {
    EXPECT_EXIT(weft::run({.max_procs = 3, .lock_main_thread = host},
                          [] {
                            static must_be_quiet quiet;
                            weft::wait_group parked;
                            parked.add(1);
                            weft::go([&parked] { parked.wait(); });
                            weft::go([] {
                              keep_busy();
                              for (;;) {
                                ++steps;
                                weft::yield();
                              }
                            });
                            while (steps < 1000) {
                              weft::yield();
                            }
                            std::exit(7);
                          }),
                ExitedWithCode(7), "all is quiet");
  }
}

// Here static objects are destroyed in the reverse order of everything: one that was there before
// the runtime is destroyed after it has stopped.
TEST_F(Exit, FromAnotherThreadStopsTheWorkersFirst) {
  EXPECT_EXIT(
      {
        static must_be_quiet quiet;
        weft::run({.max_procs = 3}, [] {
          keep_busy();
          std::thread([] { std::exit(7); }).detach();
          weft::chan<int>().recv();
        });
        returned = true;
      },
      ExitedWithCode(7), "all is quiet");
}

TEST_F(Exit, FromTheFirstThreadStopsTheWorkersFirst) {
  EXPECT_EXIT(
      {
        static must_be_quiet quiet;
        weft::runtime rt({.max_procs = 3});
        keep_busy();
        std::exit(7);
      },
      ExitedWithCode(7), "all is quiet");
}

// Whatever it does then, it does not hold up the end of the process.
TEST_F(Exit, DoesNotWaitForAGoroutineThatComputes) {
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [] {
                          std::atomic<bool> begun{false};
                          weft::go([&] {
                            begun = true;
                            for (volatile bool go_on = true; go_on;) {
                            }
                          });
                          weft::go([&] {
                            while (!begun) {
                              weft::yield();
                            }
                            std::exit(7);
                          });
                          while (true) {
                            weft::yield();
                          }
                        }),
              ExitedWithCode(7), "");
}

// [exit.3] run() has nothing to return to: its caller would go on beside the destructors.
TEST_F(Exit, KeepsRunFromReturning) {
  static std::atomic<bool> may_end{false};
  struct lets_main_end {
    ~lets_main_end() {
      may_end = true;
      ::usleep(100'000);
      std::fputs(returned ? "run() has returned\n" : "run() waits\n", stderr);
    }
  };
  EXPECT_EXIT(
      {
        static lets_main_end last;
        weft::run({.max_procs = 2}, [] {
          std::thread([] { std::exit(7); }).detach();
          while (!may_end) {  // does not wait, so it is not stopped either
          }
        });
        returned = true;
      },
      ExitedWithCode(7), "run\\(\\) waits");
}

TEST_F(Exit, AStaticRuntimeEndsWithTheProgram) {
  EXPECT_EXIT(
      {
        static weft::runtime rt({.max_procs = 2});
        weft::go([] { weft::chan<int>().recv(); });
        keep_busy();
        std::exit(7);
      },
      ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        static weft::runtime rt({.max_procs = 2});
        keep_busy();
        rt.call([] { std::exit(7); });
      },
      ExitedWithCode(7), "");
  EXPECT_EXIT(  // destroyed after the runtime was stopped
      {
        static std::unique_ptr<weft::runtime> rt;
        rt = std::make_unique<weft::runtime>(weft::runtime_options{.max_procs = 2});
        keep_busy();
        std::exit(7);
      },
      ExitedWithCode(7), "");
}

// What does not wait works; what would wait for goroutines says so.
TEST_F(Exit, StaticDestructorsMayUseWeftButNotWait) {
  static auto buffered = weft::make_chan<int>(1);
  static weft::mutex m;
  struct does_not_wait {
    ~does_not_wait() {
      const std::lock_guard hold(m);
      buffered.send(1);
      std::fprintf(stderr, "received %d\n", *buffered.recv());
      weft::go([] { std::fputs("a goroutine ran\n", stderr); });
    }
  };
  struct waits {
    ~waits() { buffered.recv(); }
  };
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [] {
                          static does_not_wait last;
                          std::exit(7);
                        }),
              ExitedWithCode(7), "^received 1\n$");
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [] {
                          static waits last;
                          std::exit(7);
                        }),
              KilledBySignal(SIGABRT),
              "called std::exit\\(\\), and something(.|\n)*waited in weft");
}

// Go's os.Exit: at once.
TEST_F(Exit, QuickExitAndExitAtOnceRunNoDestructors) {
  struct must_not_go {
    ~must_not_go() { std::fputs("destroyed\n", stderr); }
  };
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [] {
                          static must_not_go object;
                          std::at_quick_exit([] { std::fputs("quick\n", stderr); });
                          keep_busy();
                          std::quick_exit(7);
                        }),
              ExitedWithCode(7), "^quick\n$");
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [] {
                          static must_not_go object;
                          keep_busy();
                          std::_Exit(7);
                        }),
              ExitedWithCode(7), "^$");
}

// HZ-10
TEST_F(Exit, ReturningFromMainWithAbandonedGoroutinesIsClean) {
  EXPECT_EXIT(
      {
        for (int i = 0; i < 20; ++i) {
          weft::run({.max_procs = 2}, [] {
            for (int k = 0; k < 10; ++k) {
              weft::go([] { weft::chan<int>().recv(); });
            }
            weft::testing::wait_until_parked(10);
          });
        }
        std::exit(7);
      },
      ExitedWithCode(7), "^$");
}

}  // namespace
