#pragma once
// The heaps of a runtime, and who of its workers wakes up for the next time in them: [timer] in
// docs/protocols.md. Of the workers that sleep, one at most is the keeper: it sleeps only until the
// earliest time. While there is none, some worker is awake, and the monitor tells it what is due.
#include <weft/detail/atomic.hpp>

#include <cstdint>

#include "time/timer_heap.hpp"

namespace weft::detail {

class worker;

class timers {
 public:
  /// Heaps for so many workers; more of them share.
  explicit timers(std::uint32_t workers);
  timers(const timers&) = delete;
  timers& operator=(const timers&) = delete;

  std::uint32_t count() const noexcept { return count_; }
  timer_heap& heap(std::uint32_t worker_index) noexcept { return *heaps_[worker_index % count_]; }

  /// Is anything armed? A hint: does not see what is being added.
  bool any() const noexcept;
  /// How many entries there are, dead ones included. A recent number.
  std::size_t entries() const noexcept;
  /// The earliest time of all heaps.
  std::int64_t earliest() const noexcept;
  /// See timer_heap::clean_front().
  void clean_fronts() noexcept;
  /// Calls what is left as dropped: the run has ended.
  void drop_all() noexcept;

  /// By a worker among the sleepers: true if it is the keeper now.
  bool try_keep(worker* w) noexcept;
  void stop_keeping() noexcept;
  /// By the keeper, before it sleeps: until when. Whoever adds an earlier time later rouses it.
  std::int64_t keep_until() noexcept;
  /// After adding a time: the keeper, if it would sleep for too long.
  worker* oversleeper(std::int64_t when) const noexcept;
  bool kept() const noexcept {
    return keeper_.load(relaxed) != nullptr;  // relaxed: a hint
  }

  /// How much later than the earliest time the keeper may wake up: where timers come thick and fast
  /// they are run together, several to a wake.
  std::int64_t slack() const noexcept {
    constexpr std::uint32_t many = 4;
    constexpr std::int64_t together_ns = 1'000'000;
    return last_run_.load(relaxed) >= many ? together_ns : 0;  // relaxed: a hint
  }
  /// A worker has run so many timers at once.
  void note_run(std::uint32_t n) noexcept { last_run_.store(n, relaxed); }  // relaxed: a hint

  static constexpr std::uint32_t most_heaps = 64;

 private:
  static constexpr std::int64_t nobody_keeps = INT64_MIN;

  timer_heap* heaps_[most_heaps];
  const std::uint32_t count_;
  // [timer] who sleeps until the earliest time. Set by CAS from null by a sleeper, cleared by it.
  alignas(cache_line) atomic<worker*> keeper_{nullptr};
  // [timer] until when; nobody_keeps when there is no keeper. Written by the keeper.
  atomic<std::int64_t> keeper_until_{nobody_keeps};
  // How many timers were run together the last time. Written by whoever runs them; a hint.
  atomic<std::uint32_t> last_run_{0};
};

}  // namespace weft::detail
