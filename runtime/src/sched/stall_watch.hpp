#pragma once
// Looks for what stalls, when the program asked for it (runtime_options::stall_limit): goroutines
// that keep their worker, and those that could run and are not run. A part of the monitor; what it
// looks at is there anyway, so nothing is paid where goroutines are switched. [stall]
#include <cstdint>
#include <vector>

namespace weft::detail {

class goroutine;
class scheduler;

class stall_watch {
 public:
  explicit stall_watch(scheduler& s) noexcept : sched_(s) {}

  /// One round of the monitor, while some worker is awake.
  void look(std::int64_t now);
  /// The run ends: what is still to be said is said.
  void finish() noexcept;

 private:
  struct seen {
    std::uint64_t picks = 0;
    std::int64_t since = 0;  // when they were first seen, or blocking() was left
    bool reported = false;
  };

  void look_at_workers(std::int64_t now, bool held_up);
  void look_at_records(std::int64_t now) noexcept;

  scheduler& sched_;
  std::vector<seen> seen_;  // by worker index
  std::int64_t last_ = 0;   // when it looked last
  std::int64_t grace_ = 0;  // waits are counted from here on
  std::int64_t next_records_ = 0;
  std::uint32_t told_ = 0;  // those that are runnable since then or longer were reported
  bool told_any_ = false;
};

}  // namespace weft::detail
