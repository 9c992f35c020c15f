// A program that forbids itself a system call when the run has begun.
#include <weft/detail/solo.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "detail/sys.hpp"

namespace {

using namespace std::chrono_literals;

#if WEFT_SOLO

void compute(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// For all threads of the process.
bool forbid(long call) {
  std::array<sock_filter, 4> program{{
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(call)},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

// Tried in a process of its own.
bool can_forbid(long call) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(forbid(call) ? 0 : 1);
  }
  int status = 1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

// What only orders memory must not fail in silence: [solo] and [gate] would be races then.
TEST(Sandbox, ThatForbidsMembarrierDuringARunEndsTheProgramWithAWord) {
  if (!weft::detail::sys.prepare_barrier() || !can_forbid(SYS_membarrier)) {
    GTEST_SKIP() << "no membarrier(2), or no seccomp(2), here";
  }
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(weft::run({.max_procs = 2},
                        [] {
                          if (!forbid(SYS_membarrier)) {
                            std::_Exit(3);
                          }
                          // Somebody comes to help, sooner or later.
                          for (int ms = 0; ms < 20'000; ++ms) {
                            weft::go([] { compute(100us); });
                            weft::go([] { compute(100us); });
                            weft::sleep(1ms);
                          }
                          std::_Exit(4);
                        }),
              ::testing::KilledBySignal(SIGABRT), "membarrier\\(2\\) is refused");
}

#endif

}  // namespace
