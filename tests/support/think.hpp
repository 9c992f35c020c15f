#pragma once
// A pause of random length between operations. Goroutines that do nothing but meet at one lock
// are soon run by one worker only (a policy of the runtime), and then nothing races any more;
// with something to do in between they run side by side, in ever new phases.
#include <cstdint>

namespace weft::testing {

class thinker {
 public:
  /// With max_procs 1 there is nothing to gain: no pause.
  thinker(int procs, std::uint64_t seed) noexcept
      : on_(procs > 1), state_(seed * 0x9e37'79b9'7f4a'7c15u + 1) {}

  /// Up to some two microseconds.
  void operator()() noexcept {
    if (!on_) {
      return;
    }
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    for (volatile std::uint64_t left = state_ >> 54; left > 0;) {
      left = left - 1;
    }
  }

 private:
  bool on_;
  std::uint64_t state_;
};

}  // namespace weft::testing
