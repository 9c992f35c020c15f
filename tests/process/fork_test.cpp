// fork, exec and spawn beside a runtime. [fork] in docs/protocols.md
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <dirent.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "stack/sanitizer.hpp"
#include "support/fixture.hpp"

namespace {

using ::testing::ExitedWithCode;
using namespace std::chrono_literals;

class Fork : public weft::testing::Procs {
 protected:
  Fork() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};
WEFT_PROCS(Fork);

int await(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  return status;
}

// 7 if this is how a child ended that aborted, and said so on stderr itself.
int seven_if_aborted(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 7 : 8;
}

int exec_in_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", "exit 3", static_cast<char*>(nullptr));
    ::_exit(99);
  }
  const int status = await(child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int spawn_child() {
  char sh[] = "sh", c[] = "-c", text[] = "exit 4";
  char* const arguments[] = {sh, c, text, nullptr};
  pid_t child = 0;
  if (::posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments, environ) != 0) {
    return -1;
  }
  const int status = await(child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// HZ-11
TEST_P(Fork, FollowedByExecWorksFromAGoroutineAndFromAThread) {
  run([] {
    std::atomic<bool> stop{false};
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.go([&] {  // what is held at the moment of the fork is different each time
        auto c = weft::make_chan<int>(1);
        while (!stop) {
          c.send(1);
          c.recv();
          weft::go([] {});
          weft::yield();
        }
      });
    }
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(exec_in_child(), 3);
      EXPECT_EQ(weft::blocking(exec_in_child), 3);
      EXPECT_EQ(spawn_child(), 4);
      std::thread([] {
        EXPECT_EQ(exec_in_child(), 3);
        EXPECT_EQ(spawn_child(), 4);
      }).join();
    }
    stop = true;
    all.wait();
  });
}

// So there is nothing that exec would have to close.
TEST_P(Fork, TheRuntimeHasNoDescriptorsOpen) {
  const auto descriptors = [] {
    int n = 0;
    DIR* d = ::opendir("/proc/self/fd");
    while (::readdir(d) != nullptr) {
      ++n;
    }
    ::closedir(d);
    return n;
  };
  const int before = descriptors();
  run([&] {
    weft::wait_group all;
    for (int i = 0; i < 100; ++i) {
      all.go([] { weft::sleep(1ms); });
    }
    all.wait();
    EXPECT_EQ(descriptors(), before);
  });
}

// Runs f in a child that is forked by a goroutine, or by a thread beside them, then ends with 7 if
// the child aborted.
template <class F>
void in_child_of_goroutine(F f) {
  weft::run({.max_procs = 2}, [&] {
    for (int i = 0; i < 100; ++i) {
      weft::go([] { weft::yield(); });
    }
    const pid_t child = ::fork();
    if (child == 0) {
      f();
      ::_exit(0);
    }
    std::_Exit(seven_if_aborted(await(child)));
  });
}

template <class F>
void in_child_of_thread(F f) {
  weft::runtime rt({.max_procs = 2});
  weft::go([] { weft::chan<int>().recv(); });
  const pid_t child = ::fork();
  if (child == 0) {
    f();
    ::_exit(0);
  }
  std::_Exit(seven_if_aborted(await(child)));
}

constexpr const char* said = "in a child made by fork\\(\\) while a runtime ran";

class ForkAlone : public ::testing::Test {
 protected:
  ForkAlone() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// HZ-11: the documented failure.
TEST_F(ForkAlone, TheChildCannotStartGoroutines) {
  EXPECT_EXIT(in_child_of_goroutine([] { weft::go([] {}); }), ExitedWithCode(7), said);
  EXPECT_EXIT(in_child_of_thread([] { weft::go([] {}); }), ExitedWithCode(7), said);
  EXPECT_EXIT(in_child_of_goroutine([] { weft::go({.stack_bytes = 1 << 20}, [] {}); }),
              ExitedWithCode(7), said);
}

TEST_F(ForkAlone, TheChildCannotWait) {
  EXPECT_EXIT(in_child_of_goroutine([] { weft::make_chan<int>().recv(); }), ExitedWithCode(7),
              said);
  EXPECT_EXIT(in_child_of_thread([] { weft::make_chan<int>().recv(); }), ExitedWithCode(7), said);
  EXPECT_EXIT(in_child_of_goroutine([] { weft::sleep(1h); }), ExitedWithCode(7), said);
  EXPECT_EXIT(in_child_of_thread([] { weft::sleep(1h); }), ExitedWithCode(7), said);
  EXPECT_EXIT(in_child_of_goroutine([] { weft::yield(); }), ExitedWithCode(7), said);
}

TEST_F(ForkAlone, TheChildCannotStartARuntime) {
  EXPECT_EXIT(in_child_of_thread([] { weft::run([] {}); }), ExitedWithCode(7), said);
  EXPECT_EXIT(in_child_of_thread([] { weft::runtime rt; }), ExitedWithCode(7), said);
}

TEST_F(ForkAlone, TheChildCannotGoOnAsAGoroutine) {
  EXPECT_EXIT(
      {
        static pid_t child = -1;
        weft::run({.max_procs = 2}, [] {
          weft::wait_group forked;
          forked.add(1);
          weft::go([&] {
            child = ::fork();
            if (child != 0) {
              forked.done();
            }
          });
          forked.wait();
        });
        std::_Exit(seven_if_aborted(await(child)));
      },
      ExitedWithCode(7), said);
}

// A lock that was held when the process was copied is never unlocked.
TEST_F(ForkAlone, TheChildCannotWaitForALockThatIsHeld) {
  static weft::mutex m;
  const auto held = [] { m.lock(); };
  EXPECT_EXIT(
      {
        m.lock();
        in_child_of_goroutine(held);
      },
      ExitedWithCode(7), said);
  EXPECT_EXIT(
      {
        m.lock();
        in_child_of_thread(held);
      },
      ExitedWithCode(7), said);
}

// What neither waits nor starts anything works: destructors, above all.
TEST_F(ForkAlone, TheChildMayDoWhatDoesNotWaitAndExit) {
  const auto harmless = [](int status) {
    return [status] {
      auto c = weft::make_chan<int>(1);
      c.send(1);
      weft::mutex m;
      m.lock();
      m.unlock();
      ::_exit(*c.recv() == 1 ? status : 8);
    };
  };
  const auto check = [](int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 8; };
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [&] {
                          const pid_t child = ::fork();
                          if (child == 0) {
                            harmless(7)();
                          }
                          std::_Exit(check(await(child)));
                        }),
              ExitedWithCode(7), "");
#if !WEFT_ASAN  // LeakSanitizer takes for leaked what threads held that the fork left behind
  // exit() destroys a runtime that is not there.
  EXPECT_EXIT(
      {
        static weft::runtime rt({.max_procs = 2});
        weft::go([] { weft::chan<int>().recv(); });
        const pid_t child = ::fork();
        if (child == 0) {
          std::exit(7);
        }
        std::_Exit(check(await(child)));
      },
      ExitedWithCode(7), "");
#endif
}

TEST_F(ForkAlone, AChildOfAProcessWhoseRuntimeHasEndedHasItsOwn) {
#if WEFT_TSAN
  GTEST_SKIP() << "ThreadSanitizer starts no threads after a fork";
#endif
  EXPECT_EXIT(
      {
        weft::run({.max_procs = 2}, [] { weft::go([] { weft::chan<int>().recv(); }); });
        const pid_t child = ::fork();
        if (child == 0) {
          std::_Exit(weft::run({.max_procs = 2}, [] {
            auto c = weft::make_chan<int>();
            weft::go([c] { c.send(7); });
            return *c.recv();
          }));
        }
        const int status = await(child);
        std::_Exit(WIFEXITED(status) ? WEXITSTATUS(status) : 8);
      },
      ExitedWithCode(7), "");
}

}  // namespace
