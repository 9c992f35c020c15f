#pragma once
// Who runs next in a simulated run, and where a running goroutine is made to wait for others: two
// ways to search for a schedule that breaks a program. All of it follows from one seed.
//
//   random  after a step of the running goroutine another one goes on with a probability that is
//           drawn once per run, from 1/2 to 1/32; which one is uniform. Finds what many schedules
//           break.
//   pct     each goroutine gets a random priority, the highest runs; at a few random steps the
//           running one falls below all others. A bug that needs d - 1 such changes is found with
//           probability 1/(n * k^(d-1)) at least, n goroutines and k steps (Burckhardt et al.
//           2010).
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sched/policy.hpp"

namespace weft::detail {

class strategy {
 public:
  explicit strategy(std::uint64_t seed);

  /// One of `ids`, by its index. Not empty.
  std::size_t choose(const std::vector<std::uint64_t>& ids);
  /// After a step of `running`: is one of `others`, which are not none, to go on instead?
  bool preempts(std::uint64_t running, const std::vector<std::uint64_t>& others);
  /// `id` cannot get any further for now, although it could run: others go first.
  void step_back(std::uint64_t id);

 private:
  enum class kind { random, pct };
  std::int64_t priority(std::uint64_t id);

  policy draw_;
  kind kind_;
  // random
  std::uint32_t one_in_ = 2;
  // pct
  std::unordered_map<std::uint64_t, std::int64_t> priorities_;  // by goroutine
  std::vector<std::uint64_t> change_at_;                        // steps, ascending
  std::size_t next_change_ = 0;
  std::uint64_t steps_ = 0;
  std::int64_t lowest_ = 0;  // given last to one that fell; each falls lower than the one before
};

}  // namespace weft::detail
