// Every line of the scheduler that mutate.py makes wrong is missed by a scenario.
#include <ostream>
#include <string>

#include "model_test.hpp"
#include "run_scenarios.hpp"

namespace {

using namespace weft::model;

struct mutation {
  const char* name;
  threads (*scenario)();
  int preemptions = 2;
};

void PrintTo(const mutation& m, std::ostream* out) { *out << m.name; }

constexpr auto sleeper = a_submission_meets_a_worker_that_goes_to_sleep;
constexpr auto visitor = a_visitor_meets_a_goroutine_that_goes_on;
constexpr auto spare = a_wake_meets_a_thread_that_is_of_no_use;

const mutation mutations[] = {
    {"IdleSleepWithoutSecondLook", sleeper},
    {"IdleWakeWordIsResetLate", sleeper},
    {"IdleWhoLeavesStaysASleeper", two_submitters_and_two_places},
    {"IdleSearchIsKeptInSleep", sleeper},
    {"IdlePlaceIsKeptInSleep", sleeper},
    {"IdleSubmitterLooksFirst", sleeper},
    {"IdleStuckWorkerKeepsItsQueues", what_waits_at_a_stuck_worker_is_rescued},
    {"StopSleepWithoutLook", the_end_meets_a_worker_that_goes_to_sleep},
    {"StopSleepersAreNotWoken", the_end_meets_a_worker_that_goes_to_sleep},
    {"StopThreadStartsAfterIt", the_end_meets_a_foreign_spawn},
    {"StopUsersAreNotAwaited", the_end_meets_a_foreign_spawn},
    {"StopUserIsCountedLate", the_end_meets_a_foreign_spawn},
    {"ExitDoesNotWaitForWorkers", exit_meets_a_goroutine_that_goes_on},
    {"ExitDoesNotWaitForWorkersThatTheEndStops", exit_meets_the_end_of_the_run},
    {"ExitOneOfTwoWhoWaitForWorkersIsWoken", exit_meets_the_end_of_the_run},
    {"ExitAndTheEndBothStopWorkers", exit_meets_the_end_of_the_run},
    {"DrainLastGoroutineTellsNobody", a_waiter_meets_the_end_of_the_last_goroutine},
    {"DrainOneOfTwoWaitersIsTold", two_waiters},
    {"DrainWaiterSleepsOnWhatIsNew", a_waiter_meets_the_end_of_the_last_goroutine},
    {"RetireOfAWokenThread", spare},
    {"RetireStaysASleeper", spare},
    {"RetireOldThreadIsNotJoined", a_dormant_worker_gets_a_new_thread, 1},
    {"VisitRunnerIsNotLookedFor", visitor},
    {"VisitStackIsEntered", visitor},
    {"VisitStackCountsAsLeftTooEarly", visitor},
    {"MonitorSleepsWithoutSecondLook", a_wake_meets_a_monitor_that_goes_to_sleep, 1},
    {"MonitorIsNotNudged", a_wake_meets_a_monitor_that_goes_to_sleep, 1},
    {"TimerMonitorDoesNotLookAgain", a_timer_meets_a_monitor_that_goes_to_sleep, 1},
    {"TimerMonitorIsNotTold", a_timer_meets_a_monitor_that_goes_to_sleep, 1},
    {"OutsideWokenThreadCountsAsBlocked", the_last_thread_outside_wakes_another},
    {"OutsideReportAfterOneLook", the_last_thread_outside_wakes_another},
    {"AttentionIsNotPaidByAPick", the_end_meets_goroutines_that_yield},
    {"NextIsLeftToItsOwner", what_was_made_ready_last_is_stolen_from_one_that_goes_on, 1},
    {"PinnedTurnIsNotHandedOver", a_pinned_goroutine_is_picked_by_another_worker, 1},
    {"PinnedPlaceIsPassedToWhoHasOne", a_pinned_goroutine_is_picked_while_its_thread_has_a_place,
     1},
    {"PinnedTurnIsNotTakenBack", a_pinned_goroutine_has_two_turns, 0},
};

class RunMutations : public ::testing::TestWithParam<mutation> {};

TEST_P(RunMutations, AreFound) {
  const mutation& m = GetParam();
  expect_killed(m.name, m.scenario, {.preemptions = m.preemptions});
}

INSTANTIATE_TEST_SUITE_P(Each, RunMutations, ::testing::ValuesIn(mutations),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
