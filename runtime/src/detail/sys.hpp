#pragma once
// The seam over the operating system: every call that can fail or wait goes through this
// table, so that tests can make the k-th one fail (tools/lint/seams.py sees to it). Results follow
// the system's convention: -1 with errno, except where noted.
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <ctime>

namespace weft::detail {

struct sys_calls {
  void* (*map)(std::size_t bytes);  ///< private, zeroed, not reserved; nullptr with errno
  int (*unmap)(void* at, std::size_t bytes);
  int (*advise)(void* at, std::size_t bytes, int advice);
  /// advise() for several ranges in one call. The bytes done; -1 also where the kernel cannot.
  ssize_t (*advise_all)(const iovec* ranges, std::size_t count, int advice);
  int (*protect_none)(void* at, std::size_t bytes);
  /// Which pages are in memory, one byte for each, bit 0.
  int (*resident)(const void* at, std::size_t bytes, unsigned char* out);
  /// Sleeps while *word == expected, at most timeout_ns (< 0: no limit). May return early.
  void (*futex_wait)(const void* word, std::uint32_t expected, std::int64_t timeout_ns);
  void (*futex_wake)(const void* word, int count);
  /// 0 or an errno value, as pthread_create does.
  int (*thread_create)(pthread_t* out, void* (*start)(void*), void* arg);
  void (*nap)(std::int64_t ns);
  void (*give_up_processor)();
  /// Announces the use of the next call; false: the kernel cannot do it.
  bool (*prepare_barrier)();
  /// Every thread of the process that runs now passes a full memory barrier.
  void (*barrier_everywhere)();
  int (*alternate_stack)(const stack_t* to, stack_t* before);
  /// Threads of this process; 0: the system does not say.
  std::size_t (*count_threads)();
  /// False: the system has no random bytes to give.
  bool (*random)(void* out, std::size_t bytes);
  /// For whoever looks at the process from outside.
  void (*name_thread)(const char* name);
  /// How late the calling thread may wake up from a limited wait.
  void (*timer_slack)(std::int64_t ns);
  /// To one thread of this process, by the kernel's name.
  int (*signal_thread)(std::int32_t tid, int signal);
};

/// The table in force. Replaced only while no runtime runs, by tests, and in the child of a fork
/// [fork].
extern sys_calls sys;

}  // namespace weft::detail
