#include "support/idle.hpp"

#include "sched/arena.hpp"
#include "sched/scheduler.hpp"
#include "stack/race.hpp"

namespace weft::testing {

using namespace detail;

std::size_t parked_goroutines(std::string_view reason) {
  const race::runtime_code in;
  std::size_t n = 0;
  arena::for_each_record([&](const goroutine& g) {
    // relaxed: the test asks again until it sees what it waits for.
    if (g.kind.load(relaxed) != goroutine_kind::abandoned &&
        g.state.load(relaxed) == goroutine_state::parked &&
        (reason.empty() || reason == to_string(g.reason.load(relaxed)))) {  // relaxed: same
      ++n;
    }
  });
  race::acquire_from_parked();
  return n;
}

void wait_until_parked(std::size_t n, std::string_view reason) {
  while (parked_goroutines(reason) < n) {
    yield();
  }
}

void wait_until_parked_or_over(std::size_t n, std::string_view reason,
                               const std::atomic<std::size_t>& over) {
  while (parked_goroutines(reason) + over < n) {
    yield();
  }
}

void wait_until_goroutines(std::size_t n) {
  while (num_goroutines() != n) {
    yield();
  }
}

std::size_t carved_stacks() {
  const race::runtime_code in;
  scheduler::in_use s;
  return s ? s->memory.stacks().carved() : 0;
}

}  // namespace weft::testing
