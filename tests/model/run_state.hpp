#pragma once
// What the scenarios of a run have in common.
#include <weft/detail/park.hpp>
#include <weft/go.hpp>

#include <cstddef>
#include <memory>

#include "explore.hpp"
#include "run_stand_in.hpp"

namespace weft::model {

// What is looked at is not freed before the execution ends.
struct state {
  explicit state(int max_procs, deadlock_action a = deadlock_action::ignore)
      : run(make_run(max_procs, a)) {
    at_end([this] {
      require(timeouts() == 0 || time_may_pass, "who was to be woken went on by the clock only");
    });
  }
  detail::scheduler& run;
  bool time_may_pass = false;
  bool ran[4] = {};
  bool exiting = false;
  detail::goroutine* parked = nullptr;
  int readied = 0;

  // Goroutine i says that it ran.
  void spawn(std::size_t i) {
    go([this, i] { tell(ran[i]); });
  }
  void end() { require(end_run(run) == 0, "goroutines were left that had run"); }
  // The calling goroutine, or thread, parks; tells `told` when it has.
  void park_and_tell(bool& told) {
    parked = detail::self();
    detail::park(
        detail::wait_reason::sleep, [](void* at) noexcept { tell(*static_cast<bool*>(at)); },
        &told);
  }
  // As the monitor does with a worker that is stuck: the one that has the only place.
  void take_place() {
    for (std::uint32_t i = 0; i < run.worker_count(); ++i) {
      detail::worker& w = run.worker_at(i);
      if (run.idle.take_place_away(&w)) {
        w.attend(detail::worker::attend_stuck);
        return;
      }
    }
    require(false, "some worker has a place");
  }
};

inline std::shared_ptr<state> begin(int max_procs, deadlock_action a = deadlock_action::ignore) {
  auto s = std::make_shared<state>(max_procs, a);
  at_end([s] {});  // lives so long
  return s;
}

}  // namespace weft::model
