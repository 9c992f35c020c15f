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

}  // namespace weft::detail
