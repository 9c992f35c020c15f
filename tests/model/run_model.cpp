// Whole runs: the scheduler's own sources, from the first spawn to the end of the last thread.
#include "model_test.hpp"
#include "run_scenarios.hpp"

namespace {

using weft::model::expect_holds;

TEST(IdleRunModel, ASubmissionMeetsAWorkerThatGoesToSleep) {
  expect_holds(weft::model::a_submission_meets_a_worker_that_goes_to_sleep, {.preemptions = 3});
}
TEST(IdleRunModel, TwoSubmittersAndTwoPlaces) {
  expect_holds(weft::model::two_submitters_and_two_places, {.preemptions = 1});
}
TEST(StopRunModel, TheEndMeetsAWorkerThatGoesToSleep) {
  expect_holds(weft::model::the_end_meets_a_worker_that_goes_to_sleep, {.preemptions = 3});
}
TEST(StopRunModel, TheEndMeetsAForeignSpawn) {
  expect_holds(weft::model::the_end_meets_a_foreign_spawn, {.preemptions = 3});
}
TEST(StopRunModel, TheEndMeetsAWake) {
  expect_holds(weft::model::the_end_meets_a_wake, {.preemptions = 2});
}
TEST(AttentionRunModel, TheEndMeetsGoroutinesThatYield) {
  expect_holds(weft::model::the_end_meets_goroutines_that_yield, {.preemptions = 2});
}
TEST(ExitRunModel, ExitMeetsTheEndOfTheRun) {
  expect_holds(weft::model::exit_meets_the_end_of_the_run, {.preemptions = 1});
}
TEST(ExitRunModel, ExitMeetsAGoroutineThatGoesOn) {
  expect_holds(weft::model::exit_meets_a_goroutine_that_goes_on, {.preemptions = 2});
}
TEST(DrainRunModel, AWaiterMeetsTheEndOfTheLastGoroutine) {
  expect_holds(weft::model::a_waiter_meets_the_end_of_the_last_goroutine, {.preemptions = 3});
}
TEST(DrainRunModel, TwoWaiters) { expect_holds(weft::model::two_waiters, {.preemptions = 2}); }
TEST(RetireRunModel, AWakeMeetsAThreadThatIsOfNoUse) {
  expect_holds(weft::model::a_wake_meets_a_thread_that_is_of_no_use, {.preemptions = 1});
}
TEST(RetireRunModel, ADormantWorkerGetsANewThread) {
  expect_holds(weft::model::a_dormant_worker_gets_a_new_thread, {.preemptions = 1});
}
TEST(NextRunModel, WhatWasMadeReadyLastIsStolenFromOneThatGoesOn) {
  expect_holds(weft::model::what_was_made_ready_last_is_stolen_from_one_that_goes_on,
               {.preemptions = 1});
}
TEST(IdleRunModel, WhatWaitsAtAStuckWorkerIsRescued) {
  expect_holds(weft::model::what_waits_at_a_stuck_worker_is_rescued, {.preemptions = 1});
}
TEST(PinnedRunModel, APinnedGoroutineIsPickedByAnotherWorker) {
  expect_holds(weft::model::a_pinned_goroutine_is_picked_by_another_worker, {.preemptions = 1});
}
TEST(PinnedRunModel, APinnedGoroutineIsPickedWhileItsThreadHasAPlace) {
  expect_holds(weft::model::a_pinned_goroutine_is_picked_while_its_thread_has_a_place,
               {.preemptions = 1});
}
TEST(PinnedRunModel, APinnedGoroutineHasTwoTurns) {
  expect_holds(weft::model::a_pinned_goroutine_has_two_turns, {.preemptions = 0});
}
TEST(IdleRunModel, TheMonitorRescuesWhileTheOwnerComesBack) {
  expect_holds(weft::model::the_monitor_rescues_while_the_owner_comes_back, {.preemptions = 1});
}
TEST(MonitorRunModel, AWakeMeetsAMonitorThatGoesToSleep) {
  expect_holds(weft::model::a_wake_meets_a_monitor_that_goes_to_sleep, {.preemptions = 1});
}
TEST(TimerRunModel, ATimerMeetsAMonitorThatGoesToSleep) {
  expect_holds(weft::model::a_timer_meets_a_monitor_that_goes_to_sleep, {.preemptions = 1});
}
TEST(OutsideRunModel, TheLastThreadOutsideWakesAnother) {
  expect_holds(weft::model::the_last_thread_outside_wakes_another, {.preemptions = 1});
}
TEST(OutsideRunModel, NobodyCanGoOn) {
  const auto o = weft::model::explore(weft::model::nobody_can_go_on, {.preemptions = 1});
  EXPECT_EQ(o.failure, "a deadlock was reported");
}
TEST(VisitRunModel, AVisitorMeetsAGoroutineThatGoesOn) {
  expect_holds(weft::model::a_visitor_meets_a_goroutine_that_goes_on, {.preemptions = 1});
}

// ---- loads may return what is old ----

constexpr weft::model::options weak{.preemptions = 1, .stale = 1};

TEST(IdleRunModel, ASubmissionMeetsAWorkerThatGoesToSleepInWeakMemory) {
  expect_holds(weft::model::a_submission_meets_a_worker_that_goes_to_sleep,
               {.preemptions = 2, .stale = 1});
}
TEST(IdleRunModel, TwoSubmittersAndTwoPlacesInWeakMemory) {
  expect_holds(weft::model::two_submitters_and_two_places, weak);
}
TEST(StopRunModel, TheEndMeetsAWorkerThatGoesToSleepInWeakMemory) {
  expect_holds(weft::model::the_end_meets_a_worker_that_goes_to_sleep,
               {.preemptions = 2, .stale = 2});
}
TEST(StopRunModel, TheEndMeetsAForeignSpawnInWeakMemory) {
  expect_holds(weft::model::the_end_meets_a_foreign_spawn, {.preemptions = 2, .stale = 2});
}
TEST(StopRunModel, TheEndMeetsAWakeInWeakMemory) {
  expect_holds(weft::model::the_end_meets_a_wake, weak);
}
TEST(DrainRunModel, AWaiterMeetsTheEndOfTheLastGoroutineInWeakMemory) {
  expect_holds(weft::model::a_waiter_meets_the_end_of_the_last_goroutine,
               {.preemptions = 2, .stale = 2});
}
TEST(DrainRunModel, TwoWaitersInWeakMemory) { expect_holds(weft::model::two_waiters, weak); }
TEST(RetireRunModel, AWakeMeetsAThreadThatIsOfNoUseInWeakMemory) {
  expect_holds(weft::model::a_wake_meets_a_thread_that_is_of_no_use, weak);
}
TEST(PinnedRunModel, APinnedGoroutineIsPickedByAnotherWorkerInWeakMemory) {
  expect_holds(weft::model::a_pinned_goroutine_is_picked_by_another_worker,
               {.preemptions = 0, .stale = 1});
}
TEST(OutsideRunModel, TheLastThreadOutsideWakesAnotherInWeakMemory) {
  expect_holds(weft::model::the_last_thread_outside_wakes_another, weak);
}
TEST(MonitorRunModel, AWakeMeetsAMonitorThatGoesToSleepInWeakMemory) {
  expect_holds(weft::model::a_wake_meets_a_monitor_that_goes_to_sleep,
               {.preemptions = 0, .stale = 1});
}
TEST(VisitRunModel, AVisitorMeetsAGoroutineThatGoesOnInWeakMemory) {
  expect_holds(weft::model::a_visitor_meets_a_goroutine_that_goes_on,
               {.preemptions = 0, .stale = 1});
}

}  // namespace
