#pragma once
// How many workers are worth having awake. Goroutines that meet at one lock all the time run many
// times faster on one worker than on two that take its cache line from each other. When waiting
// for locks eats a large part of the workers' time, the monitor halves the number of places; after
// a while it tries the full number again, less and less often while that keeps failing. A worker
// that stays in one goroutine ends the narrow phase at once: then there is work to share.
#include <cstdint>

namespace weft::detail {

class width_control {
 public:
  /// One observation over `elapsed` nanoseconds, in which `contended` lock operations had to wait
  /// on `awake` workers; `held_up`: work waits while a worker stays in one goroutine. Returns the
  /// number of places to use, at most `places`.
  std::uint32_t observe(std::int64_t now, std::int64_t elapsed, std::uint64_t contended,
                        std::uint32_t awake, std::uint32_t places, bool held_up) noexcept {
    if (width_ != 0 && (held_up || now >= until_)) {
      width_ = 0;
      widened_ = now;
    }
    constexpr std::int64_t wait_ns = 1'000;  // what one contended operation costs, roughly
    const bool too_wide = awake > 1 && elapsed > 0 &&
                          static_cast<std::int64_t>(contended) * wait_ns > elapsed * awake / 4;
    if (too_wide) {
      const bool again = now - widened_ < hold_;
      hold_ = again ? (hold_ * 2 < longest_ns ? hold_ * 2 : longest_ns) : shortest_ns;
      width_ = (awake + 1) / 2;
      until_ = now + hold_;
    }
    return width_ == 0 || width_ > places ? places : width_;
  }

 private:
  static constexpr std::int64_t shortest_ns = 50'000'000;
  static constexpr std::int64_t longest_ns = 2'000'000'000;
  std::uint32_t width_ = 0;  // 0: all places
  std::int64_t until_ = 0;
  std::int64_t widened_ = -longest_ns;
  std::int64_t hold_ = shortest_ns;
};

}  // namespace weft::detail
