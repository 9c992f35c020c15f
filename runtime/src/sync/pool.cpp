#include <weft/pool.hpp>

#include <algorithm>
#include <bit>

#include "sched/cpus.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

// Half of the room is for all, so that objects that one worker puts and another gets find a way. A
// shelf for less than two objects is not worth looking at.
pool_plan plan_pool(std::size_t capacity) noexcept {
  constexpr std::size_t most = 64;
  const auto cpus = static_cast<std::size_t>(affinity_cpus());
  std::size_t shelves = std::min(std::bit_ceil(cpus), most);
  while (shelves > 1 && capacity / (2 * shelves) < 2) {
    shelves /= 2;
  }
  return {shelves, capacity / (2 * shelves)};
}

std::size_t pool_shelf() noexcept {
  worker* w = this_worker();
  return w != nullptr ? w->index() + 1 : 0;  // foreign threads share a shelf
}

}  // namespace weft::detail
