// A program that waits uses no processor time.
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

struct use {
  long cpu_us;
  long switches;  // how often a thread went to sleep

  static use now() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return {(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1'000'000 + u.ru_utime.tv_usec +
                u.ru_stime.tv_usec,
            u.ru_nvcsw};
  }
};

class ProcessIdle : public weft::testing::Procs {
 protected:
  // Own time and own sleeps only, so a busy machine changes nothing; how long it takes to come to
  // rest is left open. A monitor that looks around every 10 ms alone would go to sleep 100 times.
  static void expect_rest() {
    use used{};
    for (int attempt = 0; attempt < 30; ++attempt) {
      const use before = use::now();
      ::sleep(1);
      const use after = use::now();
      used = {after.cpu_us - before.cpu_us, after.switches - before.switches};
      if (used.cpu_us < 10'000 && used.switches < 30) {
        return;
      }
    }
    ADD_FAILURE() << used.cpu_us << " us of processor time and " << used.switches
                  << " sleeps in the last of 30 seconds";
  }

  weft::runtime_options options() const {
    return {.max_procs = procs(), .on_deadlock = weft::deadlock_action::ignore};
  }
};
WEFT_PROCS(ProcessIdle);

TEST_P(ProcessIdle, WithNothingButParkedGoroutines) {
  weft::runtime rt(options());
  for (int i = 0; i < 100; ++i) {
    weft::go([] { weft::chan<int>().recv(); });
  }
  rt.call([] { weft::testing::wait_until_parked(100); });
  expect_rest();
}

TEST_P(ProcessIdle, WithATimerInAnHour) {
  weft::runtime rt(options());
  weft::go([] { weft::sleep(1h); });
  rt.call([] { weft::testing::wait_until_parked(1, "sleep"); });
  expect_rest();
}

TEST_P(ProcessIdle, WithSpareThreadsAndALockedOne) {
  weft::runtime rt(options());
  weft::go([] {
    weft::lock_os_thread();
    weft::chan<int>().recv();
  });
  rt.call([this] {
    std::atomic<int> inside{0};
    const int n = procs() + 4;
    weft::wait_group all;
    for (int i = 0; i < n; ++i) {
      all.go([&] {
        weft::blocking([&] {
          ++inside;
          while (inside < n) {
            ::usleep(50);
          }
        });
      });
    }
    all.wait();
  });
  expect_rest();
}

}  // namespace
