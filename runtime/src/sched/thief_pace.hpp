#pragma once
// How often the monitor wakes a thief for work that waits behind a goroutine that computes on. What
// an unlock made ready, a thief takes, and finds the lock taken again by the one that goes on; or
// it gets the lock, and the other one waits and soon sleeps. Both ways one worker is left after a
// moment, for which each had locked as one of two ([solo]): a visit in vain. While nothing but that
// comes of it, each pause between visits is four times as long as the last, up to two milliseconds.
//
// A visit was in vain if soon after the thief came some worker slept, a lock had been waited for
// when the monitor saw that, and few goroutines were taken. That is a guess: locks and sleeps
// elsewhere count, too. One visit that was not ends the pauses.
#include <algorithm>
#include <cstdint>
#include <limits>

namespace weft::detail {

class thief_pace {
 public:
  bool may_wake(std::int64_t now) const noexcept { return now >= next_; }
  /// The last visit was in vain.
  bool slow() const noexcept { return pause_ != 0; }

  // To be told at each look of the monitor: of each worker's last arrival, then of each one's last
  // sleep. `contended`: how often a lock had to be waited for, ever.
  void saw_arrival(std::int64_t at) noexcept {
    if (at >= woke_) {
      arrived_ = std::min(arrived_, at);
    }
  }
  void saw_sleep(std::int64_t at, std::uint64_t contended) noexcept {
    if (at >= arrived_ && at < slept_) {
      slept_ = at;
      fought_ = contended != contended_;
    }
  }

  /// A thief is woken. `stolen`: how many goroutines were ever taken by thieves.
  void woke(std::int64_t now, std::uint64_t stolen, std::uint64_t contended) noexcept {
    if (fought_ && slept_ - arrived_ < moment_ns && stolen - stolen_ <= few) {
      pause_ = std::clamp(pause_ * 4, shortest_ns, longest_ns);
    } else if (stolen != stolen_) {
      pause_ = 0;
    }
    stolen_ = stolen;
    contended_ = contended;
    woke_ = now;
    arrived_ = slept_ = never_yet;
    fought_ = false;
    next_ = now + pause_;
  }

 private:
  static constexpr std::int64_t shortest_ns = 50'000;
  static constexpr std::int64_t longest_ns = 2'000'000;
  static constexpr std::int64_t moment_ns = 100'000;  // in which a fight for a lock ends
  static constexpr std::uint64_t few = 4;             // goroutines, of a fight
  static constexpr std::int64_t never_yet = std::numeric_limits<std::int64_t>::max();
  std::int64_t pause_ = 0;
  std::int64_t next_ = 0;
  std::int64_t woke_ = never_yet;     // when the last thief was woken
  std::int64_t arrived_ = never_yet;  // when the first worker came after that
  std::int64_t slept_ = never_yet;    // when the first one slept after that
  bool fought_ = false;               // a lock had been waited for by then
  std::uint64_t stolen_ = 0;
  std::uint64_t contended_ = 0;
};

}  // namespace weft::detail
