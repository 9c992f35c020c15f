#pragma once
// Every choice that the scheduler makes at random or by taste goes through here, one object per
// worker: which victim to steal from, in which order a select looks at its cases, and, in a
// seeded runtime, which goroutine runs next. A seeded runtime makes the same choices for the
// same seed; with max_procs 1 that is the same schedule. For that, what may depend on time must
// draw nothing from the program's stream: a worker that finds no work draws nothing at all, and
// a thief has a stream of its own.
#include <cstdint>

namespace weft::detail {

class policy {
 public:
  /// seed 0: not seeded, choices come from `entropy`. `index`: of the worker; each has its own.
  policy(std::uint64_t seed, std::uint32_t index, std::uint64_t entropy) noexcept
      : state_(mix((seed != 0 ? seed : entropy) + index)),
        thief_state_(mix(~state_)),
        seeded_(seed != 0) {}

  bool seeded() const noexcept { return seeded_; }

  std::uint64_t bits() noexcept { return next(state_); }
  /// Uniform in [0, n).
  std::uint32_t below(std::uint32_t n) noexcept { return scale(next(state_), n); }
  bool coin() noexcept { return (bits() >> 63) != 0; }
  /// Uniform in [0, n), from the thief's stream: where to begin a search for work.
  std::uint32_t victim_below(std::uint32_t n) noexcept { return scale(next(thief_state_), n); }

 private:
  // splitmix64: one addition of state, three multiplications' worth of mixing.
  static std::uint64_t next(std::uint64_t& state) noexcept {
    return mix(state += 0x9e3779b97f4a7c15u);
  }
  static std::uint32_t scale(std::uint64_t bits, std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>(((bits >> 32) * n) >> 32);
  }
  static std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
  std::uint64_t thief_state_;
  bool seeded_;
};

}  // namespace weft::detail
