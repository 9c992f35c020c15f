// What the runtime asks of its process, and what it says, in the models of a run.
#include <weft/debug.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/check.hpp>
#include <weft/detail/solo.hpp>

#include <string>

#include "debug/ask.hpp"
#include "debug/backtrace.hpp"
#include "debug/crash.hpp"
#include "debug/describe.hpp"
#include "debug/dump.hpp"
#include "debug/lost_wait.hpp"
#include "debug/quit.hpp"
#include "debug/stall.hpp"
#include "explore.hpp"
#include "run_stand_in.hpp"
#include "sched/process.hpp"

namespace weft::detail {

// ---- solo: off in all models but its own ----

#if !WEFT_SOLO
constinit solo_state solo{};
void solo_claim(const void*) noexcept {}
void solo_meet() noexcept {}
void solo_revoke() noexcept {}
bool has_left_section(const atomic<std::uint32_t>&) noexcept { return true; }
void solo_forbid() noexcept {}
bool solo_forbidden() noexcept { return true; }
solo_exempt::solo_exempt() noexcept = default;
solo_exempt::~solo_exempt() = default;
void biased_lock::lock_shared() noexcept { lock_.lock(); }
#endif

// ---- the process ----

void watch_process() noexcept {}
void unwatch_process() noexcept {}
void stop_workers_at_exit() noexcept {}
void worker_thread_over() noexcept {}
bool beyond_runtime() noexcept { return false; }
void check_worker_may_end() noexcept {}
void check_thread_may_wait() noexcept {}
void refuse_after_fork(const char*) noexcept {}

// ---- reports ----

void install_crash_handlers() noexcept {}
crash_stack::crash_stack() noexcept : memory_(nullptr), bytes_(0) {}
crash_stack::~crash_stack() = default;
void await_crash_report() noexcept {}
void let_thread_be_asked() noexcept {}
void install_quit_handler(sigquit_action) noexcept {}
void remove_quit_handler() noexcept {}
bool quit_requested() noexcept { return false; }
void answer_quit(scheduler*) noexcept {}
void set_traceback(traceback) noexcept {}
bool report_hog(const worker&, std::int64_t) noexcept { return true; }
void report_starved(const goroutine&, std::size_t, std::int64_t) noexcept {}
void note_late_timer(const goroutine*, std::int64_t) noexcept {}
void report_late_timers() noexcept {}
void report_lock_cycle(const lock_edge*, std::size_t) noexcept {}

bool can_trace_parked() noexcept { return true; }
void trace_parked(const void* sp, frame_list&) noexcept {
  if (model::run_world.walk) {
    model::run_world.walk(sp);
  }
}
void describe_wait(wait_reason, const void*, wait_description&) noexcept {}

void fatal_misuse(const char* what) noexcept {
  model::require(false, what);
  __builtin_unreachable();
}
void fatal_goroutine(const goroutine*, const char* what) noexcept { fatal_misuse(what); }
void check_failed(const char*, const char*, int, const char* what) noexcept { fatal_misuse(what); }
std::string current_exception_text() { return {}; }
void deadlock_exit(scheduler*, std::int64_t) noexcept { fatal_misuse("a deadlock was reported"); }

}  // namespace weft::detail

namespace weft {
std::string dump_goroutines(dump_format) { return {}; }
}  // namespace weft
