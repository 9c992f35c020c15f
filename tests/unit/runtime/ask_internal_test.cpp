// Stacks of goroutines that run on other threads: [ask]; RT-13, OB-1.
#include <gtest/gtest.h>
#include <weft/blocking.hpp>
#include <weft/debug.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include "detail/sys.hpp"
#include "stack/sanitizer.hpp"
#include "support/fixture.hpp"

namespace {

class Ask : public weft::testing::Procs {
 protected:
  void SetUp() override {
    if (WEFT_TSAN) {
      GTEST_SKIP() << "TSan holds signals back";
    }
  }
};
WEFT_PROCS(Ask);

// On a thread that is none of weft's, so that all goroutines run, or may run, elsewhere.
std::string dump() {
  std::string text;
  std::thread([&] { text = weft::dump_goroutines(); }).join();
  return text;
}

bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

// Again and again until `what` is in a dump: on a busy machine a thread may answer too late.
std::string dump_until(const std::string& what) {
  std::string text;
  do {
    text = dump();
  } while (!has(text, what));
  return text;
}

__attribute__((noinline)) void computes_in_here(const std::atomic<bool>& stop) {
  while (!stop) {
  }
  asm volatile("" ::: "memory");
}

TEST_P(Ask, AGoroutineThatComputesElsewhereShowsWhere) {
  run([] {
    std::atomic<bool> stop{false};
    std::thread looker([&] {
      std::string text;
      do {
        text = weft::dump_goroutines();
      } while (!has(text, "computes_in_here"));
      // Its own frames, from where it was interrupted to the goroutine's function.
      EXPECT_FALSE(has(text, "on_ask")) << text;
      EXPECT_FALSE(has(text, "run_here")) << text;
      EXPECT_TRUE(has(text, "AGoroutineThatComputesElsewhere")) << text;
      stop = true;
    });
    computes_in_here(stop);
    looker.join();
  });
}

// A read() goes on as if nothing had been: SA_RESTART.
TEST_P(Ask, AGoroutineInASystemCallShowsWhereAndIsNotInterrupted) {
  if (std::getenv("WEFT_TEST_SYSTEM") != nullptr) {
    GTEST_SKIP() << "others may send signals that interrupt it";
  }
  run([] {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    weft::wait_group all;
    ssize_t got = 0;
    all.go([&] {
      char c = 0;
      got = weft::blocking([&] { return ::read(ends[0], &c, 1); });
    });
    const std::string text = dump_until("read+");
    EXPECT_TRUE(has(text, "[blocking call]")) << text;
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
    all.wait();
    EXPECT_EQ(got, 1);
    ::close(ends[0]);
    ::close(ends[1]);
  });
}

// A new thread inherits the mask of whoever made it.
TEST_P(Ask, WorkersAnswerThoughTheProgramBlocksAllSignals) {
  sigset_t all_of_them;
  sigset_t before;
  ::sigfillset(&all_of_them);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &all_of_them, &before), 0);
  run([] {
    std::atomic<bool> stop{false};
    std::thread looker([&] {
      dump_until("computes_in_here");
      stop = true;
    });
    computes_in_here(stop);
    looker.join();
  });
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}

TEST_P(Ask, AThreadThatDoesNotAnswerIsNamedAndNothingHangs) {
  run([] {
    std::atomic<bool> stop{false};
    std::thread looker([&] {
      while (!stop) {
        const std::string text = weft::dump_goroutines();
        if (has(text, "deaf")) {
          EXPECT_TRUE(has(text, ", no trace\n")) << text;
          stop = true;
        }
      }
    });
    sigset_t urgent;
    ::sigemptyset(&urgent);
    ::sigaddset(&urgent, SIGURG);
    ::pthread_sigmask(SIG_BLOCK, &urgent, nullptr);
    weft::wait_group all;
    all.add(1);
    weft::go({.name = "deaf"}, [&] {
      sigset_t was;
      ::pthread_sigmask(SIG_BLOCK, &urgent, &was);
      computes_in_here(stop);
      ::pthread_sigmask(SIG_SETMASK, &was, nullptr);  // what came meanwhile asks nothing any more
      all.done();
    });
    ::pthread_sigmask(SIG_UNBLOCK, &urgent, nullptr);
    all.wait();
    looker.join();
  });
}

// The kernel may refuse: too many signals are queued already.
TEST_P(Ask, WithoutASignalThereIsNoTraceAndTheDumpComes) {
  struct refused {
    refused() {
      weft::detail::sys.signal_thread = [](std::int32_t, int) {
        errno = EAGAIN;
        return -1;
      };
    }
    ~refused() { weft::detail::sys = before; }
    weft::detail::sys_calls before = weft::detail::sys;
  } for_a_while;
  run([] {
    std::atomic<bool> stop{false};
    std::thread looker([&] {
      EXPECT_TRUE(has(weft::dump_goroutines(), ", no trace\n"));
      stop = true;
    });
    computes_in_here(stop);
    looker.join();
  });
}

std::atomic<int> own_calls{0};

TEST_P(Ask, AHandlerOfTheProgramsOwnIsNotCalled) {
  run([] {
    struct sigaction ours {};
    struct sigaction theirs {};
    ours.sa_handler = [](int) { ++own_calls; };
    ASSERT_EQ(::sigaction(SIGURG, &ours, &theirs), 0);
    std::atomic<bool> stop{false};
    std::thread looker([&] {
      EXPECT_TRUE(has(dump(), ", no trace\n"));
      ::sigaction(SIGURG, &theirs, nullptr);
      dump_until("computes_in_here");
      stop = true;
    });
    computes_in_here(stop);
    looker.join();
    EXPECT_EQ(own_calls, 0);
  });
}

// A signal that nobody sent for a question, as for urgent data of a socket.
TEST_P(Ask, AStraySignalDoesNothing) {
  run([] {
    ::raise(SIGURG);
    ::kill(::getpid(), SIGURG);
    EXPECT_TRUE(has(weft::dump_goroutines(), "AStraySignalDoesNothing"));
  });
}

// Threads that ask at the same time get the answers one after the other.
TEST_P(Ask, SeveralMayAskAtOnce) {
  run([] {
    std::atomic<bool> stop{false};
    std::atomic<int> left{4};
    for (int i = 0; i < 4; ++i) {
      std::thread([&] {
        std::string text;
        do {
          text = weft::dump_goroutines();
        } while (!has(text, "computes_in_here"));
        if (--left == 0) {
          stop = true;
        }
      }).detach();
    }
    computes_in_here(stop);
  });
}

#if defined(__x86_64__) && !WEFT_ASAN
// Its unwind information says that its caller's frame is where rsi points: nowhere. rdi: where a
// byte becomes 1 at the end.
extern "C" void weft_test_lies_about_its_frame(const std::atomic<bool>* stop, std::uintptr_t frame);
asm(R"(
  .text
  .globl weft_test_lies_about_its_frame
  .type weft_test_lies_about_its_frame, @function
weft_test_lies_about_its_frame:
  .cfi_startproc
  .cfi_def_cfa rsi, 8
1:
  cmpb $0, (%rdi)
  je 1b
  retq
  .cfi_endproc
  .size weft_test_lies_about_its_frame, . - weft_test_lies_about_its_frame
)");

TEST_P(Ask, AStackThatCannotBeWalkedIsNoHarm) {
  run([] {
    std::atomic<bool> in{false};
    std::atomic<bool> stop{false};
    std::thread looker([&] {
      while (!in) {
      }
      for (int i = 0; i < 5; ++i) {
        const std::string text = weft::dump_goroutines();
        EXPECT_TRUE(has(text, ", no trace\n")) << text;
      }
      stop = true;
    });
    in = true;
    weft_test_lies_about_its_frame(&stop, 0x10);
    looker.join();
    // And the next one can be.
    stop = false;
    std::thread next([&] {
      dump_until("computes_in_here");
      stop = true;
    });
    computes_in_here(stop);
    next.join();
  });
}
#endif

}  // namespace
