// Which memory is a goroutine's own: [lost] in docs/protocols.md.
#include <weft/detail/lost_wait.hpp>

#include "sched/scheduler.hpp"

namespace weft::detail {

namespace {
// Runs that watched: goroutine ids are unique within one run only.
constinit atomic<std::uint64_t> run_number{0};
}  // namespace

constinit atomic<lost_waits> lost_wait_mode{lost_waits::ignored};

void watch_lost_waits(lost_wait_action a) noexcept {
  lost_waits mode = lost_waits::ignored;
  if (a != lost_wait_action::ignore) {
    run_number.store(run_number.load(relaxed) + 1, relaxed);  // relaxed: one run at a time
    mode = a == lost_wait_action::wake ? lost_waits::woken : lost_waits::reported;
  }
  lost_wait_mode.store(mode, relaxed);  // relaxed: goroutines of the run come after it
}

std::uint64_t lock_owner() noexcept {
  const worker* w = this_worker();
  const goroutine* g = w != nullptr ? w->current() : nullptr;
  // relaxed: constant while goroutines run.
  return g != nullptr ? (run_number.load(relaxed) << 48) + g->id : 0;
}

bool is_callers_own(const void* at) noexcept {
  const worker* w = this_worker();
  const goroutine* g = w != nullptr ? w->current() : nullptr;
  if (g == nullptr) {
    return false;
  }
  const char* p = static_cast<const char*>(at);
  const fiber* f = w->running_fiber();
  const auto* closure = static_cast<const char*>(const_cast<goroutine*>(g)->room());
  return (f->low != nullptr && p >= f->low && p < f->top) ||
         (p >= closure && p < closure + inline_closure_bytes);
}

}  // namespace weft::detail
