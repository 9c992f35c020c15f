// Orders of the scheduler that are needed, in whole runs: see weak_order.hpp.
#include <weft/detail/ref_count.hpp>

#include <memory>

#include "run_scenarios.hpp"
#include "weak_order.hpp"

namespace {

using namespace weft::model;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;

constexpr const char* idle_head = "runtime/src/sched/idle.hpp";
constexpr const char* idle = "runtime/src/sched/idle.cpp";
constexpr const char* scheduler = "runtime/src/sched/scheduler.cpp";
constexpr const char* drain = "runtime/src/sched/drain.cpp";
constexpr const char* counts = "runtime/src/sched/ref_count.cpp";

// [refs] Who destroys sees what the other did.
threads two_references() {
  struct state {
    weft::detail::ref_count references;
    weft::detail::atomic<int> a{0}, b{0};  // as ordinary variables
  };
  auto s = std::make_shared<state>();
  s->references.add();
  const auto leave = [s](weft::detail::atomic<int>& mine) {
    mine.store(1, weft::detail::relaxed);
    if (s->references.drop()) {
      require(s->a.load(weft::detail::relaxed) + s->b.load(weft::detail::relaxed) == 2,
              "destroyed before what the other did");
    }
  };
  return {[s, leave] { leave(s->a); }, [s, leave] { leave(s->b); }};
}

TEST(RefsModel, TheLastOneSeesWhatTheOtherDid) {
  expect_holds(two_references, {.preemptions = 4, .stale = 2});
}

constexpr auto sleeper = a_submission_meets_a_worker_that_goes_to_sleep;
constexpr auto foreign = the_end_meets_a_foreign_spawn;
constexpr auto waiter = a_waiter_meets_the_end_of_the_last_goroutine;

const weak_order orders[] = {
    {"IdleSubmitterLooksAtWhoIsAwakeAfterItsPush", idle_head, "word_.fetch_add(0, acq_rel)",
     memory_order_acquire, sleeper},
    {"IdleSleeperLooksAtTheQueueAfterItHasSaidSo", idle, "word_.compare_exchange(w, to, acq_rel",
     memory_order_release, sleeper},
    {"StopUserIsCountedBeforeItLooks", scheduler, "users.fetch_add(1, seq_cst)",
     memory_order_relaxed, foreign},
    {"StopUserLooksAfterItIsCounted", scheduler, "scheduler_ = the_scheduler.load(seq_cst)",
     memory_order_acquire, foreign},
    {"StopRetractsBeforeItLooksForUsers", scheduler, "the_scheduler.store(nullptr, seq_cst)",
     memory_order_release, foreign},
    {"StopLooksForUsersAfterItHasRetracted", scheduler, "(int i = 0; users.load(seq_cst) != 0",
     memory_order_acquire, foreign},
    {"DrainWhoTellsPublishesTheEnds", drain, "drained_.fetch_add(1, acq_rel)", memory_order_relaxed,
     waiter},
    {"DrainWhoIsToldSeesTheEnds", drain, "seen = drained_.load(acquire)", memory_order_relaxed,
     waiter},
    {"RefsAreGivenUpAfterWhatWasDone", counts, "count_.fetch_sub(1, release)", memory_order_relaxed,
     two_references},
    {"RefsLastOneSeesWhatTheOthersDid", counts, "count_.load(acquire);  // [refs.2]",
     memory_order_relaxed, two_references},
};

class RunOrders : public ::testing::TestWithParam<weak_order> {};

TEST_P(RunOrders, AreNeeded) { expect_needed(GetParam(), {.preemptions = 1, .stale = 1}); }

INSTANTIATE_TEST_SUITE_P(Memory, RunOrders, ::testing::ValuesIn(orders),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
