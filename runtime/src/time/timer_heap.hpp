#pragma once
// Times at which something happens, as one heap of a runtime's several: a 4-ary heap of values, so
// that sifting stays in few cache lines. [timer] in docs/protocols.md.
//
// Cancelling is lazy: an entry stays until its time, or until more than a quarter of the entries
// are dead. That an entry is dead is seen by a word that it names and that has moved on meanwhile:
// the claim of a goroutine (records are never freed), or the key of a timer_event (recycled here,
// never freed). So nothing needs to be searched for, and most timeouts, which never happen, cost
// one push.
//
// Heaps are immortal: a timer object may outlive the run that it was armed in.
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/timer.hpp>
#include <weft/detail/wait_limit.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sched/goroutine.hpp"

namespace weft::detail {

class timer_heap;

class timer_event {
 private:
  friend class timer_heap;
  friend bool disarm_timer(armed_timer t) noexcept;
  explicit timer_event(timer_heap& home) noexcept : home_(home) {}

  timer_heap& home_;
  // The rest is guarded by home_'s lock.
  std::uint64_t key_ = 0;  // grows each time it is disarmed or fires
  timer_function fire_ = nullptr;
  void* owner_ = nullptr;
  timer_event* next_free_ = nullptr;
};

/// What has become due: a goroutine whose wait the timer has won, or a function to be called.
struct due_timer {
  goroutine* who = nullptr;
  timer_function fire = nullptr;
  void* owner = nullptr;
  std::int64_t when = 0;
};

class alignas(2 * cache_line) timer_heap {
 public:
  /// The time of the first entry, which may be dead; `never` when there is none.
  std::int64_t earliest() const noexcept {
    return earliest_.load(seq_cst);  // [timer.2] seq_cst: after keeper_until_ was stored
  }
  bool any() const noexcept {
    return earliest_.load(relaxed) != never;  // relaxed: a hint, before earliest() is read properly
  }

  /// At `when`, tries to move who's claim word to `won`, which names ticket and index. Runs out of
  /// memory: ends the program.
  void add_wait(std::int64_t when, goroutine* who, std::uint64_t won) noexcept;
  /// Throws std::bad_alloc; then nothing has changed.
  armed_timer add_event(std::int64_t when, timer_function fire, void* owner);
  bool disarm(armed_timer t) noexcept;
  /// A wait with an entry here has ended otherwise.
  void note_dead() noexcept { dead_.bump(); }

  /// Takes out what is due at `now`, in order of time, at most `most`.
  std::size_t pop_due(std::int64_t now, due_timer* out, std::size_t most) noexcept;
  /// Dead entries at the front go, so that earliest() is the time of something that will happen.
  void clean_front() noexcept;
  /// Takes out everything, for the end of a run, when no worker runs any more: only events are
  /// returned. 0: empty now.
  std::size_t drop(due_timer* out, std::size_t most) noexcept;

  /// How many entries, dead ones included.
  std::size_t size() noexcept;
  /// The same a moment ago, without the lock.
  std::size_t recent_size() const noexcept { return size_.load(relaxed); }  // relaxed: statistics

 private:
  struct entry {
    std::int64_t when;
    std::uint64_t key;  // the claim that wins, or the event's key
    goroutine* who;     // null: an event
    timer_event* event;
    bool alive() const noexcept;
  };

  void insert(const entry& e);  // with lock_ held
  std::size_t take_due(std::int64_t now, entry* out, std::size_t most) noexcept;
  void remove_front() noexcept;
  void sift_up(std::size_t at, entry e) noexcept;
  void sift_down(std::size_t at, entry e) noexcept;
  void purge() noexcept;
  void retire(timer_event* e) noexcept;
  void publish() noexcept;

  // Written under lock_. Read by whoever decides how long to sleep.
  atomic<std::int64_t> earliest_{never};
  // Written under lock_; see recent_size().
  atomic<std::size_t> size_{0};
  // Entries whose wait has ended otherwise. A hint: counted without a locked instruction.
  atomic<std::uint32_t> dead_{0};
  biased_lock lock_;
  std::vector<entry> entries_;          // guarded by lock_
  timer_event* free_events_ = nullptr;  // guarded by lock_
};

}  // namespace weft::detail
