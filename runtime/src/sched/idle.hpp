#pragma once
// Who is awake, who searches for work, who sleeps. Protocol [idle] in docs/protocols.md: no
// goroutine is left in the global queue while every worker sleeps. A worker's own queues need no
// such care: their owner is awake as long as they are not empty, and the monitor looks after
// goroutines that wait there for too long.
//
// "Awake" workers hold one of max_procs places. A worker that is stuck in one goroutine loses
// its place (the monitor gives it away) and is not counted until it regains one.
#include <weft/detail/atomic.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/spinlock.hpp>

#include <cstdint>

namespace weft::detail {

/// What idle_set knows of a worker. Guarded by idle_set's lock.
struct sleeper {
  sleeper* next_sleeper = nullptr;
  bool asleep = false;
  bool has_place = true;    // counted among the awake; a worker starts with the place of its wake
  bool lost_place = false;  // its place was taken away, and it has not slept since
};

class idle_set {
 public:
  enum class wake { none, woken, needs_thread };

  explicit idle_set(std::uint32_t places) noexcept : places_(places) {}

  std::uint32_t places() const noexcept { return places_.load(relaxed); }   // relaxed: a setting
  void set_places(std::uint32_t n) noexcept { places_.store(n, relaxed); }  // relaxed: a setting

  /// A hint for submitters that are workers: would waking somebody make sense? No locked
  /// instruction; a wrong answer costs time, never a goroutine.
  bool worth_waking() const noexcept {
    const std::uint32_t w = word_.load(relaxed);  // relaxed: a hint, see above
    return (w & (searching_mask | damped)) == 0 && awake(w) < places();
  }
  /// May a sleeper be woken now (the monitor's question)?
  bool has_room() const noexcept {
    const std::uint32_t w = word_.load(relaxed);  // relaxed: a hint
    return (w & searching_mask) == 0 && awake(w) < places();
  }

  /// [idle.2] For submitters to the global queue, after the push: must somebody be woken?
  bool must_wake() noexcept {
    // [idle.2] acq_rel RMW, not a load: pairs with [idle.3]; else the last searcher may go to
    // sleep without seeing the push while this side still counts it as searching.
    const std::uint32_t w = word_.fetch_add(0, acq_rel);
    return (w & searching_mask) == 0 && awake(w) < places();
  }

  /// Gives a place and the role of a searcher to a sleeper, which is returned in `woken` and must
  /// be woken; or to a thread that the caller must start (needs_thread): for the worker in `woken`,
  /// which has none any longer, or for a new one when that is null. Who is woken or started calls
  /// revoke_solo() before anything else.
  wake begin_wake(sleeper*& woken) noexcept;

  /// The place and role of a searcher that begin_wake() gave are given back: the thread could not
  /// be started. `w` is what it returned in `woken`.
  void cancel_wake(sleeper* w) noexcept;

  /// An awake worker without work becomes a searcher; refused when half of them search already.
  bool try_search() noexcept;
  /// A searcher found work, or gave up searching without going to sleep.
  void end_search() noexcept;

  /// [idle.3] The worker gives up place and search and is entered among the sleepers. It must then
  /// look at the global queue once more, and may leave_sleep() if it finds something.
  /// `futile`: there was work, but not worth stealing; submitters should not wake anybody for
  /// such work until the monitor says so.
  /// Returns how many workers are awake or asleep now.
  std::uint32_t enter_sleep(sleeper* w, bool searching, bool futile) noexcept;
  /// True: the worker is awake and searching again. False: it must wait for its wake word:
  /// somebody is waking it already, or all places are taken by awake workers, who will look.
  bool leave_sleep(sleeper* w) noexcept;

  /// [retire.1] The thread of a sleeper that was of no use for long: true if more than `enough`
  /// workers are awake or asleep, and nobody is waking this one. It is a sleeper no longer; its
  /// thread must end.
  bool retire(sleeper* w, std::uint32_t enough) noexcept;
  /// [retire.2] The last that the thread does with the worker: another thread may begin with it.
  void become_dormant(sleeper* w) noexcept;
  /// Calls f(sleeper&) for each sleeper, under this lock.
  template <class F>
  void for_each_sleeper(F f) noexcept {
    spin_guard hold(lock_);
    for (sleeper* w = sleepers_; w != nullptr; w = w->next_sleeper) {
      f(*w);
    }
  }
  std::uint32_t awake_or_asleep() noexcept {
    spin_guard hold(lock_);
    return asleep_ + awake(word_.load(relaxed));  // relaxed: a moment's number
  }

  /// Workers that sleep or have no thread: nothing is in their hands.
  std::uint32_t resting() noexcept {
    spin_guard hold(lock_);
    return asleep_ + dormant_count_;
  }

  /// The monitor: the worker is stuck in one goroutine, its place is free. False: it has none.
  bool take_place_away(sleeper* w) noexcept;
  /// [pinned.3] `from` gives its place, if it has one, to `to`, if that has none. `to` does not
  /// sleep; it may be about to give up the place that it has.
  void pass_place(sleeper* from, sleeper* to) noexcept;
  /// [idle.6] The worker that lost its place has one again if there is one.
  bool regain_place(sleeper* w) noexcept;
  /// More workers are awake than there are places: the caller gives its place up.
  bool yield_surplus_place(sleeper* w) noexcept;

  /// [solo.1] If w, whose thread pointer is given, is the only worker that does not sleep, it need
  /// not lock, with a place or one that lost its own. By w, or for a w that computes on by the
  /// monitor or who fell asleep. `workers`: how many there are, read under the lock.
  void claim_solo(const sleeper& w, const void* thread,
                  const atomic<std::uint32_t>& workers) noexcept;
  /// Might claim_solo() succeed? A hint.
  bool looks_solo() const noexcept {
    // relaxed: hints
    return solo_allowed_.load(relaxed) != 0 && awake(word_.load(relaxed)) <= 1 &&
           solo.owner.load(relaxed) == nullptr;  // relaxed: a hint
  }
  /// [solo.4] to [solo.6] for a thread that is not a worker, and for a worker that was woken.
  void revoke_solo() noexcept;
  void allow_solo() noexcept { solo_allowed_.store(1, relaxed); }  // relaxed: before the start

  /// The monitor found work worth a thief.
  void undamp() noexcept;

  std::uint32_t awake_count() const noexcept {
    // [idle.3] acquire: what a worker did before it went to sleep is seen by who finds all asleep.
    return awake(word_.load(acquire));
  }
  sleeper* all_sleepers() noexcept;  ///< takes them all out; for shutdown

 private:
  static constexpr std::uint32_t awake_one = 1;
  static constexpr std::uint32_t awake_mask = 0x7fff;
  static constexpr std::uint32_t searching_one = 0x8000;
  static constexpr std::uint32_t searching_mask = 0x3fff8000;
  static constexpr std::uint32_t damped = 0x40000000;
  void add_dormant(sleeper* w) noexcept;
  void unlink_sleeper(sleeper* w) noexcept;
  static std::uint32_t awake(std::uint32_t w) noexcept { return w & awake_mask; }
  static std::uint32_t searching(std::uint32_t w) noexcept { return (w & searching_mask) >> 15; }

  // [idle] { damped:1, searching:15, awake:15 }. Written by workers, submitters and the monitor,
  // RMW only. Read relaxed for hints.
  alignas(cache_line) atomic<std::uint32_t> word_{0};
  // max_procs. Read often, written by max_procs(n).
  atomic<std::uint32_t> places_;
  alignas(cache_line) spinlock lock_;  // guards the lists, each sleeper, solo.owner
  sleeper* sleepers_ = nullptr;        // most recently parked first
  sleeper* dormant_ = nullptr;         // [retire] workers without a thread
  std::uint32_t asleep_ = 0;           // how many sleepers
  std::uint32_t dormant_count_ = 0;
  // [solo] 0 where membarrier is missing, and once claim_solo() has seen the flag of [solo.7].
  atomic<std::uint32_t> solo_allowed_{0};
};

}  // namespace weft::detail
