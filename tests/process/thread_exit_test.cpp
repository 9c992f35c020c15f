// Destructors of thread_local objects that use weft.
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

#include "support/fixture.hpp"

namespace {

using ::testing::KilledBySignal;

class ThreadExit : public weft::testing::Procs {
 protected:
  ThreadExit() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};
WEFT_PROCS(ThreadExit);

// HZ-10: what does not wait works there, when the run has stopped, too.
TEST_P(ThreadExit, OnAWorkerMayUseWeftWithoutWaiting) {
  static std::atomic<int> destroyed{0};
  static weft::mutex m;
  static auto c = weft::make_chan<int>(1);
  struct farewell {
    ~farewell() {
      const std::lock_guard hold(m);
      c.send(1);
      destroyed += *c.recv();
      weft::yield();
      weft::go([] { ADD_FAILURE() << "a goroutine ran after the end"; });
    }
  };
  destroyed = 0;
  run([] {
    thread_local farewell last;
    static_cast<void>(&last);
  });
  EXPECT_EQ(destroyed.load(), 1);
}

TEST_P(ThreadExit, OnAWorkerThatWaitsEndsTheProgram) {
  struct waits {
    ~waits() { weft::make_chan<int>().recv(); }
  };
  EXPECT_EXIT(run([] {
                thread_local waits last;
                static_cast<void>(&last);
              }),
              KilledBySignal(SIGABRT), "destructor of a thread_local object waited in weft");
}

// run()'s caller goes on as an ordinary thread when main was locked to it.
TEST_P(ThreadExit, RunsCallerIsAWorkerOnlyWhileItRuns) {
  std::thread([this] {
    weft::run({.max_procs = procs(), .lock_main_thread = true}, [] {});
    auto c = weft::make_chan<int>();
    std::thread other([c] { c.send(1); });
    EXPECT_EQ(c.recv(), 1);
    other.join();
  }).join();
}

TEST_P(ThreadExit, OnAForeignThreadMayWait) {
  static std::atomic<int> received{0};
  struct farewell {
    weft::chan<int> c;
    ~farewell() { received += c.recv().value_or(0); }
  };
  received = 0;
  run([] {
    for (int i = 0; i < 20; ++i) {
      auto c = weft::make_chan<int>();
      std::thread t([c] {
        thread_local farewell last{c};
        static_cast<void>(&last);
      });
      c.send(1);
      weft::blocking([&] { t.join(); });
    }
  });
  EXPECT_EQ(received.load(), 20);
}

}  // namespace
