// The gate between a worker's queues and thieves.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "detail/sys.hpp"
#include "sched/deque.hpp"
#include "sched/ring.hpp"
#include "sched/thief_gate.hpp"
#include "support/fixture.hpp"

namespace {

using weft::detail::thief_gate;

bool is_open(thief_gate& gate) { return static_cast<bool>(thief_gate::section(gate)); }
void one_visit(thief_gate& gate) { static_cast<void>(gate.receive()); }

#if WEFT_SOLO

class ThiefGate : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!weft::detail::sys.prepare_barrier()) {
      GTEST_SKIP() << "no membarrier(2) here";
    }
  }
  thief_gate gate{thief_gate::may_open::yes};
};

TEST_F(ThiefGate, IsOpenUntilAThiefComes) {
  EXPECT_TRUE(is_open(gate));
  EXPECT_TRUE(is_open(gate));
  one_visit(gate);
  EXPECT_FALSE(is_open(gate));
}

TEST_F(ThiefGate, StaysOpenWhenNobodyHasCome) {
  gate.open_if_quiet(1);
  gate.open_if_quiet(1);
  EXPECT_TRUE(is_open(gate));
}

TEST_F(ThiefGate, IsOpenedWhenNobodyHasComeSinceTheLastCall) {
  one_visit(gate);
  gate.open_if_quiet(1);
  EXPECT_FALSE(is_open(gate));
  one_visit(gate);
  gate.open_if_quiet(1);
  EXPECT_FALSE(is_open(gate));
  gate.open_if_quiet(1);
  EXPECT_TRUE(is_open(gate));
  one_visit(gate);
  EXPECT_FALSE(is_open(gate));
}

TEST_F(ThiefGate, WaitsForMoreCallsWhereMoreThreadsWouldBeInterrupted) {
  one_visit(gate);
  for (int i = 0; i < 3; ++i) {
    gate.open_if_quiet(3);
    EXPECT_FALSE(is_open(gate));
  }
  gate.open_if_quiet(3);
  EXPECT_TRUE(is_open(gate));
}

// The first visit since the gate was opened looks like the first one ever.
TEST_F(ThiefGate, WaitsAsLongAfterEachOpening) {
  for (int times = 0; times < 3; ++times) {
    one_visit(gate);
    gate.open_if_quiet(2);
    gate.open_if_quiet(2);
    EXPECT_FALSE(is_open(gate));
    gate.open_if_quiet(2);
    EXPECT_TRUE(is_open(gate));
  }
}

TEST_F(ThiefGate, TurnsAThiefAwayWhileTheOwnerIsInASection) {
  {
    const thief_gate::section alone(gate);
    ASSERT_TRUE(alone);
    EXPECT_FALSE(gate.receive());
    EXPECT_FALSE(gate.receive());
  }
  EXPECT_FALSE(is_open(gate));
  EXPECT_TRUE(gate.receive());
  gate.open_if_quiet(1);
  gate.open_if_quiet(1);
  EXPECT_TRUE(is_open(gate));
}

TEST_F(ThiefGate, IsNotOpenedWhileAThiefIsInside) {
  {
    const auto visit = gate.receive();
    EXPECT_TRUE(visit);
    EXPECT_TRUE(gate.receive());
    for (int i = 0; i < 5; ++i) {
      gate.open_if_quiet(1);
    }
    EXPECT_FALSE(is_open(gate));
  }
  gate.open_if_quiet(1);
  gate.open_if_quiet(1);
  EXPECT_TRUE(is_open(gate));
}

#endif

TEST(ThiefGateThatMayNotOpen, StaysClosed) {
  thief_gate gate(thief_gate::may_open::no);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(is_open(gate));
    gate.open_if_quiet(1);
  }
  one_visit(gate);
  gate.open_if_quiet(1);
  gate.open_if_quiet(1);
  EXPECT_FALSE(is_open(gate));
}

// ---- with threads ----

using item = std::atomic<std::uint32_t>;  // how often it was taken

struct queues {
  const bool may_open = weft::detail::sys.prepare_barrier();
  thief_gate gate{may_open ? thief_gate::may_open::yes : thief_gate::may_open::no};
  weft::detail::deque<item, 4> fresh;
  weft::detail::ring<item, 4> ready;

  std::size_t sections = 0;  // in which the owner was alone

  item* take_fresh() {
    const thief_gate::section alone(gate);
    sections += static_cast<std::size_t>(static_cast<bool>(alone));
    return alone ? fresh.pop_alone() : fresh.pop();
  }
  item* take_ready() {
    const thief_gate::section alone(gate);
    return alone ? ready.pop_alone() : ready.pop();
  }
  item* steal_ready() {
    item* got = nullptr;
    return ready.steal(&got, 1) != 0 ? got : nullptr;
  }
};

void note(item* taken) {
  if (taken != nullptr) {
    taken->fetch_add(1, std::memory_order_relaxed);
  }
}

// [gate] The owner opens the gate as soon as it can, and the thief comes again when it must have:
// so each visit is a first one. They fight for one item at a time.
TEST(ThiefGateStress, EachItemIsTakenOnceByOwnerOrThief) {
  const auto visits = static_cast<int>(10'000 * weft::testing::scale());
  std::vector<item> items(std::size_t{1} << 22);
  queues q;
  std::atomic<std::size_t> rounds{0};
  std::atomic<bool> over{false};
  int received = 0;
  std::thread thief([&] {
    for (int i = 0; i < visits; ++i) {
      const std::size_t now = rounds.load(std::memory_order_relaxed);
      while (rounds.load(std::memory_order_relaxed) < now + 3) {
        std::this_thread::yield();
      }
      if (const auto visit = q.gate.receive()) {
        ++received;
        note(q.steal_ready());
        note(q.fresh.steal());
      }
    }
    over.store(true, std::memory_order_relaxed);
  });
  std::size_t n = 0;
  while (!over.load(std::memory_order_relaxed)) {
    item* both = &items[2 * n % items.size()];
    q.ready.push(both);
    q.fresh.push(both + 1);
    note(q.take_ready());
    note(q.take_fresh());
    q.gate.open_if_quiet(1);
    q.gate.open_if_quiet(1);
    rounds.store(++n, std::memory_order_relaxed);
    if (n % 256 == 0) {
      std::this_thread::yield();  // there may be one processor only
    }
  }
  thief.join();
  EXPECT_EQ(q.fresh.size() + q.ready.size(), 0u);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t pushed = n / (items.size() / 2) + (i / 2 < n % (items.size() / 2));
    wrong += items[i].load(std::memory_order_relaxed) != pushed;
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(received, visits / 10);
  if (WEFT_SOLO && q.may_open) {
    EXPECT_GT(q.sections, static_cast<std::size_t>(visits));
  }
}

}  // namespace
