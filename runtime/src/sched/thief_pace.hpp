#pragma once
// How often the monitor wakes a thief for work that waits behind a goroutine that computes on. What
// an unlock made ready, a thief takes, and it finds the lock taken again by the one that goes on: a
// visit in vain, and for as long as it lasts the visited worker locks as one of two ([solo]). While
// nothing but that comes of it, the pauses between visits double up to a millisecond.
#include <algorithm>
#include <cstdint>

namespace weft::detail {

class thief_pace {
 public:
  bool may_wake(std::int64_t now) const noexcept { return now >= next_; }
  /// The last visit was in vain.
  bool slow() const noexcept { return pause_ != 0; }

  /// A thief is woken. `stolen`: how many goroutines were ever taken by thieves; `vain`: how many
  /// visits were in vain.
  void woke(std::int64_t now, std::uint64_t stolen, std::uint64_t vain) noexcept {
    if (vain != vain_) {
      pause_ = std::clamp(pause_ * 2, shortest_ns, longest_ns);
    } else if (stolen != stolen_) {
      pause_ = 0;
    }
    stolen_ = stolen;
    vain_ = vain;
    next_ = now + pause_;
  }

 private:
  static constexpr std::int64_t shortest_ns = 50'000;
  static constexpr std::int64_t longest_ns = 1'000'000;
  std::int64_t pause_ = 0;
  std::int64_t next_ = 0;
  std::uint64_t stolen_ = 0;
  std::uint64_t vain_ = 0;
};

}  // namespace weft::detail
