#include "sched/strategy.hpp"

#include <algorithm>

namespace weft::detail {

strategy::strategy(std::uint64_t seed)
    : draw_(seed != 0 ? seed : 1, 0, 0), kind_(draw_.coin() ? kind::random : kind::pct) {
  if (kind_ == kind::random) {
    one_in_ = 2u << draw_.below(5);
    return;
  }
  // How long the run will be is not known, so its order of magnitude is drawn, too.
  const std::uint32_t length = 16u << draw_.below(9);
  for (std::uint32_t n = draw_.below(4); n > 0; --n) {
    change_at_.push_back(1 + draw_.below(length));
  }
  std::sort(change_at_.begin(), change_at_.end());
}

// Always above those that fell.
std::int64_t strategy::priority(std::uint64_t id) {
  const auto [at, is_new] = priorities_.try_emplace(id, 0);
  if (is_new) {
    at->second = static_cast<std::int64_t>(draw_.bits() >> 2) + 1;
  }
  return at->second;
}

std::size_t strategy::choose(const std::vector<std::uint64_t>& ids) {
  if (kind_ == kind::random) {
    return draw_.below(static_cast<std::uint32_t>(ids.size()));
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    if (priority(ids[i]) > priority(ids[best])) {
      best = i;
    }
  }
  return best;
}

bool strategy::preempts(std::uint64_t running, const std::vector<std::uint64_t>& others) {
  if (kind_ == kind::random) {
    return draw_.below(one_in_) == 0;
  }
  ++steps_;
  while (next_change_ < change_at_.size() && change_at_[next_change_] <= steps_) {
    ++next_change_;
    step_back(running);
  }
  const std::int64_t mine = priority(running);
  return std::any_of(others.begin(), others.end(),
                     [&](std::uint64_t id) { return priority(id) > mine; });
}

void strategy::step_back(std::uint64_t id) {
  if (kind_ == kind::pct) {
    priorities_[id] = --lowest_;
  }
}

}  // namespace weft::detail
