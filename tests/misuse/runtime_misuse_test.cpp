// What ends the program, with which status and which words. Each case is a process of its own.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/goroutine_local.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/select.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/singleflight.hpp>
#include <weft/uncaught.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>

#include "stack/sanitizer.hpp"
#include "support/idle.hpp"
#include "support/test_context.hpp"

namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

#if WEFT_TSAN
// ThreadSanitizer has a thread of its own, which might wake somebody for all the runtime knows.
#define WEFT_NEEDS_DEADLOCK_REPORT() GTEST_SKIP() << "no deadlock report beside TSan's thread"
#else
#define WEFT_NEEDS_DEADLOCK_REPORT() static_cast<void>(0)
#endif

class RuntimeMisuse : public ::testing::Test {
 protected:
  RuntimeMisuse() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// PN-1
TEST_F(RuntimeMisuse, AnExceptionThatLeavesAGoroutineEndsTheProgram) {
  EXPECT_EXIT(weft::run([] {
                weft::go({.name = "thrower"}, [] { throw std::runtime_error("the reason"); });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGABRT),
              "exception left a goroutine: std::runtime_error: the reason(.|\n)*goroutine "
              "[0-9]+ \\[running\\] \"thrower\"(.|\n)*runtime_misuse_test.cpp:[0-9]+");
}

// PN-1: the handler is called on the goroutine, and may end the program in its own way.
TEST_F(RuntimeMisuse, TheUncaughtHandlerIsToldAndMayEndTheProgram) {
  EXPECT_EXIT(
      {
        weft::uncaught_handler none = weft::set_uncaught_handler([](const weft::uncaught_info& u) {
          try {
            std::rethrow_exception(u.exception);
          } catch (const std::runtime_error& e) {
            const bool here = u.goroutine == weft::this_goroutine::id() && u.name == "thrower" &&
                              std::string_view(u.created.file_name()).ends_with("misuse_test.cpp");
            std::fprintf(stderr, "handler: %s\n", e.what());
            std::_Exit(here ? 7 : 8);
          }
        });
        weft::run([&] {
          if (none == nullptr) {
            weft::go({.name = "thrower"}, [] { throw std::runtime_error("the reason"); });
          }
          weft::testing::wait_until_goroutines(0);
        });
      },
      ExitedWithCode(7), "handler: the reason");
}

// PN-1: a handler that returns, or throws itself, is followed by the default.
TEST_F(RuntimeMisuse, AnUncaughtHandlerThatReturnsIsFollowedByTheReport) {
  const auto crash_with = [](weft::uncaught_handler h) {
    weft::set_uncaught_handler(h);
    weft::run([] { throw std::runtime_error("the reason"); });
  };
  EXPECT_EXIT(crash_with([](const weft::uncaught_info&) { std::fputs("told; ", stderr); }),
              KilledBySignal(SIGABRT), "told; .*left a goroutine: std::runtime_error: the reason");
  EXPECT_EXIT(crash_with([](const weft::uncaught_info&) { throw 1; }), KilledBySignal(SIGABRT),
              "left a goroutine: std::runtime_error: the reason");
}

// HZ-4
TEST_F(RuntimeMisuse, GoexitThroughANoexceptFrameEndsTheProgram) {
  EXPECT_EXIT(weft::run([] {
                const auto leave = []() noexcept { weft::goexit(); };
                leave();
              }),
              KilledBySignal(SIGABRT), "goexit met a noexcept frame");
}

// PN-6
TEST_F(RuntimeMisuse, AnExceptionOfAnyTypeIsNamed) {
  EXPECT_EXIT(weft::run([] { throw 5; }), KilledBySignal(SIGABRT), "left a goroutine: int");
  EXPECT_EXIT(weft::run([] { throw "text"; }), KilledBySignal(SIGABRT), "char const\\*: text");
}

[[noreturn]] void throw_from_what() { throw std::out_of_range("of what"); }
struct cannot_say : std::exception {
  const char* what() const noexcept override { throw_from_what(); }
};
struct has_no_words : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

// PN-6: the report is complete nevertheless.
TEST_F(RuntimeMisuse, AnExceptionThatCannotBeDescribedIsReportedToo) {
  EXPECT_EXIT(weft::run([] {
                weft::go({.name = "thrower"}, [] { throw cannot_say(); });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGABRT),
              "left a goroutine: .*cannot_say \\(its what\\(\\) threw, too: "
              "std::out_of_range\\)\n\ngoroutine [0-9]+ \\[running\\] \"thrower\"(.|\n)*main, "
              "started at .*runtime_misuse_test.cpp");
  EXPECT_EXIT(weft::run([] { throw has_no_words(); }), KilledBySignal(SIGABRT),
              "left a goroutine: .*has_no_words\n\ngoroutine");
}

// PN-1
TEST_F(RuntimeMisuse, AnExceptionThatLeavesMainEndsTheProgram) {
  EXPECT_EXIT(weft::run([] { throw std::logic_error("of main"); }), KilledBySignal(SIGABRT),
              "std::logic_error: of main(.|\n)*main, started at .*runtime_misuse_test.cpp");
}

// MU-1, PN-4
TEST_F(RuntimeMisuse, UnlockOfAnUnlockedMutexEndsTheProgram) {
  EXPECT_EXIT(weft::run([] {
                weft::go({.name = "culprit"}, [] {
                  weft::mutex m;
                  m.unlock();
                });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGABRT), "unlock of unlocked mutex(.|\n)*\"culprit\"");
}

// RW-4, PN-4
TEST_F(RuntimeMisuse, UnlockOfASharedMutexThatIsNotLockedSoEndsTheProgram) {
  const auto in_a_goroutine = [](void (*f)(weft::shared_mutex&)) {
    weft::run([f] {
      weft::go({.name = "culprit"}, [f] {
        weft::shared_mutex m;
        f(m);
      });
      weft::testing::wait_until_goroutines(0);
    });
  };
  EXPECT_EXIT(in_a_goroutine([](weft::shared_mutex& m) { m.unlock(); }), KilledBySignal(SIGABRT),
              "unlock of unlocked shared_mutex(.|\n)*\"culprit\"");
  EXPECT_EXIT(in_a_goroutine([](weft::shared_mutex& m) {
                m.lock_shared();
                m.unlock();
              }),
              KilledBySignal(SIGABRT), "unlock of unlocked shared_mutex(.|\n)*\"culprit\"");
  EXPECT_EXIT(in_a_goroutine([](weft::shared_mutex& m) { m.unlock_shared(); }),
              KilledBySignal(SIGABRT),
              "unlock_shared of a shared_mutex without readers(.|\n)*\"culprit\"");
  EXPECT_EXIT(in_a_goroutine([](weft::shared_mutex& m) {
                m.lock();
                m.unlock_shared();
              }),
              KilledBySignal(SIGABRT),
              "unlock_shared of a shared_mutex without readers(.|\n)*\"culprit\"");
}

// RW-2, DL-1: a reader that locks again behind a writer.
TEST_F(RuntimeMisuse, ReadingTwiceWithAWriterBetweenIsADeadlock) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  EXPECT_EXIT(weft::run([] {
                weft::shared_mutex m;
                m.lock_shared();
                weft::go([&] { m.lock(); });
                weft::testing::wait_until_parked(1, "sync.RWMutex.Lock");
                m.lock_shared();
              }),
              ExitedWithCode(2), "all goroutines are asleep(.|\n)*sync.RWMutex.RLock");
}

// SF-4: nobody can catch what is thrown for a channel; nor what all have stopped waiting for.
TEST_F(RuntimeMisuse, AnExceptionInASingleflightWithAChannelEndsTheProgram) {
  EXPECT_EXIT(weft::run([] {
                weft::singleflight<int, int> g;
                g.do_chan(1, []() -> int { throw std::runtime_error("the reason"); }).recv();
              }),
              KilledBySignal(SIGABRT),
              "exception left a goroutine: std::runtime_error: the reason");
  EXPECT_EXIT(weft::run([] {
                weft::singleflight<int, int> g;
                try {
                  g.do_(1, [&]() -> int {
                    static_cast<void>(g.do_chan(1, [] { return 0; }));
                    throw std::runtime_error("the reason");
                  });
                } catch (const std::runtime_error&) {
                  std::_Exit(0);
                }
              }),
              KilledBySignal(SIGABRT),
              "exception left a goroutine: std::runtime_error: the reason");
}

// SF-4
TEST_F(RuntimeMisuse, AnExceptionInASingleflightThatAllHaveLeftEndsTheProgram) {
  EXPECT_EXIT(weft::run([] {
                weft::singleflight<int, int> g;
                weft::testing::test_context ctx;
                auto go_on = weft::make_chan<int>();
                weft::go([&] {
                  weft::testing::wait_until_parked(1, "chan receive");
                  ctx.cancel();
                });
                static_cast<void>(g.do_(ctx, 1, [go_on]() -> int {
                  go_on.recv();
                  throw std::runtime_error("the reason");
                }));
                go_on.send(0);
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGABRT),
              "exception left a goroutine: std::runtime_error: the reason");
}

// MU-1, DL-1
TEST_F(RuntimeMisuse, LockingTwiceIsADeadlock) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  EXPECT_EXIT(weft::run([] {
                weft::mutex m;
                m.lock();
                m.lock();
              }),
              ExitedWithCode(2), "all goroutines are asleep(.|\n)*sync.Mutex.Lock");
}

// ON-1
TEST_F(RuntimeMisuse, AOnceInsideItselfIsADeadlock) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  EXPECT_EXIT(weft::run([] {
                weft::once once;
                once.do_([&] { once.do_([] {}); });
              }),
              ExitedWithCode(2), "all goroutines are asleep(.|\n)*sync.Once.Do");
}

// WG-1, DL-1: the report has every goroutine with its name and where it was created.
TEST_F(RuntimeMisuse, ADeadlockIsReportedWithNamesAndPlaces) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  EXPECT_EXIT(weft::run([] {
                weft::wait_group never;
                never.add(1);
                weft::go({.name = "sleeper"}, [&] { never.wait(); });
                never.wait();
              }),
              ExitedWithCode(2),
              "asleep - deadlock!(.|\n)*sync.WaitGroup.Wait(.|\n)*runtime_misuse_test.cpp:");
  EXPECT_EXIT(weft::run([] {
                weft::wait_group never;
                never.add(1);
                weft::go({.name = "sleeper"}, [&] { never.wait(); });
                never.wait();
              }),
              ExitedWithCode(2), "\"sleeper\":\n\tcreated at .*runtime_misuse_test.cpp:[0-9]+");
}

// RT-4
TEST_F(RuntimeMisuse, MainMayLeaveAndTheLastOneEndsTheProgram) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  EXPECT_EXIT(weft::run([] {
                weft::go([] {
                  for (int i = 0; i < 100; ++i) {
                    weft::yield();
                  }
                  std::fputs("the other one ran\n", stderr);
                });
                weft::goexit();
              }),
              ExitedWithCode(2),
              "the other one ran\n(.|\n)*no goroutines \\(main called goexit\\) - deadlock!");
}

// DL-1: not with on_deadlock ignore: here a signal comes long after a report would have come.
TEST_F(RuntimeMisuse, AnIgnoredDeadlockIsNotReported) {
  EXPECT_EXIT(
      {
        ::signal(SIGALRM, [](int) { std::_Exit(3); });
        ::ualarm(300'000, 0);
        weft::run(weft::runtime_options{.on_deadlock = weft::deadlock_action::ignore}, [] {
          weft::wait_group never;
          never.add(1);
          never.wait();
        });
      },
      ExitedWithCode(3), "");
}

// RT-2, HZ-4
TEST_F(RuntimeMisuse, ASwallowedGoexitEndsTheProgram) {
  EXPECT_EXIT(weft::run([] {
                weft::go([] {
                  try {
                    weft::goexit();
                  } catch (...) {
                  }
                });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGABRT), "goexit was swallowed");
}

#if !WEFT_ASAN && !WEFT_TSAN
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) int endless(int n) {
  volatile char room[1000];
  room[0] = static_cast<char>(n);
  return endless(n + 1) + room[0];
}
#pragma GCC diagnostic pop
#endif

// GR-6, HZ-6
TEST_F(RuntimeMisuse, AStackOverflowNamesTheGoroutineAndTheSize) {
#if WEFT_ASAN || WEFT_TSAN
  GTEST_SKIP() << "the sanitizer reports it in its own words";
#else
  EXPECT_EXIT(weft::run([] {
                weft::go({.name = "deep"}, [] { endless(0); });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGSEGV), "stack overflow(.|\n)*196608 bytes(.|\n)*\"deep\"");
  EXPECT_EXIT(weft::run([] {
                weft::go({.name = "deep", .stack_bytes = 1 << 20}, [] { endless(0); });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGSEGV), "stack overflow(.|\n)*1048576 bytes(.|\n)*\"deep\"");
#endif
}

#if !WEFT_ASAN && !WEFT_TSAN
__attribute__((noinline)) char one_huge_frame() {
  volatile char room[400 * 1024];  // more than stack and guard together
  room[0] = 1;
  return room[0];
}
#endif

// GR-6, HZ-6: code that links to weft is compiled so that a frame larger than the guard touches it.
TEST_F(RuntimeMisuse, AStackOverflowByOneHugeFrameIsReportedToo) {
#if WEFT_ASAN || WEFT_TSAN
  GTEST_SKIP() << "the sanitizer reports it in its own words";
#else
  EXPECT_EXIT(weft::run([] {
                weft::go({.name = "wide"}, [] { one_huge_frame(); });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGSEGV), "stack overflow(.|\n)*196608 bytes(.|\n)*\"wide\"");
#endif
}

// GR-14: it would be made again and again.
TEST_F(RuntimeMisuse, ALocalThatItsOwnDestructorUsesEndsTheProgram) {
  struct uses_itself {
    static weft::goroutine_local<uses_itself>& own() {
      static weft::goroutine_local<uses_itself> local;
      return local;
    }
    ~uses_itself() { own().get(); }
  };
  EXPECT_EXIT(weft::run([] {
                weft::go({.name = "culprit"}, [] { uses_itself::own().get(); });
                weft::testing::wait_until_goroutines(0);
              }),
              KilledBySignal(SIGABRT), "used by the destructor of its own value(.|\n)*\"culprit\"");
}

// GR-6: a stack that cannot be had is refused to the spawner, and the program goes on.
TEST_F(RuntimeMisuse, AStackThatCannotBeHadIsRefused) {
  weft::run([] {
    for (const std::size_t bytes : {std::size_t{1} << 60, ~std::size_t{0}}) {
      EXPECT_THROW(weft::go({.stack_bytes = bytes}, [] {}), std::system_error);
    }
    EXPECT_EQ(weft::num_goroutines(), 1u);
    weft::wait_group group;
    group.go([] {});
    group.wait();
  });
}

// GR-6: with little address space the spawner is told, and all that was spawned runs.
TEST_F(RuntimeMisuse, LittleAddressSpaceIsToldToTheSpawner) {
#if WEFT_ASAN || WEFT_TSAN
  GTEST_SKIP() << "the sanitizer needs address space of its own";
#else
  EXPECT_EXIT(
      {
        int status = 1;
        weft::run([&] {
          rlimit limit{};
          limit.rlim_cur = limit.rlim_max = std::size_t{1} << 30;
          ::setrlimit(RLIMIT_AS, &limit);
          std::atomic<int> ran{0};
          int spawned = 0;
          bool refused = false;
          try {
            for (; spawned < 1'000'000; ++spawned) {
              weft::go([&] { ++ran; });
            }
          } catch (const std::system_error&) {
            refused = true;
          } catch (const std::bad_alloc&) {
            refused = true;
          }
          weft::testing::wait_until_goroutines(1);
          status = refused && ran == spawned ? 7 : 8;
        });
        std::_Exit(status);
      },
      ExitedWithCode(7), "");
#endif
}

// DL-1: a thread that waits for weft itself, as long as it takes, will not wake anybody.
TEST_F(RuntimeMisuse, ADeadlockOfThreadsAndGoroutinesIsReported) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  const auto blocked_with_others = [](bool first_goroutines) {
    weft::runtime rt({.max_procs = 2});
    auto never = weft::make_chan<int>();
    const auto spawn = [&] { weft::go({.name = "waits"}, [never] { never.recv(); }); };
    if (first_goroutines) {
      spawn();
      weft::testing::wait_until_parked(1);
      // The monitor has found all asleep and sleeps deeply when this thread blocks, too.
      ::usleep(100'000);
    } else {
      spawn();
    }
    std::thread outside([never] { never.recv(); });
    never.recv();
    outside.join();
  };
  EXPECT_EXIT(blocked_with_others(false), ExitedWithCode(2),
              "all goroutines are asleep - deadlock!(.|\n)*chan receive(.|\n)*\"waits\"");
  EXPECT_EXIT(blocked_with_others(true), ExitedWithCode(2), "all goroutines are asleep");
}

// DL-1
TEST_F(RuntimeMisuse, ADeadlockWhileWaitingForTheLastGoroutineIsReported) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  EXPECT_EXIT(
      {
        weft::runtime rt({.max_procs = 2});
        weft::go([] { weft::make_chan<int>().recv(); });
        rt.wait();
      },
      ExitedWithCode(2), "all goroutines are asleep");
  EXPECT_EXIT(
      {
        weft::runtime rt({.max_procs = 1});
        rt.call([] { weft::make_chan<int>().recv(); });
      },
      ExitedWithCode(2), "all goroutines are asleep");
}

// DL-1, DL-6
TEST_F(RuntimeMisuse, ADeadlockWithLockedThreadsIsReported) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  for (const bool main_thread : {false, true}) {
    EXPECT_EXIT(weft::run({.max_procs = 2, .lock_main_thread = main_thread},
                          [] {
                            weft::go([] {
                              weft::lock_os_thread();
                              weft::make_chan<int>().recv();
                            });
                            weft::lock_os_thread();
                            weft::make_chan<int>().recv();
                          }),
                ExitedWithCode(2), "all goroutines are asleep");
  }
}

// DL-4: the last thread that might have sent something ends without having done so.
TEST_F(RuntimeMisuse, ADeadlockIsReportedWhenTheLastOtherThreadEnds) {
  WEFT_NEEDS_DEADLOCK_REPORT();
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [] {
                          std::thread([] {
                            auto c = weft::make_chan<int>(1);
                            c.send(1);
                            weft::mutex m;
                            m.lock();
                            EXPECT_EQ(weft::select(weft::recv(weft::chan<int>()),
                                                   weft::timeout(std::chrono::milliseconds(150))),
                                      1u);
                          }).detach();
                          weft::make_chan<int>().recv();
                        }),
              ExitedWithCode(2), "all goroutines are asleep");
}

// DL-4: while a thread exists that may send, and will, nothing is reported.
TEST_F(RuntimeMisuse, AThreadThatMaySendKeepsTheDeadlockReportAway) {
  weft::run({.max_procs = 2}, [] {
    auto c = weft::make_chan<int>();
    std::thread late([c]() mutable {
      ::usleep(150'000);
      c.send(1);
    });
    EXPECT_EQ(c.recv(), 1);
    late.join();
  });
}

TEST_F(RuntimeMisuse, ARuntimeThatIsDestroyedByItsGoroutineEndsTheProgram) {
  EXPECT_EXIT(
      {
        auto* rt = new weft::runtime({.max_procs = 1});
        rt->call([rt] { delete rt; });
      },
      KilledBySignal(SIGABRT), "destroyed by one of its goroutines");
}

}  // namespace
