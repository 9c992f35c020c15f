#pragma once
// One runtime: its workers, its global queue, its monitor, from run() to the end of the last
// worker thread. Kept alive by the caller of run() and by each thread (`refs`), because a worker
// that is stuck in user code when main returns is abandoned, not waited for (GR-2).
#include <weft/detail/atomic.hpp>
#include <weft/runtime.hpp>
#include <weft/stats.hpp>

#include <cstdint>
#include <memory>
#include <mutex>

#include "sched/arena.hpp"
#include "sched/global_queue.hpp"
#include "sched/idle.hpp"
#include "sched/monitor.hpp"
#include "sched/timers.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

class simulation;

/// A run begins or ends: what channels and mutexes are to do about lost waits.
void watch_lost_waits(lost_wait_action a) noexcept;

class scheduler {
 public:
  /// Threads beyond this are not started; Go's own limit.
#if WEFT_MODEL
  static constexpr std::uint32_t max_threads = 8;
#else
  static constexpr std::uint32_t max_threads = 10'000;
#endif
  /// A thread beyond max_procs ends when it was of no use for so long. Changed by tests only,
  /// while no runtime runs.
  static std::int64_t spare_thread_ns;

  /// `simulated`, if not null, decides everything, and outlives the run.
  explicit scheduler(const runtime_options& options, simulation* simulated = nullptr);
  ~scheduler();
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  /// The runtime that runs, or nullptr, held for a thread that is not one of its workers: it does
  /// not go away before the object does. [stop]
  class in_use {
   public:
    in_use() noexcept;
    ~in_use();
    in_use(const in_use&) = delete;
    in_use& operator=(const in_use&) = delete;
    explicit operator bool() const noexcept { return scheduler_ != nullptr; }
    scheduler* operator->() const noexcept { return scheduler_; }
    scheduler& operator*() const noexcept { return *scheduler_; }

   private:
    scheduler* scheduler_;
  };
  /// [solo.8] Is a thread that is not a worker using a runtime, or counting a reference?
  static bool used_from_outside() noexcept;
  /// Makes `s` the running one. False if there is one already.
  static bool publish(scheduler* s) noexcept;
  /// After this nobody finds it, and no foreign thread is using it any more.
  static void retract() noexcept;
  /// [exit] By the thread that is in std::exit(): no other goroutine runs any more, and the runtime
  /// that runs is there for as long as the process. False: there is none.
  static bool stop_for_exit() noexcept;
  /// [fork] By the child's only thread: the runtime that ran, or nullptr; nobody finds it from here
  /// on.
  static scheduler* forget_in_child() noexcept;

  /// Starts a worker and the monitor. Throws std::system_error; then only end() may follow.
  void start();
  /// Stops the workers, abandons what is left, and drops the caller's hold on this object.
  /// Returns how many goroutines were abandoned.
  std::size_t end() noexcept;
  /// Runs `g` as the main goroutine to its end, between start() and end(). What start() throws
  /// comes through; nothing is left then.
  void run_main(goroutine* g);
  simulation* simulated() const noexcept { return simulation_; }
  /// Does run()'s caller work as this worker (runtime_options::lock_main_thread, or simulated)?
  bool is_host(const worker& w) const noexcept { return host_ == &w; }
  /// The first worker is to be run()'s caller, and it is not there yet.
  bool awaits_host() const noexcept {
    return (simulation_ != nullptr || options_.lock_main_thread) && worker_count() == 0;
  }
  /// By the worker on which main ended.
  void main_ended() noexcept;

  /// Makes a goroutine runnable from a thread that is not a worker.
  void inject(goroutine* g) noexcept;
  /// Wakes a sleeping worker, or starts one, if there is a place and nobody searches.
  bool wake_one() noexcept;
  /// A worker took a place by itself: the monitor must be on watch.
  void left_sleep() noexcept { monitor_.nudge(); }
  /// From any context: the monitor looks what is wanted of it.
  void wake_monitor() noexcept { monitor_.rouse(); }
  /// After a time was added to a heap: whoever would come too late for it is told. [timer.1]
  void timer_added(std::int64_t when) noexcept;

  goroutine* take_foreign_record();
  std::uint64_t take_ids(std::uint64_t count) noexcept;
  void give_foreign_record(goroutine* g) noexcept;
  /// By a thread that is not a worker: g, which it took, will not be run.
  void give_up_foreign_spawn(goroutine* g) noexcept;

  // [stop.4] acquire: see there
  bool stopping() const noexcept { return stopping_.load(acquire) != 0; }
  std::uint32_t worker_count() const noexcept {
    // [workers.2] acquire: pairs with the release in start_worker()
    return worker_count_.load(acquire);
  }
  const atomic<std::uint32_t>& worker_count_word() const noexcept { return worker_count_; }
  worker& worker_at(std::uint32_t i) noexcept {
    return *workers_[i].load(acquire);  // [workers.2] acquire: as above
  }
  /// How many worker threads exist. Momentary.
  std::uint32_t thread_count() const noexcept {
    // [stop.5] acquire, in this order: who has left was counted as started before.
    const std::uint32_t exited = exited_.load(acquire);
    return started_.load(acquire) - exited;
  }
  /// A worker went to sleep: if no goroutine exists any longer, whoever waits for that is told.
  void tell_if_none_lives() noexcept;
  /// Blocks the calling thread until no goroutine exists, or until the deadline: false.
  bool await_no_goroutines(std::int64_t deadline) noexcept;
  std::int64_t live_goroutines() noexcept;
  /// What is counted here, and by the workers and the monitor.
  runtime_counts stats() noexcept;
  std::uint32_t max_procs() const noexcept { return max_procs_.load(relaxed); }  // relaxed: setting
  std::uint32_t set_max_procs(std::uint32_t n) noexcept;
  /// [solo.1] Makes the worker that runs a goroutine the owner, if it alone is awake. By who does
  /// not run weft code itself: the monitor, or a worker that has just entered the sleepers.
  void offer_solo() noexcept;
  /// The monitor: how many of max_procs places are in use for now; see width_control.
  void set_width(std::uint32_t n) noexcept;
  /// [workers] By a new worker thread: returns when everybody can see the worker.
  void await_published() noexcept { std::lock_guard hold(start_lock_); }
  void worker_exited() noexcept;
  const runtime_options& options() const noexcept { return options_; }
  /// For the edges from the end of a goroutine to who sees that it has ended.
  const void* ended() const noexcept { return &options_; }
  /// What takes so long is a stall; `never`: stalls are not looked for.
  std::int64_t stall_ns() const noexcept { return stall_ns_; }
  /// One seed, one worker: the schedule must depend on nothing else, least of all on time.
  bool reproducible() const noexcept { return options_.seed != 0 && max_procs() == 1; }

  /// [gate] For its workers.
  thief_gate::may_open gates() const noexcept { return gates_; }

  global_queue global;
  idle_set idle;
  class timers timers;
  arena& memory;

 private:
  friend class monitor;
  void await_drained(std::uint32_t seen, std::int64_t left) noexcept;
  worker* adopt_caller(goroutine* main);
  void begin_reports() noexcept;
  bool start_worker(worker* dormant) noexcept;
  bool start_thread(worker& w) noexcept;
  std::uint32_t begin_stop() noexcept;
  std::uint32_t await_workers(std::uint32_t leaving) noexcept;
  void part_with_threads(bool all_have_left, const worker* but) noexcept;
  void stop_workers() noexcept;
  void abandon_goroutines() noexcept;
  void forget_dead_frames() noexcept;
  static void drop_ref(scheduler* s) noexcept;

  const runtime_options options_;
  simulation* const simulation_;
  const std::int64_t stall_ns_;
  // [gate] Of its workers; written before the first one is made.
  thief_gate::may_open gates_ = thief_gate::may_open::no;
  atomic<std::uint32_t> max_procs_;  // what the user set; idle.places() may be less for a while
  std::unique_ptr<atomic<worker*>[]> workers_;
  atomic<std::uint32_t> worker_count_{0};  // [workers] grows under start_lock_
  std::mutex start_lock_;
  atomic<std::uint32_t> stopping_{0};       // [stop] 1 once main has ended
  atomic<std::uint32_t> stopper_{0};        // [exit] 1 once somebody has begun to stop the workers
  atomic<std::uint32_t> main_done_{0};      // [stop] futex word of run()'s caller
  atomic<std::uint32_t> started_{0};        // [stop] worker threads made; written under start_lock_
  atomic<std::uint32_t> exited_{0};         // [stop] worker threads that have left; futex word
  atomic<std::uint32_t> refs_{1};           // threads that may still touch this object
  atomic<std::uint32_t> drain_waiters_{0};  // [drain] how many wait until no goroutine exists
  // [drain] futex word: how often none existed while somebody waited. Written under drain_lock_.
  atomic<std::uint32_t> drained_{0};
  std::mutex drain_lock_;
  std::uint32_t drain_blocked_ = 0;       // of them, counted in blocked_threads; under drain_lock_
  worker* host_ = nullptr;                // whose thread is run()'s caller; written before it runs
  atomic<std::uint64_t> next_id_{1};      // goroutine ids; workers take blocks
  atomic<std::int64_t> foreign_live_{0};  // goroutines spawned by foreign threads
  spinlock foreign_lock_;                 // guards foreign_records_
  record_chain foreign_records_;
  monitor monitor_;
};

/// What run() does: a runtime for the time of one main goroutine. Errors name `who`.
void run_scheduler(const runtime_options& options, simulation* simulated, const char* who,
                   void (*main)(void*), void* arg, std::source_location site);

}  // namespace weft::detail
