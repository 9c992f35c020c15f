// [gate]: the owner takes with plain instructions until a thief comes, and again when it is gone.
#include <array>
#include <memory>
#include <ostream>
#include <string>

#include "detail/sys.hpp"
#include "model_test.hpp"
#include "sched/deque.hpp"
#include "sched/ring.hpp"
#include "sched/thief_gate.hpp"
#include "time/clock.hpp"
#include "weak_order.hpp"

namespace {

using namespace weft::model;
namespace detail = weft::detail;
using threads = std::vector<std::function<void()>>;
using gate = detail::thief_gate;

std::int64_t now = 0;

// A worker's queues, each with the ways to take from it that the owner has.
struct queues {
  gate door{gate::may_open::yes};
  detail::deque<int, 4> fresh;
  detail::ring<int, 4> ready;
  detail::atomic<int*> next{nullptr};
  std::array<int, 3> cells{};
  std::array<int, 3> taken{};

  void note(int* cell) {
    if (cell != nullptr) {
      ++taken[static_cast<std::size_t>(cell - cells.data())];
    }
  }
  void own_fresh() {
    const gate::section alone(door);
    note(alone ? fresh.pop_alone() : fresh.pop());
  }
  void own_oldest() {
    const gate::section alone(door);
    note(alone ? fresh.steal_alone() : fresh.steal());
  }
  void own_ready() {
    const gate::section alone(door);
    note(alone ? ready.pop_alone() : ready.pop());
  }
  // As worker::take_next() and push_next().
  void own_next() {
    const gate::section alone(door);
    if (!alone) {
      note(next.exchange(nullptr, detail::acq_rel));
      return;
    }
    note(next.load(detail::relaxed));
    next.store(nullptr, detail::relaxed);
  }
  void replace_next(int* cell) { note(next.exchange(cell, detail::acq_rel)); }

  void steal_fresh() {
    if (const auto visit = door.receive()) {
      note(fresh.steal());
    }
  }
  void steal_ready() {
    if (const auto visit = door.receive()) {
      int* got[4];
      const std::size_t n = ready.steal(got, 4);
      for (std::size_t i = 0; i < n; ++i) {
        note(got[i]);
      }
    }
  }
  void steal_next() {
    if (const auto visit = door.receive()) {
      int* cell = next.load(detail::relaxed);
      if (cell != nullptr &&
          next.compare_exchange(cell, nullptr, detail::acq_rel, detail::relaxed)) {
        note(cell);
      }
    }
  }
  void expect_each_once(std::size_t n) {
    while (int* left = fresh.pop()) {
      note(left);
    }
    while (int* left = ready.pop()) {
      note(left);
    }
    note(next.exchange(nullptr, detail::relaxed));
    for (std::size_t i = 0; i < n; ++i) {
      require(taken[i] == 1, "an item was lost or taken twice");
    }
  }
};

std::shared_ptr<queues> begin(std::size_t fresh, std::size_t ready) {
  auto s = std::make_shared<queues>();
  detail::sys.barrier_everywhere = [] { barrier_everywhere(); };
  detail::clock.now = [] { return now += 10'000; };  // no thief waits
  for (std::size_t i = 0; i < fresh; ++i) {
    s->fresh.push(&s->cells[i]);
  }
  for (std::size_t i = fresh; i < fresh + ready; ++i) {
    s->ready.push(&s->cells[i]);
  }
  at_end([s, n = fresh + ready] { s->expect_each_once(n); });
  return s;
}

threads a_thief_comes_for_the_last() {
  auto s = begin(1, 0);
  return {[s] { s->own_fresh(); }, [s] { s->steal_fresh(); }};
}

threads a_thief_comes() {
  auto s = begin(2, 0);
  return {[s] {
            s->own_fresh();
            s->own_fresh();
          },
          [s] {
            s->steal_fresh();
            s->steal_fresh();
          }};
}

threads owner_and_thief_want_the_oldest() {
  auto s = begin(2, 0);
  return {[s] {
            s->own_oldest();
            s->own_fresh();
          },
          [s] {
            s->steal_fresh();
            s->steal_fresh();
          }};
}

threads a_thief_takes_what_waits_its_turn() {
  auto s = begin(0, 3);
  return {[s] {
            s->own_ready();
            s->own_ready();
          },
          [s] { s->steal_ready(); }};
}

threads a_thief_takes_what_was_made_ready_last() {
  auto s = begin(0, 0);
  s->next.store(&s->cells[0], detail::relaxed);
  at_end([s] { s->expect_each_once(3); });
  return {[s] {
            s->replace_next(&s->cells[1]);
            s->own_next();
            s->replace_next(&s->cells[2]);
          },
          [s] {
            s->steal_next();
            s->steal_next();
          }};
}

threads two_thieves_come() {
  auto s = begin(1, 2);
  return {[s] {
            s->own_ready();
            s->own_fresh();
          },
          [s] { s->steal_fresh(); }, [s] { s->steal_ready(); }};
}

// The owner asks twice: the first call sees the visit, the second opens.
threads the_gate_is_opened_again() {
  auto s = begin(1, 2);
  return {[s] {
            s->door.open_if_quiet(1);
            s->door.open_if_quiet(1);
            s->own_fresh();
            s->own_ready();
          },
          [s] {
            s->steal_fresh();
            s->steal_ready();
          }};
}

TEST(GateModel, AThiefComesForTheLastInWeakMemory) {
  expect_holds(a_thief_comes_for_the_last, {.preemptions = 3, .stale = 1});
}
TEST(GateModel, AThiefComes) { expect_holds(a_thief_comes, {.preemptions = 4}); }
TEST(GateModel, AThiefComesInWeakMemory) {
  expect_holds(a_thief_comes, {.preemptions = 3, .stale = 1});
}
TEST(GateModel, AThiefTakesWhatWaitsItsTurn) {
  expect_holds(a_thief_takes_what_waits_its_turn, {.preemptions = 4});
}
TEST(GateModel, AThiefTakesWhatWaitsItsTurnInWeakMemory) {
  expect_holds(a_thief_takes_what_waits_its_turn, {.preemptions = 3, .stale = 1});
}
TEST(GateModel, OwnerAndThiefWantTheOldest) {
  expect_holds(owner_and_thief_want_the_oldest, {.preemptions = 4});
}
TEST(GateModel, OwnerAndThiefWantTheOldestInWeakMemory) {
  expect_holds(owner_and_thief_want_the_oldest, {.preemptions = 3, .stale = 1});
}
TEST(GateModel, AThiefTakesWhatWasMadeReadyLast) {
  expect_holds(a_thief_takes_what_was_made_ready_last, {.preemptions = 4});
}
TEST(GateModel, AThiefTakesWhatWasMadeReadyLastInWeakMemory) {
  expect_holds(a_thief_takes_what_was_made_ready_last, {.preemptions = 3, .stale = 1});
}
TEST(GateModel, TwoThievesCome) { expect_holds(two_thieves_come, {.preemptions = 3}); }
TEST(GateModel, TwoThievesComeInWeakMemory) {
  expect_holds(two_thieves_come, {.preemptions = 2, .stale = 1});
}
TEST(GateModel, TheGateIsOpenedAgain) {
  expect_holds(the_gate_is_opened_again, {.preemptions = 3});
}
TEST(GateModel, TheGateIsOpenedAgainInWeakMemory) {
  expect_holds(the_gate_is_opened_again, {.preemptions = 3, .stale = 1});
}

// ---- what is wrong is found ----

struct mutation {
  const char* name;
  threads (*scenario)();
  options how;
};

void PrintTo(const mutation& m, std::ostream* out) { *out << m.name; }

const mutation mutations[] = {
    {"GateThiefComesWithoutBarrier", a_thief_comes_for_the_last, {.preemptions = 2, .stale = 1}},
    {"GateThiefDoesNotWait", a_thief_takes_what_waits_its_turn, {.preemptions = 2}},
    {"GateThiefTrustsWhoIsInside", two_thieves_come, {.preemptions = 3, .stale = 1}},
    {"GateOpensWithAThiefInside", the_gate_is_opened_again, {.preemptions = 3}},
};

class GateMutations : public ::testing::TestWithParam<mutation> {};

TEST_P(GateMutations, AreFound) {
  const mutation& m = GetParam();
  expect_killed(m.name, m.scenario, m.how);
}

INSTANTIATE_TEST_SUITE_P(Each, GateMutations, ::testing::ValuesIn(mutations),
                         [](const auto& p) { return std::string(p.param.name); });

constexpr const char* gate_head = "runtime/src/sched/thief_gate.hpp";
constexpr const char* solo_source = "runtime/src/sched/solo.cpp";
constexpr auto relaxed = std::memory_order_relaxed;

const weak_order orders[] = {
    {"GateSectionPublishesAtItsEnd", gate_head,
     "busy_.store(0, release);  // [gate.2] release: what", relaxed, a_thief_comes_for_the_last},
    {"GateThiefSeesWhatSectionsDid", solo_source, "busy.load(acquire) != 0", relaxed,
     a_thief_comes_for_the_last},
    {"GateThiefPublishesWhatItTook", gate_head, "state_.fetch_sub(inside_one, release)", relaxed,
     the_gate_is_opened_again},
    {"GateOwnerSeesWhatThievesTook", gate_head, "state_.compare_exchange(now, 0, acquire", relaxed,
     the_gate_is_opened_again},
};

class GateOrders : public ::testing::TestWithParam<weak_order> {};

TEST_P(GateOrders, AreNeeded) { expect_needed(GetParam(), {.preemptions = 3, .stale = 1}); }

INSTANTIATE_TEST_SUITE_P(Memory, GateOrders, ::testing::ValuesIn(orders),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
