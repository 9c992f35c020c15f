// Dumps at the end of a program, and on SIGQUIT: OB-1, OB-3, PN-7, PN-9. Each case is a process of
// its own.
#include <weft/chan.hpp>
#include <weft/debug.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "debug/ask.hpp"
#include "stack/sanitizer.hpp"
#include "support/idle.hpp"

namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

class DumpAtTheEnd : public ::testing::Test {
 protected:
  DumpAtTheEnd() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

__attribute__((noinline)) void waits_in_here(weft::chan<int> c) {
  c.recv();
  asm volatile("" ::: "memory");
}

void park_one() {
  auto c = weft::make_chan<int>();
  weft::go({.name = "bystander"}, [c] { waits_in_here(c); });
  weft::testing::wait_until_parked(1, "chan receive");
}

// DL-1: with stacks, objects and parents.
TEST_F(DumpAtTheEnd, ADeadlockShowsTheStacksAndWhatIsWaitedFor) {
#if WEFT_TSAN
  GTEST_SKIP() << "no deadlock report beside TSan's thread";
#endif
  EXPECT_EXIT(weft::run([] {
                park_one();
                weft::wait_group never;
                never.add(1);
                never.wait();
              }),
              ExitedWithCode(2),
              "deadlock!\n\ngoroutine 1 \\[sync.WaitGroup.Wait\\]:\n\tmain, started at "
              "(.|\n)*waits for wait_group 0x[0-9a-f]+ \\(count 1\\)\n(.|\n)*\"bystander\":\n\t"
              "created at [^\n]*, by goroutine 1\n\twaits for chan 0x[0-9a-f]+ \\(cap 0, len "
              "0\\)\n(.|\n)*waits_in_here");
}

// PN-1: the frames that threw are there, and the others with theirs.
[[noreturn]] __attribute__((noinline)) void throws_in_here() { throw std::runtime_error("why"); }

TEST_F(DumpAtTheEnd, AnUncaughtExceptionShowsWhereItWasThrown) {
  EXPECT_EXIT(weft::run([] {
                park_one();
                throws_in_here();
              }),
              KilledBySignal(SIGABRT),
              "runtime_error: why\n\ngoroutine 1 \\[running\\]:\n(.|\n)*throws_in_here(.|\n)*"
              "\\[chan receive\\] \"bystander\":\n(.|\n)*waits_in_here");
}

// [spare]
TEST_F(DumpAtTheEnd, AlsoOnAStackThatOthersUsedBefore) {
  const auto crash = [](weft::traceback level) {
    weft::run({.max_procs = 1, .traceback = level}, [] {
      auto c = weft::make_chan<int>();
      weft::go([c] { c.send(1); });
      c.recv();  // goes on when the other's stack is a spare one
      weft::go([] { throws_in_here(); });
      c.recv();
    });
  };
#if defined(__x86_64__) && !WEFT_ASAN && !WEFT_TSAN
  EXPECT_EXIT(crash(weft::traceback::system), KilledBySignal(SIGABRT),
              "throws_in_here(.|\n)*run_here(.|\n)*fiber_loop[^\n]*\n[^\n]*fiber_entry_again");
#endif
  EXPECT_EXIT(crash(weft::traceback::all), KilledBySignal(SIGABRT),
              "runtime_error: why\n\ngoroutine 3 \\[running\\]:\n(.|\n)*throws_in_here(.|\n)*"
              "goroutine 1 \\[chan receive\\]:\n");
}

// OB-3
TEST_F(DumpAtTheEnd, TheLevelDecidesWhatIsShown) {
  const auto crash = [](weft::traceback level) {
    weft::run(weft::runtime_options{.traceback = level}, [] {
      park_one();
      throws_in_here();
    });
  };
  EXPECT_EXIT(crash(weft::traceback::none), KilledBySignal(SIGABRT), "runtime_error: why\n\n$");
  EXPECT_EXIT(crash(weft::traceback::single), KilledBySignal(SIGABRT),
              "why\n\ngoroutine 1 \\[running\\]:\n\tmain[^\n]*\n(\t  [^\n]*\n)+$");
  EXPECT_EXIT(crash(weft::traceback::system), KilledBySignal(SIGABRT),
              "\"bystander\"(.|\n)*switch_fiber(.|\n)*fiber_loop");
  EXPECT_EXIT(
      {
        ::setenv("WEFT_TRACEBACK", "none", 1);
        crash(weft::traceback::all);
      },
      KilledBySignal(SIGABRT), "runtime_error: why\n\n$");
  ::setenv("WEFT_TRACEBACK", "much", 1);
  try {
    weft::run([] {});
    ADD_FAILURE() << "it was accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(),
                 "weft: run: the environment has WEFT_TRACEBACK=much; one of these was expected: "
                 "all, none, single, system, crash");
  }
  ::unsetenv("WEFT_TRACEBACK");
}

#if !WEFT_ASAN && !WEFT_TSAN
__attribute__((noinline)) void faults_in_here(volatile int* p) { *p = 1; }

// PN-9
TEST_F(DumpAtTheEnd, AMemoryFaultNamesTheGoroutineAndThePlace) {
  EXPECT_EXIT(weft::run([] {
                park_one();
                weft::go({.name = "culprit"}, [] { faults_in_here(nullptr); });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGSEGV),
              "SIGSEGV: invalid memory access at 0x0\n\ngoroutine [0-9]+ \\[running\\] "
              "\"culprit\":\n(.|\n)*faults_in_here(.|\n)*\"bystander\"");
}

TEST_F(DumpAtTheEnd, AnAbortInAGoroutineIsShown) {
  EXPECT_EXIT(weft::run([] { std::abort(); }), KilledBySignal(SIGABRT),
              "fatal: SIGABRT: abort\n\ngoroutine 1 \\[running\\]:\n");
}

TEST_F(DumpAtTheEnd, AHandlerOfTheProgramsOwnIsLeftAlone) {
  EXPECT_EXIT(
      {
        ::signal(SIGABRT, [](int) { std::_Exit(7); });
        weft::run([] { std::abort(); });
      },
      ExitedWithCode(7), "^$");
}
#endif

// PN-7: main returns while another goroutine's report is being written.
TEST_F(DumpAtTheEnd, MainsReturnDoesNotCutAReportOff) {
  EXPECT_EXIT(
      {
        weft::run(weft::runtime_options{.max_procs = 2}, [] {
          for (int i = 0; i < 3000; ++i) {
            weft::go([] { weft::make_chan<int>().recv(); });
          }
          weft::testing::wait_until_parked(3000);
          weft::go({.name = "thrower"}, [] { throws_in_here(); });
          weft::yield();
        });
        std::_Exit(0);
      },
      [](int status) {
        // Whichever was first; but never a report and then status 0.
        return KilledBySignal(SIGABRT)(status) || ExitedWithCode(0)(status);
      },
      "^$|goroutines \\[chan receive\\](.|\n)*created at [^\n]*\n(\t[^\n]*\n)+$");
}

#if !WEFT_TSAN
__attribute__((noinline)) void computes_in_here(const std::atomic<bool>& stop) {
  while (!stop) {
  }
  asm volatile("" ::: "memory");
}

// RT-13. However busy the machine is.
void start_a_hog() {
  weft::detail::ask_patience_ns = 60'000'000'000;
  static std::atomic<bool> never{false};
  weft::go({.name = "hog"}, [] { computes_in_here(never); });
  while (weft::dump_goroutines().find("computes_in_here") == std::string::npos) {
    weft::yield();
  }
}

TEST_F(DumpAtTheEnd, ACrashShowsTheStacksOfThoseThatRunElsewhere) {
  EXPECT_EXIT(weft::run(weft::runtime_options{.max_procs = 2},
                        [] {
                          start_a_hog();
                          throws_in_here();
                        }),
              KilledBySignal(SIGABRT),
              "runtime_error: why\n(.|\n)*\\[running\\] \"hog\":\n\tcreated at [^\n]*(\n\t  "
              "[^\n]*)*computes_in_here");
}

TEST_F(DumpAtTheEnd, SigquitShowsTheStacksOfThoseThatRunElsewhere) {
  EXPECT_EXIT(
      weft::run(weft::runtime_options{.max_procs = 2},
                [] {
                  start_a_hog();
                  ::raise(SIGQUIT);
                  weft::make_chan<int>().recv();
                }),
      ExitedWithCode(2),
      "SIGQUIT\n(.|\n)*\\[running\\] \"hog\":\n\tcreated at [^\n]*(\n\t  [^\n]*)*computes_in_here");
}

TEST_F(DumpAtTheEnd, AHandlerForSigurgIsLeftAlone) {
  EXPECT_EXIT(
      {
        ::signal(SIGURG, [](int) { std::_Exit(7); });
        weft::run(weft::runtime_options{.max_procs = 2}, [] {
          static std::atomic<bool> never{false};
          weft::go({.name = "hog"}, [] { computes_in_here(never); });
          while (weft::dump_goroutines().find(", no trace\n") == std::string::npos) {
            weft::yield();
          }
          ::raise(SIGURG);
        });
      },
      ExitedWithCode(7), "^$");
}
#endif

void kill_myself() { ::raise(SIGQUIT); }

// OB-1
TEST_F(DumpAtTheEnd, SigquitShowsAllAndExitsWithStatusTwo) {
  EXPECT_EXIT(
      weft::run([] {
        park_one();
        kill_myself();
        weft::make_chan<int>().recv();
      }),
      ExitedWithCode(2),
      "weft: SIGQUIT\nweft: 2 goroutines: (.|\n)*what may go on: (.|\n)*\"bystander\"(.|\n)*"
      "waits_in_here");
}

TEST_F(DumpAtTheEnd, SigquitIsAnsweredWhileAllSleepAndWhileAllCompute) {
  EXPECT_EXIT(weft::run(weft::runtime_options{.on_deadlock = weft::deadlock_action::ignore},
                        [] {
                          std::thread([] {
                            ::usleep(100'000);  // long after the monitor has gone to sleep
                            kill_myself();
                          }).detach();
                          weft::make_chan<int>().recv();
                        }),
              ExitedWithCode(2), "goroutine 1 \\[chan receive\\]");
  EXPECT_EXIT(weft::run([] {
                kill_myself();
                for (volatile bool on = true; on;) {
                }
              }),
              ExitedWithCode(2), "goroutine 1 \\[running\\]");
}

TEST_F(DumpAtTheEnd, SigquitMayLetTheProgramGoOn) {
  EXPECT_EXIT(
      {
        ::setenv("WEFT_SIGQUIT", "dump", 1);
        int pipe[2];
        if (::pipe(pipe) != 0) {
          std::_Exit(1);
        }
        ::dup2(pipe[1], STDERR_FILENO);
        weft::run([&] {
          for (int i = 0; i < 2; ++i) {  // each dump is over when the last line has come
            kill_myself();
            std::string got;
            char c = 0;
            while (got.find("goroutine 1 [running]") == std::string::npos &&
                   ::read(pipe[0], &c, 1) == 1) {
              got += c;
            }
          }
        });
        std::_Exit(5);
      },
      ExitedWithCode(5), "");
}

TEST_F(DumpAtTheEnd, SigquitIsLeftToWhoWantsIt) {
  EXPECT_EXIT(
      {
        ::signal(SIGQUIT, [](int) { std::_Exit(7); });
        weft::run([] { kill_myself(); });
      },
      ExitedWithCode(7), "^$");
  EXPECT_EXIT(weft::run(weft::runtime_options{.on_sigquit = weft::sigquit_action::leave},
                        [] { kill_myself(); }),
              KilledBySignal(SIGQUIT), "^$");
  // After the run it is the system's again.
  EXPECT_EXIT(
      {
        weft::run([] {});
        kill_myself();
      },
      KilledBySignal(SIGQUIT), "^$");
}

}  // namespace
