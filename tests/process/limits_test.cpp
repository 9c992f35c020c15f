// Limits that the system sets: on address space, and so on threads.
#include <weft/blocking.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <system_error>

#include "stack/sanitizer.hpp"
#include "support/idle.hpp"

namespace {

using ::testing::ExitedWithCode;

// Besides what there is now.
void limit_address_space(std::size_t more_bytes) {
  std::size_t pages = 0;
  std::FILE* f = std::fopen("/proc/self/statm", "r");
  if (f == nullptr || std::fscanf(f, "%zu", &pages) != 1) {
    std::_Exit(90);
  }
  std::fclose(f);
  rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * 4096 + more_bytes;
  ::setrlimit(RLIMIT_AS, &limit);
}

void no_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_AS, &limit);
}

class SystemLimits : public ::testing::Test {
 protected:
  SystemLimits() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

#if WEFT_ASAN || WEFT_TSAN
#define WEFT_NEEDS_ITS_OWN_ADDRESS_SPACE() GTEST_SKIP() << "the sanitizer needs address space, too"
#else
#define WEFT_NEEDS_ITS_OWN_ADDRESS_SPACE() static_cast<void>(0)
#endif

// RT-16, HZ-10: run() says so, and can be had when there is room again.
TEST_F(SystemLimits, ARunThatCannotBeHadIsAnError) {
  WEFT_NEEDS_ITS_OWN_ADDRESS_SPACE();
  EXPECT_EXIT(
      {
        int refused = 0;
        limit_address_space(1 << 20);
        for (int i = 0; i < 10; ++i) {
          try {
            // A stack size that is nobody else's: there are no stacks yet.
            weft::run({.max_procs = 2, .stack_bytes = 100 * 1024}, [] {});
          } catch (const std::system_error&) {
            ++refused;
          } catch (const std::bad_alloc&) {
            ++refused;
          }
        }
        no_limit();
        const int ran = weft::run({.max_procs = 2, .stack_bytes = 100 * 1024}, [] { return 1; });
        std::_Exit(refused == 10 && ran == 1 ? 7 : 8);
      },
      ExitedWithCode(7), "");
}

// RT-16: no room for the stacks of further threads: it goes on with those there are, and takes more
// when there is room again.
TEST_F(SystemLimits, ThreadsThatCannotBeHadAreDoneWithoutUntilTheyCan) {
  WEFT_NEEDS_ITS_OWN_ADDRESS_SPACE();
  EXPECT_EXIT(weft::run({.max_procs = 4},
                        [] {
                          limit_address_space(1 << 20);
                          std::atomic<int> ran{0};
                          weft::wait_group all;
                          for (int i = 0; i < 200; ++i) {
                            try {
                              all.go([&] {
                                weft::blocking([] { ::usleep(200); });
                                ++ran;
                              });
                            } catch (const std::exception&) {
                              break;  // no room for stacks either
                            }
                          }
                          all.wait();
                          no_limit();
                          // Four at once, each of which holds a thread.
                          std::atomic<int> inside{0};
                          for (int i = 0; i < 4; ++i) {
                            all.go([&] {
                              ++inside;
                              weft::blocking([&] {
                                while (inside < 4) {
                                  ::usleep(50);
                                }
                              });
                            });
                          }
                          all.wait();
                          std::_Exit(ran > 0 ? 7 : 8);
                        }),
              ExitedWithCode(7), "");
}

}  // namespace
