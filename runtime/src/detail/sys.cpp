#include "detail/sys.hpp"

#include <weft/detail/check.hpp>

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace weft::detail {
namespace {

void* real_map(std::size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

int real_unmap(void* at, std::size_t bytes) { return ::munmap(at, bytes); }

int real_advise(void* at, std::size_t bytes, int advice) { return ::madvise(at, bytes, advice); }

ssize_t real_advise_all(const iovec* ranges, std::size_t count, int advice) {
  constexpr int this_process = -10001;  // PIDFD_SELF_THREAD_GROUP, not yet in Debian 12's headers
  return ::syscall(SYS_process_madvise, this_process, ranges, count, advice, 0);
}

int real_protect_none(void* at, std::size_t bytes) { return ::mprotect(at, bytes, PROT_NONE); }

int real_resident(const void* at, std::size_t bytes, unsigned char* out) {
  return ::mincore(const_cast<void*>(at), bytes, out);
}

void real_futex_wait(const void* word, std::uint32_t expected, std::int64_t timeout_ns) {
  timespec limit{};
  limit.tv_sec = static_cast<time_t>(timeout_ns / 1'000'000'000);
  limit.tv_nsec = static_cast<long>(timeout_ns % 1'000'000'000);
  // EINTR, EAGAIN and ETIMEDOUT all mean: look again. Callers loop on their own condition.
  ::syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? nullptr : &limit,
            nullptr, 0);
}

void real_futex_wake(const void* word, int count) {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

int real_thread_create(pthread_t* out, void* (*start)(void*), void* arg) {
  return ::pthread_create(out, nullptr, start, arg);
}

void real_nap(std::int64_t ns) {
  timespec t{};
  t.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  t.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  ::nanosleep(&t, nullptr);
}

void real_give_up_processor() { ::sched_yield(); }

bool real_prepare_barrier() {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void real_barrier_everywhere() {
  // Others rely on it without asking. It may lack memory for a moment, or be forbidden meanwhile.
  while (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
    WEFT_CHECK(
        errno == ENOMEM,
        "membarrier(2) is refused, which the system had when the run began: a seccomp filter "
        "that is set up during a run must allow it");
    real_nap(1'000'000);
  }
}

int real_alternate_stack(const stack_t* to, stack_t* before) { return ::sigaltstack(to, before); }

// Not by the entries of /proc/self/task: the kernel lists those without a lock, and stops early at
// a thread that has just ended. This number it reads under a lock that each thread takes at its
// end.
std::size_t real_count_threads() {
  char text[1024];
  const int file = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return 0;
  }
  const ssize_t length = ::read(file, text, sizeof(text) - 1);
  ::close(file);
  if (length <= 0) {
    return 0;
  }
  text[length] = '\0';
  constexpr int fields = 18;                 // proc(5): from the name to num_threads
  const char* at = std::strrchr(text, ')');  // the name may contain anything
  for (int i = 0; at != nullptr && i < fields; ++i) {
    at = std::strchr(at + 1, ' ');
  }
  return at != nullptr ? std::strtoul(at, nullptr, 10) : 0;
}

bool real_random(void* out, std::size_t bytes) {
  return ::getrandom(out, bytes, GRND_NONBLOCK) == static_cast<ssize_t>(bytes);
}

void real_name_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

void real_timer_slack(std::int64_t ns) {
  ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(ns));
}

int real_signal_thread(std::int32_t tid, int signal) {
  return static_cast<int>(::syscall(SYS_tgkill, ::getpid(), tid, signal));
}

}  // namespace

sys_calls sys = {real_map,
                 real_unmap,
                 real_advise,
                 real_advise_all,
                 real_protect_none,
                 real_resident,
                 real_futex_wait,
                 real_futex_wake,
                 real_thread_create,
                 real_nap,
                 real_give_up_processor,
                 real_prepare_barrier,
                 real_barrier_everywhere,
                 real_alternate_stack,
                 real_count_threads,
                 real_random,
                 real_name_thread,
                 real_timer_slack,
                 real_signal_thread};

}  // namespace weft::detail
