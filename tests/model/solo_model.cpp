// [solo]: whole runs in which one thread owns all, until another one comes.
// All of it: what it keeps for ever is put back for each execution.
#include "sched/solo.cpp"

#include <weft/detail/biased_lock.hpp>
#include <weft/detail/ref_count.hpp>

#include <ostream>
#include <string>

#include "run_state.hpp"
#include "weak_order.hpp"

namespace {

using namespace weft::model;
namespace detail = weft::detail;
using threads = std::vector<std::function<void()>>;

// A variable that nothing but the lock orders, and a count.
struct shared_things {
  detail::biased_lock lock;
  detail::atomic<int> n{0};
  detail::ref_count refs;

  void use() {
    refs.add();
    lock.lock();
    n.store(n.load(detail::relaxed) + 1, detail::relaxed);
    lock.unlock();
  }
  void expect_uses(int times) const {
    require(n.load(detail::relaxed) == times, "two were in the lock at once");
    require(refs.get() == static_cast<std::uint32_t>(1 + times), "a count was lost");
  }
};

struct solo_state : state {
  explicit solo_state(int max_procs) : state(max_procs) {}
  shared_things things;
  bool was_owned = false;

  // By a goroutine: its thread is the owner if it may be.
  void own() {
    run.idle.claim_solo(*detail::this_worker(), detail::thread_pointer(), run.worker_count_word());
    was_owned = detail::solo.owner.load(detail::relaxed) == detail::thread_pointer();
  }
};

std::shared_ptr<solo_state> begin_solo(int max_procs) {
  detail::forbidden.store(0, detail::relaxed);
  detail::known = false;
  detail::solo.owner.store(nullptr, detail::relaxed);
  detail::solo.busy.store(0, detail::relaxed);
  auto s = std::make_shared<solo_state>(max_procs);
  at_end([s] {});
  return s;
}

threads a_worker_is_woken_beside_the_owner() {
  auto s = begin_solo(2);
  at_end([s] {
    s->things.expect_uses(2);
    require(s->was_owned, "nobody was the owner: this model shows nothing");
  });
  return {[s] {
    weft::go([s] {
      s->own();
      tell(s->ran[0]);
      s->things.use();
      tell(s->ran[1]);
    });
    await(s->ran[0]);
    weft::go([s] {
      s->things.use();
      tell(s->ran[2]);
    });
    await(s->ran[1]);
    await(s->ran[2]);
    s->end();
  }};
}

// The second worker slept when the first became the owner, if it did.
threads a_sleeper_is_woken_beside_the_owner() {
  auto s = begin_solo(2);
  at_end([s] { s->things.expect_uses(2); });
  return {[s] {
    weft::go([s] {
      tell(s->ran[0]);
      await(s->ran[1]);
      s->own();
      tell(s->ran[2]);
      s->things.use();
    });
    await(s->ran[0]);
    s->spawn(1);  // by a second worker: the first one waits for it
    await(s->ran[2]);
    weft::go([s] {
      s->things.use();
      tell(s->ran[3]);
    });
    await(s->ran[3]);
    s->end();
  }};
}

// The monitor takes a worker's place, finds it alone again, and then takes what waits in its
// queues, while it looks there itself.
threads what_waits_at_who_lost_its_place_is_moved() {
  auto s = begin_solo(1);
  struct counted {
    int times = 0;
  };
  auto c = std::make_shared<counted>();
  return {[s, c] {
    weft::go([s, c] {
      weft::go([s, c] {
        require(++c->times == 1, "a goroutine ran twice");
        tell(s->ran[1]);
      });
      tell(s->ran[0]);
      weft::yield();
      tell(s->ran[2]);
    });
    await(s->ran[0]);
    detail::worker& w = s->run.worker_at(0);
    if (s->run.idle.take_place_away(&w)) {
      w.claim_solo();
      w.attend(detail::worker::attend_stuck);
      w.rescue_queues();
      s->run.wake_one();
    }
    await(s->ran[1]);
    await(s->ran[2]);
    s->end();
  }};
}

// A thief takes the first of two that wait behind one that computes on; then that one lets the
// other run, while the thief looks for more.
threads a_thief_meets_an_owner_that_picks() {
  auto s = begin_solo(2);
  struct counted {
    int times[2] = {0, 0};
  };
  auto c = std::make_shared<counted>();
  return {[s, c] {
    weft::go([s, c] {
      for (int i = 0; i < 2; ++i) {  // the second one wakes the thief
        weft::go([s, c, i] {
          require(++c->times[i] == 1, "a goroutine ran twice");
          tell(s->ran[i]);
        });
      }
      await(s->ran[0]);
      weft::yield();
      tell(s->ran[2]);
    });
    for (int i = 0; i < 3; ++i) {
      await(s->ran[i]);
    }
    s->end();
  }};
}

threads a_foreign_thread_comes() {
  auto s = begin_solo(1);
  at_end([s] {
    s->things.expect_uses(2);
    require(s->was_owned, "nobody was the owner: this model shows nothing");
  });
  return {[s] {
    weft::go([s] {
      s->own();
      tell(s->ran[0]);
      s->things.use();
      tell(s->ran[1]);
    });
    await(s->ran[0]);
    s->things.use();
    await(s->ran[1]);
    s->end();
  }};
}

// A foreign thread has been there: the worker does not become the owner any more.
threads a_foreign_thread_meets_who_wants_to_own() {
  auto s = begin_solo(1);
  at_end([s] { s->things.expect_uses(2); });
  return {[s] {
    weft::go([s] {
      tell(s->ran[0]);
      s->own();
      s->things.use();
      tell(s->ran[1]);
    });
    await(s->ran[0]);
    s->things.use();
    await(s->ran[1]);
    s->end();
  }};
}

// What only the section's end, and the wait for it, orders.
threads a_foreign_thread_looks_at_what_a_section_did() {
  auto s = begin_solo(1);
  struct written {
    detail::atomic<int> value{0};
    bool is_there = false;
  };
  auto w = std::make_shared<written>();
  return {[s, w] {
    weft::go([s, w] {
      s->own();
      tell(s->ran[0]);
      if (detail::solo_section alone; alone) {
        w->value.store(7, detail::relaxed);
        w->is_there = true;
      }
      tell(s->ran[1]);
    });
    await(s->ran[0]);
    detail::solo_meet();
    require(!w->is_there || w->value.load(detail::relaxed) == 7, "what a section did is not seen");
    await(s->ran[1]);
    s->end();
  }};
}

// Between the two looks of one section: what was done meanwhile is seen in it. Without workers,
// each of which would order more than the ownership does.
threads the_ownership_goes_and_comes_back() {
  auto s = begin_solo(1);
  struct written {
    const void* owner = nullptr;
    detail::atomic<int> value{0};
    bool is_there = false;
  };
  auto w = std::make_shared<written>();
  return {[s, w] {
            w->owner = detail::thread_pointer();
            detail::solo_claim(w->owner);
            tell(s->ran[0]);
            if (detail::solo_section alone; alone && w->is_there) {
              require(w->value.load(detail::relaxed) == 7,
                      "what was done before the ownership came back is not seen");
            }
            await(s->ran[1]);
            s->end();
          },
          [s, w] {
            await(s->ran[0]);
            detail::solo_revoke();
            w->value.store(7, detail::relaxed);
            w->is_there = true;
            detail::solo_claim(w->owner);
            tell(s->ran[1]);
          }};
}

TEST(SoloModel, TheOwnershipGoesAndComesBackInWeakMemory) {
  expect_holds(the_ownership_goes_and_comes_back, {.preemptions = 3, .stale = 1});
}
TEST(SoloModel, AWorkerIsWokenBesideTheOwner) {
  expect_holds(a_worker_is_woken_beside_the_owner, {.preemptions = 1});
}
TEST(SoloModel, ASleeperIsWokenBesideTheOwner) {
  expect_holds(a_sleeper_is_woken_beside_the_owner, {.preemptions = 1});
}
TEST(SoloModel, WhatWaitsAtWhoLostItsPlaceIsMoved) {
  expect_holds(what_waits_at_who_lost_its_place_is_moved, {.preemptions = 2});
}
TEST(SoloModel, AThiefMeetsAnOwnerThatPicks) {
  expect_holds(a_thief_meets_an_owner_that_picks, {.preemptions = 1});
}
TEST(SoloModel, ASleeperIsWokenBesideTheOwnerInWeakMemory) {
  expect_holds(a_sleeper_is_woken_beside_the_owner, {.preemptions = 1, .stale = 1});
}
TEST(SoloModel, AForeignThreadComes) { expect_holds(a_foreign_thread_comes, {.preemptions = 2}); }
TEST(SoloModel, AForeignThreadMeetsWhoWantsToOwn) {
  expect_holds(a_foreign_thread_meets_who_wants_to_own, {.preemptions = 2});
}
TEST(SoloModel, AWorkerIsWokenBesideTheOwnerInWeakMemory) {
  expect_holds(a_worker_is_woken_beside_the_owner, {.preemptions = 1, .stale = 1});
}
TEST(SoloModel, AForeignThreadComesInWeakMemory) {
  expect_holds(a_foreign_thread_comes, {.preemptions = 1, .stale = 1});
}
TEST(SoloModel, AForeignThreadMeetsWhoWantsToOwnInWeakMemory) {
  expect_holds(a_foreign_thread_meets_who_wants_to_own, {.preemptions = 1, .stale = 1});
}
TEST(SoloModel, AForeignThreadLooksAtWhatASectionDidInWeakMemory) {
  expect_holds(a_foreign_thread_looks_at_what_a_section_did, {.preemptions = 2, .stale = 1});
}

// ---- what is wrong is found ----

struct mutation {
  const char* name;
  threads (*scenario)();
  options how{.preemptions = 1};
};

void PrintTo(const mutation& m, std::ostream* out) { *out << m.name; }

const mutation mutations[] = {
    {"GateThiefComesUnseen",
     a_thief_meets_an_owner_that_picks,
     {.preemptions = 2, .most_executions = 1'000, .samples = 20'000}},
    {"GateRescueComesUnseen", what_waits_at_who_lost_its_place_is_moved, {.preemptions = 2}},
    {"SoloNewWorkerDoesNotRevoke", a_worker_is_woken_beside_the_owner},
    {"SoloSleeperThatIsWokenDoesNotRevoke", a_sleeper_is_woken_beside_the_owner},
    {"SoloForeignThreadDoesNotRevoke", a_foreign_thread_comes},
    {"SoloRevokeDoesNotWait", a_foreign_thread_comes},
    {"SoloRevokeWithoutBarrier", a_foreign_thread_comes, {.preemptions = 1, .stale = 1}},
};

class SoloMutations : public ::testing::TestWithParam<mutation> {};

TEST_P(SoloMutations, AreFound) {
  const mutation& m = GetParam();
  expect_killed(m.name, m.scenario, m.how);
}

INSTANTIATE_TEST_SUITE_P(Each, SoloMutations, ::testing::ValuesIn(mutations),
                         [](const auto& p) { return std::string(p.param.name); });

constexpr const char* solo_head = "runtime/include/weft/detail/solo.hpp";
constexpr const char* solo_source = "runtime/src/sched/solo.cpp";

const weak_order orders[] = {
    {"SoloSectionPublishesAtItsEnd", solo_head,
     "solo.busy.store(0, release);  // [solo.3] release: what was", std::memory_order_relaxed,
     a_foreign_thread_looks_at_what_a_section_did},
    {"SoloNewcomerSeesWhatSectionsDid", solo_source, "busy.load(acquire) != 0",
     std::memory_order_relaxed, a_foreign_thread_looks_at_what_a_section_did},
    {"SoloSecondLookSeesWhatWasDoneMeanwhile", solo_head, "alone_ = solo.owner.load(acquire) == me",
     std::memory_order_relaxed, the_ownership_goes_and_comes_back},
    {"SoloClaimPublishesWhatWasDoneMeanwhile", solo_source, "solo.owner.store(thread, release)",
     std::memory_order_relaxed, the_ownership_goes_and_comes_back},
};

class SoloOrders : public ::testing::TestWithParam<weak_order> {};

TEST_P(SoloOrders, AreNeeded) { expect_needed(GetParam(), {.preemptions = 2, .stale = 1}); }

INSTANTIATE_TEST_SUITE_P(Memory, SoloOrders, ::testing::ValuesIn(orders),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
