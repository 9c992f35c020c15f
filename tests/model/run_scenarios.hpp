#pragma once
// What happens in a run: scenarios of run_model.cpp, for the models and for the mutations that they
// must find. All on the runtime's real sources: see run_stand_in.hpp.
#include <functional>
#include <vector>

namespace weft::model {

using threads = std::vector<std::function<void()>>;

// [idle]
threads a_submission_meets_a_worker_that_goes_to_sleep();
threads two_submitters_and_two_places();
// [stop]
threads the_end_meets_a_worker_that_goes_to_sleep();
threads the_end_meets_a_foreign_spawn();
threads the_end_meets_a_wake();
// [attention]
threads the_end_meets_goroutines_that_yield();
// [exit]
threads exit_meets_the_end_of_the_run();
threads exit_meets_a_goroutine_that_goes_on();
// [drain]
threads a_waiter_meets_the_end_of_the_last_goroutine();
threads two_waiters();
// [retire]
threads a_wake_meets_a_thread_that_is_of_no_use();
threads a_dormant_worker_gets_a_new_thread();
// [pinned]
threads a_pinned_goroutine_is_picked_by_another_worker();
threads a_pinned_goroutine_has_two_turns();
threads a_pinned_goroutine_is_picked_while_its_thread_has_a_place();
// [next]
threads what_was_made_ready_last_is_stolen_from_one_that_goes_on();
// [idle.6]
threads what_waits_at_a_stuck_worker_is_rescued();
threads the_monitor_rescues_while_the_owner_comes_back();
// [monitor]
threads a_wake_meets_a_monitor_that_goes_to_sleep();
// [timer.6]
threads a_timer_meets_a_monitor_that_goes_to_sleep();
// [outside]
threads the_last_thread_outside_wakes_another();
threads nobody_can_go_on();
// [visit]
threads a_visitor_meets_a_goroutine_that_goes_on();

}  // namespace weft::model
