// A system that is unkind, but within what it promises, to a whole test program. In each of them;
// WEFT_TEST_SYSTEM in the environment says how:
//   spurious    a thread that waits for another wakes up for nothing, at random
//   late_wait   it wakes up later than it was told to
//   late_wake   whoever wakes it takes its time
//   eintr       a signal interrupts every thread a thousand times a second
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "detail/sys.hpp"

namespace {

using weft::detail::sys;

weft::detail::sys_calls real;
std::atomic<std::uint64_t> draws{0};

std::uint64_t draw() noexcept {
  std::uint64_t x = (draws.fetch_add(1, std::memory_order_relaxed) + 1) * 0x9e37'79b9'7f4a'7c15u;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9u;
  return x ^ (x >> 31);
}

// Up to 127 us, mostly none.
void dawdle() noexcept {
  const std::uint64_t x = draw();
  if (x % 8 == 0) {
    real.nap(static_cast<std::int64_t>(x >> 47));
  }
}

void spurious_wait(const void* word, std::uint32_t expected, std::int64_t timeout_ns) {
  if (draw() % 2 == 0) {
    real.futex_wait(word, expected, timeout_ns);
  }
}

void late_wait(const void* word, std::uint32_t expected, std::int64_t timeout_ns) {
  dawdle();
  real.futex_wait(word, expected, timeout_ns < 0 ? timeout_ns : timeout_ns + 50'000);
  dawdle();
}

void late_wake(const void* word, int count) {
  dawdle();
  real.futex_wake(word, count);
}

// ---- signals ----

int storm_signal() noexcept { return SIGRTMIN + 7; }

// The timer's signal goes to the process, and that is nearly always its first thread: it passes it
// on to all the others. Only calls that a handler may make: no opendir.
void on_storm(int signal, siginfo_t* info, void*) {
  if (info->si_code != SI_TIMER) {
    return;
  }
  const int saved = errno;
  const pid_t process = ::getpid();
  const long me = ::syscall(SYS_gettid);
  const int tasks = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  alignas(8) char room[4096];
  long n = 0;
  while (tasks >= 0 && (n = ::syscall(SYS_getdents64, tasks, room, sizeof room)) > 0) {
    struct entry {  // linux_dirent64
      std::uint64_t inode;
      std::int64_t next;
      std::uint16_t bytes;
      std::uint8_t type;
      char name[5];
    };
    for (long at = 0; at < n;) {
      const auto* e = reinterpret_cast<const entry*>(room + at);
      const long task = std::atol(e->name);  // 0 for . and ..
      if (task > 0 && task != me) {
        ::syscall(SYS_tgkill, process, task, signal);
      }
      at += e->bytes;
    }
  }
  ::close(tasks);
  errno = saved;
}

void begin_storm() {
  struct sigaction action {};
  action.sa_sigaction = on_storm;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;  // without SA_RESTART
  ::sigaction(storm_signal(), &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = storm_signal();
  timer_t timer{};
  constexpr timespec every = {0, 1'000'000};
  const itimerspec when = {every, every};
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
      ::timer_settime(timer, 0, &when, nullptr) != 0) {
    std::perror("WEFT_TEST_SYSTEM=eintr");
    std::_Exit(90);
  }
}

// Before main, and so before any runtime.
const bool begun = [] {
  real = sys;
  const char* how = std::getenv("WEFT_TEST_SYSTEM");
  if (how == nullptr || *how == '\0') {
    return false;
  }
  if (std::strcmp(how, "spurious") == 0) {
    sys.futex_wait = spurious_wait;
  } else if (std::strcmp(how, "late_wait") == 0) {
    sys.futex_wait = late_wait;
  } else if (std::strcmp(how, "late_wake") == 0) {
    sys.futex_wake = late_wake;
  } else if (std::strcmp(how, "eintr") == 0) {
    begin_storm();
  } else {
    std::fprintf(stderr, "WEFT_TEST_SYSTEM=%s: there are spurious, late_wait, late_wake, eintr\n",
                 how);
    std::_Exit(90);
  }
  return true;
}();

}  // namespace
