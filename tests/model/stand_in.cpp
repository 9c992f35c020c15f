// What the sources under test need from the scheduler and the system, on model threads.
#include "stand_in.hpp"

#include <weft/detail/biased_lock.hpp>
#include <weft/detail/describe.hpp>
#include <weft/detail/done_signal.hpp>
#include <weft/detail/lost_wait.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/ref_count.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/error.hpp>

#include <algorithm>

#include "debug/crash.hpp"
#include "debug/lost_wait.hpp"
#include "detail/sys.hpp"
#include "explore.hpp"
#include "sched/goroutine.hpp"
#include "time/clock.hpp"

namespace weft::model {

std::int64_t time = 0;
detail::impatience patience = detail::impatience::by_clock;
int reports[most_threads] = {};

}  // namespace weft::model

namespace weft::detail {
namespace {

goroutine records[model::most_threads];
bool made_ready[model::most_threads];

}  // namespace

goroutine* self() { return &records[model::current()]; }

// The commit runs at once, as for a foreign thread: from then on ready() may come first.
void park(wait_cause, park_commit commit, void* arg) noexcept {
  const std::size_t me = model::current();
  made_ready[me] = false;
  commit(arg);
  if (!made_ready[me]) {
    model::block(&records[me]);
  }
  model::adopt(&records[me]);
}

void ready(goroutine* g) noexcept {
  model_step();
  model::publish(g);  // a run queue orders that
  made_ready[g - records] = true;
  model::unblock(g, 1);
}

void set_wait_describer(wait_reason, wait_describer) noexcept {}

void ready_in_turn(goroutine* g) noexcept { ready(g); }

void ready_chain(waiter* first) noexcept {
  while (first != nullptr) {
    waiter* w = first;
    first = w->next;
    ready(w->who);
  }
}

// A deadline comes as soon as nobody else is chosen to run: never before the wait has begun.
std::uint32_t park_limited(wait_cause, std::uint64_t ticket, const wait_limit& limit,
                           park_commit commit, void* arg, std::uint32_t timeout_index) noexcept {
  const std::size_t me = model::current();
  goroutine* g = &records[me];
  made_ready[me] = false;
  waiter canceled;
  canceled.who = g;
  canceled.ticket = ticket;
  canceled.index = claim_canceled;
  if (limit.cancel != nullptr) {
    limit.cancel->join(&canceled);
  }
  commit(arg);
  std::uint64_t open = ticket;
  const bool timed_out =
      limit.deadline != never &&
      g->claim.compare_exchange(open, ticket + 1 + timeout_index, acq_rel, relaxed);
  if (timed_out) {
    model::time = std::max(model::time, limit.deadline);
  } else {
    if (!made_ready[me]) {
      model::block(g);
    }
    model::adopt(g);
  }
  const std::uint32_t won = claimed_index(g);
  if (limit.cancel != nullptr && won != claim_canceled) {
    limit.cancel->leave(&canceled);
  }
  return won;
}

std::int64_t now_ns() noexcept { return clock.now(); }

void unlock_commit(void* lock) noexcept { static_cast<biased_lock*>(lock)->unlock(); }
std::uint64_t random_bits() noexcept { return 0; }
impatience draw_impatience() noexcept { return model::patience; }

constinit solo_state solo{};
void solo_claim(const void*) noexcept {}
void solo_revoke() noexcept {}
void solo_meet() noexcept {}
void ref_count::add_shared() noexcept { count_.fetch_add(1, relaxed); }
bool ref_count::drop_shared() noexcept { return count_.fetch_sub(1, acq_rel) == 1; }
bool ref_count::try_add_shared() noexcept {
  std::uint32_t seen = count_.load(relaxed);
  while (seen != 0 && !count_.compare_exchange(seen, seen + 1, relaxed, relaxed)) {
  }
  return seen != 0;
}
// All that a model thread uses is its own.
constinit atomic<lost_waits> lost_wait_mode{lost_waits::ignored};
bool is_callers_own(const void*) noexcept { return true; }
std::uint64_t lock_owner() noexcept { return model::current() + 1; }
void report_lost_wait(const lost_wait& w, lost_by) noexcept {
  ++model::reports[static_cast<std::size_t>(w.who - records)];
}
void report_lock_cycle(const lock_edge* edges, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    ++model::reports[static_cast<std::size_t>(edges[i].who - records)];
  }
}
const char* to_string(wait_reason) noexcept { return "a wait"; }
void note_contention() noexcept {}
bool solo_forbidden() noexcept { return true; }
void biased_lock::lock_shared() noexcept { lock_.lock(); }
void biased_lock::lock_shared_besides() noexcept { lock_.lock(); }

void fatal_misuse(const char* what) noexcept {
  model::require(false, what);
  __builtin_unreachable();
}

void check_failed(const char*, const char*, int, const char* what) noexcept {
  model::require(false, what);
  __builtin_unreachable();
}

sys_calls sys = {};
clock_source clock = {[]() -> std::int64_t { return model::time; }};

namespace {
// A spinning thread lets others run; a nap is the same.
const bool prepared = [] {
  sys.give_up_processor = [] { model_yield(); };
  sys.nap = [](std::int64_t) { model_yield(); };
  return true;
}();
}  // namespace

}  // namespace weft::detail

namespace weft {

// Models know only errors of static storage, which are not counted.
void error::retain() const noexcept { model::require(false, "a counted error"); }
void error::release() noexcept { model::require(false, "a counted error"); }

}  // namespace weft
