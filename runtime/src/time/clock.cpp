#include "time/clock.hpp"

#include <ctime>

namespace weft::detail {
namespace {

std::int64_t monotonic_now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

clock_source clock = {monotonic_now};

std::int64_t real_now() noexcept { return monotonic_now(); }

// Written by the monitor, or by whoever wakes it. Read by everybody: a word that changes 30
// times a second stays in every cache.
constinit atomic<std::uint32_t> coarse_now{0};

void note_time(std::int64_t now) noexcept {
  const auto tick = static_cast<std::uint32_t>(now >> coarse_shift);
  if (coarse_now.load(relaxed) != tick) {  // relaxed: for dumps
    coarse_now.store(tick, relaxed);       // relaxed: for dumps
  }
}

}  // namespace weft::detail
