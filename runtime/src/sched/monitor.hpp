#pragma once
// The thread that watches the workers, because they read no clock: it wakes a thief for work that
// waits too long, gives away the place of a worker that is stuck in one goroutine while others
// wait, gives back unused stacks, notices that nothing can ever run again, and on request what
// stalls. It sleeps 20 us while something happens and up to 10 ms when all is quiet; while every
// worker sleeps, it does too. See [monitor] in docs/protocols.md.
#include <weft/detail/atomic.hpp>
#include <weft/detail/wait_limit.hpp>

#include <pthread.h>

#include <cstdint>
#include <vector>

#include "sched/stall_watch.hpp"
#include "sched/thief_pace.hpp"
#include "sched/width.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

class scheduler;

class monitor {
 public:
  explicit monitor(scheduler& s) noexcept : sched_(s), stalls_(s) {}

  /// Throws std::system_error when the thread cannot be made.
  void start();
  void stop() noexcept;
  /// A worker wakes while all slept.
  void nudge() noexcept;
  /// Wakes it, whatever it waits for. Async-signal-safe.
  void rouse() noexcept;
  /// A time was added while no worker sleeps until it: the monitor must not sleep much longer.
  void expect(std::int64_t when) noexcept;

  /// What it has done in this run, for runtime_stats().
  std::uint64_t places_taken() const noexcept { return places_taken_.load(relaxed); }  // relaxed:
  std::uint64_t rescued() const noexcept { return rescued_.load(relaxed); }  // statistics, both

 private:
  struct seen {
    work_sample sample;
    std::int64_t since = 0;  // when `sample.picks` was first seen
  };

  static void* thread_main(void* self);
  void watch();
  bool look(std::int64_t now, std::int64_t elapsed);
  bool is_stuck(const worker& w, const seen& before, std::int64_t now) const noexcept;
  bool all_asleep() noexcept;
  std::int64_t next_timer() const noexcept;
  bool timers_unkept() const noexcept;
  bool runs_anything() const noexcept;
  void lack_of_threads(std::int64_t now, std::int64_t since) noexcept;
  void tell_of_timers() noexcept;
  void sleep_deeply();
  bool trim_stacks(std::int64_t now);
  bool report_deadlock();
  std::uint64_t picks() noexcept;

  scheduler& sched_;
  pthread_t thread_{};
  bool started_ = false;
  std::vector<seen> seen_;  // by worker index
  width_control width_;
  thief_pace thieves_;
  stall_watch stalls_;
  std::int64_t last_trim_ = 0;
  std::int64_t lacking_since_ = never;  // since when work waits for a thread that cannot be had
  int lacking_rounds_ = 0;
  // Written by the monitor only.
  atomic<std::uint64_t> places_taken_{0};  // from workers that were stuck
  atomic<std::uint64_t> rescued_{0};       // goroutines, from the queues of such workers
  // [monitor] futex word: 0 on watch, 1 while the monitor sleeps without limit, 2 to end it, 3 on
  // watch and roused for a timer.
  atomic<std::uint32_t> word_{0};
  // [timer.6] until when the monitor sleeps at the most while it is on watch. Written by the
  // monitor.
  atomic<std::int64_t> until_{0};
};

}  // namespace weft::detail
