// Very many goroutines under ThreadSanitizer.
#include <weft/weft.hpp>

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

namespace {

using namespace weft;

long resident_kib() {
  long total = 0;
  long resident = 0;
  std::FILE* f = std::fopen("/proc/self/statm", "r");
  if (f == nullptr || std::fscanf(f, "%ld %ld", &total, &resident) != 2) {
    std::abort();
  }
  std::fclose(f);
  return resident * 4;
}

class ManyGoroutines : public ::testing::Test {
 protected:
  ManyGoroutines() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// 5 KiB for its context, 4 for its stack, the rest for what TSan remembers of it.
TEST_F(ManyGoroutines, TwentyThousandAtOnceTakeLessThanFortyKilobytesEach) {
  constexpr long n = 20'000;
  EXPECT_EXIT(run({.max_procs = 2},
                  [] {
                    auto c = make_chan<int>();
                    mutex m;
                    long x = 0;
                    wait_group wg;
                    const long before = resident_kib();
                    for (long i = 0; i < n; ++i) {
                      wg.go([&] {
                        static_cast<void>(c.recv());
                        std::lock_guard hold(m);
                        ++x;
                      });
                    }
                    const long each = (resident_kib() - before) / n;
                    c.close();
                    wg.wait();
                    std::exit(x == n && each < 40 ? 7 : 1);
                  }),
              ::testing::ExitedWithCode(7), "^$");
}

// TSan itself keeps up to 0.9 KiB of each thread that ever was. A context not given back costs 9.
TEST_F(ManyGoroutines, AHundredThousandInSuccessionLeaveLessThanAContextEach) {
  constexpr long n = 100'000;
  EXPECT_EXIT(run({.max_procs = 2},
                  [] {
                    mutex m;
                    long x = 0;
                    long warm = 0;
                    wait_group wg;
                    for (long i = 0; i < n; i += 100) {
                      for (int j = 0; j < 100; ++j) {
                        wg.go([&] {
                          std::lock_guard hold(m);
                          ++x;
                        });
                      }
                      wg.wait();
                      warm = i == n / 2 ? resident_kib() : warm;
                    }
                    std::exit(x == n && (resident_kib() - warm) / (n / 2) < 3 ? 7 : 1);
                  }),
              ::testing::ExitedWithCode(7), "^$");
}

// At the limit the spawner is told, and the run goes on.
TEST_F(ManyGoroutines, BeyondWhatTSanCanFollowIsAnErrorOfTheGoStatement) {
  EXPECT_EXIT(run({.max_procs = 1},
                  [] {
                    long started = 0;
                    try {
                      for (; started < 10'000'000; ++started) {
                        go([] {});
                      }
                    } catch (const std::system_error& e) {
                      std::fputs(e.what(), stderr);
                    }
                    while (num_goroutines() > 1) {
                      yield();
                    }
                    wait_group wg;
                    wg.go([] {});
                    wg.wait();
                    std::exit(started > 1000 ? 7 : 1);
                  }),
              ::testing::ExitedWithCode(7),
              "ThreadSanitizer cannot follow more goroutines at once.*vm.max_map_count");
}

}  // namespace
