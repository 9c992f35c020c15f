#pragma once
// How often the monitor wakes a thief for work that waits behind a goroutine that computes on. What
// an unlock made ready, a thief takes, and finds the lock taken again by the one that goes on; or
// it gets the lock, and the other one waits and soon sleeps. Both ways one worker is left after a
// moment, for which each had locked as one of two ([solo]): a visit in vain. While nothing but that
// comes of it, the pauses between visits double up to a millisecond.
#include <algorithm>
#include <cstdint>
#include <limits>

namespace weft::detail {

class thief_pace {
 public:
  bool may_wake(std::int64_t now) const noexcept { return now >= next_; }
  /// The last visit was in vain.
  bool slow() const noexcept { return pause_ != 0; }

  /// A worker went to sleep at that time. To be told of each worker's last sleep, again and again.
  void saw_sleep(std::int64_t at) noexcept {
    if (at >= woke_) {
      slept_ = std::min(slept_, at);
    }
  }

  /// A thief is woken. `stolen`: how many goroutines were ever taken by thieves; `contended`: how
  /// often a lock had to be waited for.
  void woke(std::int64_t now, std::uint64_t stolen, std::uint64_t contended) noexcept {
    if (contended != contended_ && slept_ - woke_ < moment_ns) {
      pause_ = std::clamp(pause_ * 2, shortest_ns, longest_ns);
    } else if (stolen != stolen_) {
      pause_ = 0;
    }
    stolen_ = stolen;
    contended_ = contended;
    woke_ = now;
    slept_ = nobody_slept;
    next_ = now + pause_;
  }

 private:
  static constexpr std::int64_t shortest_ns = 50'000;
  static constexpr std::int64_t longest_ns = 1'000'000;
  static constexpr std::int64_t moment_ns = 100'000;  // the thread comes, a fight for a lock ends
  static constexpr std::int64_t nobody_slept = std::numeric_limits<std::int64_t>::max();
  std::int64_t pause_ = 0;
  std::int64_t next_ = 0;
  std::int64_t woke_ = 0;              // when the last thief was woken
  std::int64_t slept_ = nobody_slept;  // when the first worker slept after that
  std::uint64_t stolen_ = 0;
  std::uint64_t contended_ = 0;
};

}  // namespace weft::detail
