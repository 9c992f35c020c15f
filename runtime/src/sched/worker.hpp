#pragma once
// One OS thread with its queues. Everything in the first part belongs to the thread; the second
// part is shared with thieves, the monitor and wakers.
#include <weft/detail/atomic.hpp>

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "sched/arena.hpp"
#include "sched/deque.hpp"
#include "sched/global_queue.hpp"
#include "sched/goroutine.hpp"
#include "sched/idle.hpp"
#include "sched/policy.hpp"
#include "sched/ring.hpp"
#include "sched/thief_gate.hpp"
#include "stack/fiber.hpp"
#include "time/timer_heap.hpp"

namespace weft::detail {

class scheduler;
class simulation;

#if WEFT_MODEL
inline constexpr std::size_t ring_capacity = 4;  // the rare path must be common
inline constexpr std::size_t deque_capacity = 4;
#else
inline constexpr std::size_t ring_capacity = 1024;
inline constexpr std::size_t deque_capacity = 4096;
#endif
/// How many goroutines move to or from the global queue, or to a thief, at once.
inline constexpr std::size_t batch = ring_capacity < 128 ? ring_capacity / 2 : 128;

/// What a worker has done since it began, for runtime_stats(): written by its thread alone, read by
/// anybody. What is counted at each switch is in the worker itself.
struct worker_counts {
  atomic<std::uint64_t> from_global{0};  // goroutines taken from the global queue
  atomic<std::uint64_t> yields{0};
  atomic<std::uint64_t> searches{0};  // looks at the queues of others
  atomic<std::uint64_t> stolen{0};    // goroutines taken there
  atomic<std::uint64_t> fired{0};     // timers
  atomic<std::uint64_t> sleeps{0};
  atomic<std::uint64_t> wakes{0};  // ends of sleeps that somebody else brought about
  // No counts, but when it last came to work, and when its last sleep began. For thief_pace.
  atomic<std::int64_t> arrived{0};
  atomic<std::int64_t> slept{0};
};

/// What the monitor and thieves look at to tell old work from fresh work.
struct work_sample {
  std::uint64_t picks = 0;
  std::uint64_t contended = 0;
  std::uint64_t stolen = 0;
  std::int64_t arrived = 0, slept = 0;
  std::uint32_t ring_size = 0, ring_position = 0;
  std::uint32_t deque_size = 0, deque_position = 0;
  bool next = false;
  bool any() const noexcept { return ring_size + deque_size != 0 || next; }
};

class alignas(2 * cache_line) worker : public sleeper {
 public:
  /// Reasons to look up from the hot path; bits of attention_.
  static constexpr std::uint32_t attend_stop = 1;     // the runtime ends
  static constexpr std::uint32_t attend_stuck = 2;    // the place was given to somebody else
  static constexpr std::uint32_t attend_surplus = 4;  // max_procs was lowered
  static constexpr std::uint32_t attend_timers = 8;   // the time of a timer has come
  static constexpr std::uint32_t attend_pinned = 16;  // the thread belongs to one goroutine

  /// One pick in so many looks for what the others would starve, such as the oldest ready
  /// goroutine.
  static constexpr std::uint32_t special_every = 16;

  worker(scheduler& s, std::uint32_t index, const policy& choices);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// The thread's start function.
  static void* thread_main(void* self);
  /// What every fiber runs.
  static void fiber_loop();

  // ---- by the worker's own thread ----
  scheduler& sched() noexcept { return sched_; }
  goroutine* current() const noexcept { return current_.load(relaxed); }  // relaxed: owner
  std::uint32_t index() const noexcept { return index_; }
  /// The run has ended for this worker; if it was abandoned, its queues lead nowhere.
  bool stopped() const noexcept {
    return (attention_.load(relaxed) & attend_stop) != 0;  // relaxed: a hint; set once
  }
  policy& choices() noexcept { return policy_; }
  /// [solo.1] Between entering the sleepers and waking up: another worker may be solo's owner.
  bool counts_as_asleep() const noexcept { return counts_as_asleep_; }

  /// Blocks the current goroutine; see park().
  void park_current(goroutine* g, fiber_commit commit, void* arg) noexcept;
  /// Lets others run; the current goroutine stays runnable.
  void yield_current();
  /// Makes g the next to run here.
  void push_next(goroutine* g) noexcept;
  /// Queues a goroutine that was just spawned.
  void push_fresh(goroutine* g) noexcept;
  /// Queues a goroutine behind the others.
  void push_back(goroutine* g) noexcept;
  /// The same, but wakes nobody to help.
  void push_quietly(goroutine* g) noexcept;
  /// Who was to run next waits behind the others; the same.
  void displace_next() noexcept;
  /// Wakes somebody to help with what is queued here, if that is worth it.
  void wake_thief() noexcept;

  /// [simulated] What can run here, to the simulation.
  void collect(simulation& s);

  /// There is a record and an id for the next goroutine.
  bool stocked() const noexcept { return records_.first != nullptr && id_next_ != id_end_; }
  /// Throws std::system_error, std::bad_alloc.
  void restock();
  /// A record with its id. stocked().
  goroutine* take_record() noexcept {
    goroutine* g = records_.first;
    records_.first = g->next;
    __builtin_prefetch(records_.first, 1);  // the next goroutine's, maybe away for long
    --records_.count;
    g->id = id_next_++;
    created_.bump();
    return g;
  }
  void give_record(goroutine* g) noexcept {
    if (records_.count == arena::chain_records) [[unlikely]] {
      return give_record_too_many(g);
    }
    put_record(g);
  }
  void count_finished() noexcept {
    // [drain.4] release: whoever sees that a goroutine has ended (num_goroutines) sees what it did.
    // relaxed: own counter.
    finished_.store(finished_.load(relaxed) + 1, release);
  }
  void count_contended() noexcept { contended_.bump(); }

  /// [pinned] The running goroutine g stays on this thread, and nothing else runs here.
  void pin(goroutine* g) noexcept;
  void unpin(goroutine* g) noexcept;
  /// Its thread belongs, or did belong until it ended, to one goroutine.
  bool pinned() const noexcept {
    return (attention_.load(relaxed) & attend_pinned) != 0;  // relaxed: own bit
  }

  /// [fork] In a child made by fork(): nothing runs here but what called it.
  void only_thread_left() noexcept;

  /// Around code that blocks the thread on purpose.
  void begin_blocking() noexcept;
  void end_blocking() noexcept;

  // ---- by anybody ----
  std::uint64_t goroutines_ended() const noexcept {
    return finished_.load(acquire);  // [drain.4] acquire: pairs with count_finished()
  }
  const worker_counts& counts() const noexcept { return counts_; }
  // relaxed: statistics, all three.
  std::uint64_t picks() const noexcept { return picks_.load(relaxed); }
  std::uint64_t switches() const noexcept { return switches_.load(relaxed); }
  std::uint64_t parks() const noexcept { return parks_.load(relaxed); }
  std::uint64_t goroutines_made() const noexcept {
    return created_.load(acquire);  // [drain.4] acquire: only so that a later load stays later
  }
  work_sample sample() const noexcept;
  /// How many goroutines are in its queues. A recent number.
  std::size_t queued() const noexcept {
    return ready_.size() + fresh_.size() + (next_.load(relaxed) != nullptr);  // relaxed: statistics
  }
  void attend(std::uint32_t why) noexcept;
  /// Its place was given away, and it has not come back yet.
  bool stuck() const noexcept {
    return (attention_.load(relaxed) & attend_stuck) != 0;  // relaxed: a hint
  }
  /// [pinned.4] Its thread waits until its goroutine has a turn.
  bool awaits_turn() const noexcept {
    // [pinned.4] acquire: pairs with await_turn(). [pinned.3] acquire: it may be on its way.
    return awaits_turn_.load(acquire) != 0 && turn_.load(acquire) == 0;
  }
  /// At the end of the run, after attend(attend_stop): its goroutine gets no turn any more.
  void stop_waiting_for_turn() noexcept;
  /// The monitor: what waits at a worker that is stuck goes to the global queue. The worker without
  /// a free moment that took its place may never come to stealing.
  /// Returns how many goroutines that were.
  std::size_t rescue_queues() noexcept;
  void wake() noexcept;
  /// The keeper sleeps for too long: it looks at the timers again [timer.1].
  void rouse() noexcept;
  goroutine* running() const noexcept { return current_.load(relaxed); }  // relaxed: a hint
  /// [visit.4] acquire: pairs with set_current().
  const goroutine* visited_current() const noexcept { return current_.load(acquire); }
  /// The kernel's name of the thread; 0: it has not begun, or has ended.
  std::int32_t tid() const noexcept { return tid_.load(relaxed); }         // relaxed: for dumps
  bool blocking() const noexcept { return blocking_.load(relaxed) != 0; }  // relaxed: a hint
  const fiber* running_fiber() const noexcept { return fiber_; }  // by its own thread, in handlers
  /// [solo.1] The monitor: the only worker awake, in a goroutine that comes to no pick.
  void claim_solo() noexcept;

 private:
  friend class scheduler;

  goroutine* pick_local() noexcept;
  goroutine* pick_specially(std::uint32_t tick) noexcept;
  goroutine* pick_oldest_fresh() noexcept;
  bool has_rare_turn() noexcept;
  goroutine* pick_ready() noexcept;
  goroutine* pick_in_order() noexcept;
  goroutine* pick_among_thieves() noexcept;
  goroutine* pick_seeded() noexcept;
  goroutine* pick_simulated(simulation& s) noexcept;
  goroutine* take_next() noexcept;
  goroutine* fetch_ahead(goroutine* g) noexcept;
  static void prefetch(goroutine* const* all, std::size_t n) noexcept;
  goroutine* pop_global(std::size_t most) noexcept;
  goroutine* find_work();
  goroutine* search(bool& futile) noexcept;
  goroutine* steal_from(worker& victim, const work_sample& then, std::int64_t begin,
                        bool& refused) noexcept;
  bool settle_attention();
  bool run_timers() noexcept;
  void fire(const due_timer& due) noexcept;
  bool sleep_as_keeper() noexcept;
  void begin_visit() noexcept;
  void arrive() noexcept;
  void await_wake(bool spare) noexcept;
  void sleep(bool searching, bool futile) noexcept;
  void hand_to_pinned(goroutine* g) noexcept;
  bool await_turn() noexcept;
  void run_here(goroutine* g);
  void finish(goroutine* g) noexcept;
  void recycle(goroutine* g) noexcept;
  // [pinned.1] Before g, which is parked or queued now, can be seen by others: without its stack
  // nobody can switch to it.
  void hide_pinned(goroutine* g) noexcept {
    if (pinned_ == g) [[unlikely]] {
      g->extra->pinned_stack = std::exchange(g->stack, nullptr);
    }
  }
  void leave_blocking() noexcept {
    if (blocking_.load(relaxed) != 0) {  // relaxed: own word
      blocking_.store(0, relaxed);       // relaxed: a hint for the monitor
    }
  }
  void switch_to(goroutine* next, fiber_commit commit, void* arg) noexcept;
  void hand_over(fiber* to, fiber_commit commit, void* arg) noexcept;
  // The fiber that runs has nothing more to do: commit() has it. To be called last, see
  // fiber_loop().
  void leave_spare(fiber* to, fiber_commit commit) noexcept;
  void set_current(goroutine* g) noexcept {
    // [visit.4] release: who sees it sees what became of the stack that ran before.
    current_.store(g, release);
  }
  // g begins or goes on here.
  void enter(goroutine* g) noexcept {
    set_current(g);
    switches_.bump();
    g->state.store(goroutine_state::running, relaxed);  // relaxed: for dumps
  }
  void put_record(goroutine* g) noexcept {
    g->next = records_.first;
    if (records_.first == nullptr) {
      records_.last = g;
    }
    records_.first = g;
    ++records_.count;
  }
  // These are apart so that what is done each time saves no registers for them.
  void give_record_too_many(goroutine* g) noexcept;
  void push_fresh_too_many(goroutine* g) noexcept;
  void finish_unusual(goroutine* g) noexcept;

  fiber* take_spare() noexcept;
  void stock_up() noexcept;
  void give_spare(fiber* f) noexcept;
  static void recycle_fiber(void* f) noexcept;
  static void drop_fiber(void* f) noexcept;
  void flush_queues() noexcept;
  std::size_t take_as_thief(goroutine** out, std::size_t most) noexcept;
  void run_thread();
  void serve();

  // ---- the thread's own ----
  scheduler& sched_;
  const std::uint32_t index_;
  std::uint32_t streak_ = 0;          // next-slot picks in a row
  const std::uint64_t special_mask_;  // of a pick's number: 0 under it makes it special
  std::int64_t rare_turn_ = 0;        // when has_rare_turn() was true last
  fiber* fiber_ = nullptr;            // the one that runs
  eh_globals* eh_ = nullptr;
  bool woken_searching_ = false;  // [idle.5] woken (or started) with the role of a searcher
  goroutine* handoff_ = nullptr;  // picked already; the next fiber starts with it
  goroutine* pinned_ = nullptr;   // [pinned] the goroutine that this thread belongs to
  fiber* spares_ = nullptr;
  std::size_t spare_count_ = 0;
  record_chain records_;  // free records in use
  record_chain full_;     // one more full chain, or empty
  std::uint64_t id_next_ = 0, id_end_ = 0;
  policy policy_;
  global_queue::port port_;
  fiber native_;                          // the thread's own stack
  pthread_t thread_{};                    // under the scheduler's start_lock_
  bool joinable_ = false;                 // thread_ is a thread of this run; as above
  bool must_end_ = false;                 // its thread ends, the worker becomes dormant [retire]
  const void* thread_pointer_ = nullptr;  // set before it runs anything
  bool counts_as_asleep_ = false;         // for checks; its own thread's

  // ---- shared ----
  // Written by the owner; read by the monitor and the crash handler, relaxed.
  alignas(cache_line) atomic<goroutine*> current_{nullptr};
  atomic<std::uint64_t> picks_{0};      // progress; by its number a pick is a fair one
  atomic<std::uint64_t> switches_{0};   // goroutines that began or went on here
  atomic<std::uint64_t> parks_{0};      // waits that began here
  atomic<std::uint64_t> created_{0};    // goroutines spawned here
  atomic<std::uint64_t> finished_{0};   // goroutines ended here
  atomic<std::uint64_t> contended_{0};  // locks that had to be waited for here
  atomic<std::uint32_t> blocking_{0};   // inside blocking(f)
  atomic<std::int32_t> tid_{0};         // see tid()
  // Rarer than switches; a line of its own.
  alignas(cache_line) worker_counts counts_;
  // attend_* bits, set by anybody, cleared by the owner. Read relaxed at every pick.
  alignas(cache_line) atomic<std::uint32_t> attention_{0};
  // [idle.7] the futex word of this worker's sleep: 1 once woken, 2 roused to look at the timers.
  atomic<std::uint32_t> wake_word_{0};
  // [pinned] futex word: bit 0: the goroutine that this thread belongs to may run; bit 1: it never
  // will again.
  atomic<std::uint32_t> turn_{0};
  // [pinned.4] 1 while its thread has nothing in its hands and waits for turn_. Written by the
  // owner.
  atomic<std::uint32_t> awaits_turn_{0};
  // [gate] in front of the queues.
  alignas(cache_line) thief_gate gate_;
  // [next] the goroutine made ready last. Filled by the owner, taken by owner or thief.
  atomic<goroutine*> next_{nullptr};
  ring<goroutine, ring_capacity> ready_;
  deque<goroutine, deque_capacity> fresh_;
};

/// Is there work that would wait long at a worker that was seen as `then` and is seen as `now`?
bool old_work(const work_sample& then, const work_sample& now, std::int64_t elapsed_ns) noexcept;

/// The calling thread's worker, or nullptr. The compiler must not see that this is thread-local:
/// what it read before a switch would name the wrong worker after it (HZ-2). So this is volatile
/// assembly, as thread_pointer() is, or never inlined. Read it again after anything that can park.
#if defined(__x86_64__) && !WEFT_MODEL
inline worker* this_worker() noexcept {
  worker* w;
  asm volatile(
      "movq weft_this_worker@gottpoff(%%rip), %0\n\t"
      "movq %%fs:(%0), %0"
      : "=r"(w));
  return w;
}
#else
worker* this_worker() noexcept;
#endif
void set_this_worker(worker* w) noexcept;

}  // namespace weft::detail
