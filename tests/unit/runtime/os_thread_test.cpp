// Goroutines that stay on one thread, and the thread that calls run().
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

class OsThread : public weft::testing::Procs {};
WEFT_PROCS(OsThread);

// Never inlined: what a thread is must be asked anew after each wait (HZ-2).
__attribute__((noinline)) pid_t this_thread() { return ::gettid(); }

bool exists(pid_t thread) {
  return ::access(("/proc/self/task/" + std::to_string(thread)).c_str(), F_OK) == 0;
}

// RT-8
TEST_P(OsThread, ALockedGoroutineStaysOnItsThreadThroughAllWaits) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::wait_group all;
    all.go([&] {
      weft::lock_os_thread();
      const pid_t mine = this_thread();
      for (int i = 0; i < 50; ++i) {
        c.send(i);
        EXPECT_EQ(this_thread(), mine);
        weft::yield();
        EXPECT_EQ(this_thread(), mine);
        weft::sleep(10us);
        EXPECT_EQ(this_thread(), mine);
        weft::blocking([] { ::usleep(1); });
        EXPECT_EQ(this_thread(), mine);
      }
      weft::unlock_os_thread();
      c.close();
    });
    int next = 0;
    for (int v : c) {
      EXPECT_EQ(v, next++);
    }
    EXPECT_EQ(next, 50);
    all.wait();
  });
}

// RT-8
TEST_P(OsThread, NothingElseRunsOnTheThreadOfALockedGoroutine) {
  run([] {
    std::mutex lock;
    std::set<pid_t> others;
    weft::wait_group all;
    auto go_on = weft::make_chan<int>();
    auto locked = weft::make_chan<pid_t>(1);
    all.go([&] {
      weft::lock_os_thread();
      locked.send(this_thread());
      go_on.recv();
      weft::unlock_os_thread();
    });
    const pid_t reserved = *locked.recv();
    for (int i = 0; i < 200; ++i) {
      all.go([&] {
        for (int k = 0; k < 5; ++k) {
          {
            std::lock_guard hold(lock);
            others.insert(this_thread());
          }
          weft::yield();
        }
      });
    }
    weft::testing::wait_until_goroutines(2);
    {
      std::lock_guard hold(lock);
      EXPECT_FALSE(others.contains(reserved));
    }
    go_on.close();
    all.wait();
  });
}

// RT-8, RT-10
TEST_P(OsThread, LocksAreCountedAndUnlockingTooOftenDoesNothing) {
  run([] {
    weft::unlock_os_thread();
    weft::lock_os_thread();
    weft::lock_os_thread();
    weft::unlock_os_thread();
    const pid_t mine = this_thread();
    for (int i = 0; i < 20; ++i) {
      weft::sleep(1us);
      EXPECT_EQ(this_thread(), mine);
    }
    weft::unlock_os_thread();
    weft::unlock_os_thread();
    weft::lock_os_thread();
    weft::unlock_os_thread();
    weft::sleep(1us);
  });
}

// RT-9
TEST_P(OsThread, TheThreadOfAGoroutineThatEndsLockedEndsWithIt) {
  run([] {
    auto ended = weft::make_chan<pid_t>(1);
    weft::go([&] {
      weft::lock_os_thread();
      ended.send(this_thread());
    });
    const pid_t thread = *ended.recv();
    while (exists(thread)) {
      weft::sleep(100us);
    }
    weft::go([&] {
      weft::lock_os_thread();
      ended.send(this_thread());
      weft::goexit();
    });
    const pid_t second = *ended.recv();
    while (exists(second)) {
      weft::sleep(100us);
    }
  });
}

// RT-9
TEST_P(OsThread, NewThreadsDoNotInheritFromALockedOne) {
  run([this] {
    auto ready = weft::make_chan<int>();
    auto inherited = weft::make_chan<bool>(1);
    weft::wait_group all;
    all.go([&] {
      weft::lock_os_thread();
      sigset_t odd;
      ::sigemptyset(&odd);
      ::sigaddset(&odd, SIGUSR2);
      ::pthread_sigmask(SIG_BLOCK, &odd, nullptr);
      // Threads are needed now, and this one is the only one that runs.
      std::atomic<int> inside{0};
      weft::wait_group burst;
      for (int i = 0; i < procs() + 3; ++i) {
        burst.go([&] {
          sigset_t mask;
          ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
          EXPECT_EQ(::sigismember(&mask, SIGUSR2), 0);
          ++inside;
          weft::blocking([&] {
            while (inside < procs() + 3) {
              ::usleep(20);
            }
          });
        });
      }
      burst.wait();
    });  // it ends locked: the odd mask goes with the thread
    all.wait();
  });
}

// RT-8: with max_procs 1, too, the others go on while the locked one waits or computes.
TEST_P(OsThread, LockedGoroutinesAndOthersHandOverToEachOther) {
  run([] {
    constexpr int rounds = 300;
    auto there = weft::make_chan<int>();
    auto back = weft::make_chan<int>();
    weft::wait_group all;
    for (bool lock : {true, false}) {
      all.go([&, lock] {
        if (lock) {
          weft::lock_os_thread();
        }
        for (int i = 0; i < rounds; ++i) {
          if (lock) {
            there.send(i);
            EXPECT_EQ(back.recv(), i);
          } else {
            EXPECT_EQ(there.recv(), i);
            back.send(i);
          }
        }
        if (lock) {
          weft::unlock_os_thread();
        }
      });
    }
    all.wait();
  });
}

TEST_P(OsThread, ManyLockedGoroutinesEachHaveAThread) {
  run([] {
    constexpr int n = 20;
    std::mutex lock;
    std::set<pid_t> threads;
    weft::wait_group here, all;
    here.add(n);
    for (int i = 0; i < n; ++i) {
      all.go([&] {
        weft::lock_os_thread();
        {
          std::lock_guard hold(lock);
          threads.insert(this_thread());
        }
        here.done();
        here.wait();
        weft::unlock_os_thread();
      });
    }
    all.wait();
    EXPECT_EQ(threads.size(), std::size_t{n});
  });
}

// GR-2
TEST_P(OsThread, ALockedGoroutineThatWaitsIsAbandonedLikeOthers) {
  run_and_abandon([] {
    auto never = weft::make_chan<int>();
    auto here = weft::make_chan<int>(1);
    weft::go([=] {
      weft::lock_os_thread();
      here.send(1);
      never.recv();
    });
    here.recv();
  });
}

TEST(OsThreadOutside, OnAnotherThreadItDoesNothing) {
  weft::lock_os_thread();
  weft::unlock_os_thread();
}

class MainThread : public weft::testing::Procs {
 protected:
  weft::runtime_options options() const { return {.max_procs = procs(), .lock_main_thread = true}; }
};
WEFT_PROCS(MainThread);

// RT-11
TEST_P(MainThread, TheMainGoroutineRunsOnTheThreadThatCallsRun) {
  const pid_t mine = this_thread();
  char before[16] = {};
  ::pthread_getname_np(::pthread_self(), before, sizeof before);
  for (int round = 0; round < 10; ++round) {
    const int status = weft::run(options(), [&] {
      EXPECT_EQ(this_thread(), mine);
      auto c = weft::make_chan<int>();
      weft::go([=] {
        for (int i = 0; i < 50; ++i) {
          c.send(i);
        }
        c.close();
      });
      int sum = 0;
      for (int v : c) {
        sum += v;
        EXPECT_EQ(this_thread(), mine);
      }
      return sum;
    });
    EXPECT_EQ(status, 49 * 50 / 2);
  }
  char after[16] = {};
  ::pthread_getname_np(::pthread_self(), after, sizeof after);
  EXPECT_STREQ(before, after);
}

// RT-11: the pattern of GUI programs: whatever must happen on that thread is sent there.
TEST_P(MainThread, OthersSendItWhatMustHappenThere) {
  const pid_t mine = this_thread();
  weft::run(options(), [&] {
    auto on_main = weft::make_chan<std::function<void()>>();
    weft::wait_group all;
    for (int i = 0; i < 20; ++i) {
      all.go([&] {
        on_main.send([mine] { EXPECT_EQ(this_thread(), mine); });
        EXPECT_NE(this_thread(), mine);
      });
    }
    weft::go([&] {
      all.wait();
      on_main.close();
    });
    for (auto& f : on_main) {
      f();
    }
  });
}

// What it spawns before the caller of run() has become a worker is left for that one.
TEST_P(MainThread, AnotherThreadSpawnsWhileTheRunBegins) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> ran{0};
    std::atomic<bool> spawned{false};
    std::atomic<bool> over{false};
    std::thread other([&] {
      while (!over && !spawned) {
        try {
          weft::go([&] { ++ran; });
          spawned = true;
        } catch (const weft::misuse&) {  // there is no run yet
        }
      }
    });
    weft::run(options(), [&] {
      while (ran == 0) {
        weft::yield();
      }
      weft::wait_group all;
      for (int i = 0; i < 10; ++i) {
        all.go([&] { ++ran; });
      }
      all.wait();
    });
    over = true;
    other.join();
    EXPECT_EQ(ran, 11);
  }
}

TEST_P(MainThread, MainMayUnlockItselfAndEndElsewhere) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> ran{0};
    weft::run(options(), [&] {
      weft::unlock_os_thread();
      weft::wait_group all;
      for (int i = 0; i < 50; ++i) {
        all.go([&] {
          weft::yield();
          ++ran;
        });
      }
      all.wait();
      weft::sleep(50us);
    });
    EXPECT_EQ(ran, 50);
  }
}

// RT-4
TEST_P(MainThread, MainMayLeaveWhileOthersGoOn) {
  EXPECT_EXIT(weft::run(options(),
                        [] {
                          weft::go([] {
                            weft::sleep(1ms);
                            ::_exit(7);
                          });
                          weft::goexit();
                        }),
              ::testing::ExitedWithCode(7), "");
}

}  // namespace
