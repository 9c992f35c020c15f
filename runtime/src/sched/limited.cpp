// Waits that a deadline or a context may end, too: [limit] in docs/protocols.md. And timers for
// what is not a wait.
#include <weft/detail/done_signal.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/timer.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/exceptions.hpp>

#include <string>

#include "sched/block_thread.hpp"
#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// On the waiting goroutine's stack.
struct limited_wait {
  goroutine* who;
  std::uint64_t ticket;
  std::uint32_t timeout_index;
  wait_limit limit;
  park_commit commit;
  void* arg;
  waiter canceled;
  timer_heap* heap;
};

// On the next fiber. From the first registration on, the goroutine may be claimed, made ready and
// run elsewhere; what is needed after that is read before. Its frame is still there while `commit`
// has not yet released the lock that it needs to leave its queue; without such a lock nothing of
// the frame is touched after the last registration.
void commit_limited(void* at) noexcept {
  worker* w = this_worker();
  const simulation::pause no_points(w->sched().simulated());
  auto* l = static_cast<limited_wait*>(at);
  goroutine* const who = l->who;
  const std::uint64_t won = l->ticket + 1 + l->timeout_index;
  const wait_limit limit = l->limit;
  const park_commit commit = l->commit;
  void* const arg = l->arg;
  if (limit.deadline != never) {
    l->heap = &w->sched().timers.heap(w->index());
  }
  timer_heap* const heap = l->heap;
  if (limit.cancel != nullptr) {
    limit.cancel->join(&l->canceled);  // [limit.2]
  }
  if (heap != nullptr) {
    heap->add_wait(limit.deadline, who, won);  // [limit.2]
    w->sched().timer_added(limit.deadline);
  }
  commit(arg);
}

}  // namespace

std::uint32_t park_limited(wait_cause why, std::uint64_t ticket, const wait_limit& limit,
                           park_commit commit, void* arg, std::uint32_t timeout_index) noexcept {
  const race::runtime_code in;
  worker* w = this_worker();
  goroutine* g = w != nullptr ? w->current() : nullptr;
  limited_wait l{g, ticket, timeout_index, limit, commit, arg, {}, nullptr};
  l.canceled.ticket = ticket;
  l.canceled.index = claim_canceled;
  if (g != nullptr) {
    if (limit.deadline != never && limit.deadline <= clock.now()) [[unlikely]] {
      std::uint64_t open = ticket;
      // [limit.3] acq_rel: as in try_claim(): a deadline that is past needs no timer. On failure
      // somebody else has won, and the wait below ends at once.
      if (g->claim.compare_exchange(open, ticket + 1 + timeout_index, acq_rel, relaxed)) {
        commit(arg);
        return timeout_index;
      }
      l.limit.deadline = never;
    }
    l.canceled.who = g;
    park(why, commit_limited, &l);
  } else {
    l.who = l.canceled.who = self();
    block_thread_limited(
        l.who, {ticket, timeout_index, limit.deadline},
        [](void* p) noexcept {
          auto* mine = static_cast<limited_wait*>(p);
          if (mine->limit.cancel != nullptr) {
            mine->limit.cancel->join(&mine->canceled);  // [limit.2]
          }
          mine->commit(mine->arg);
        },
        &l);
  }
  const std::uint32_t won = claimed_index(l.who);
  if (limit.cancel != nullptr && won != claim_canceled) {
    limit.cancel->leave(&l.canceled);  // [limit.4]
  }
  if (l.heap != nullptr && won != timeout_index) {
    l.heap->note_dead();  // [limit.4]
  }
  return won;
}

std::int64_t now_ns() noexcept { return clock.now(); }

armed_timer arm_timer(std::int64_t when, timer_function fire, void* owner, const char* who) {
  const race::runtime_code in;
  race::release(owner);  // MM-8
  if (worker* w = this_worker()) {
    if (w->stopped()) {
      return {};  // an abandoned goroutine: its timers are dropped, and another run is not for them
    }
    const armed_timer t = w->sched().timers.heap(w->index()).add_event(when, fire, owner);
    w->sched().timer_added(when);
    return t;
  }
  scheduler::in_use s;
  if (!s) {
    throw no_runtime(std::string("weft: ") + who +
                     ": no runtime is running; timers need one: call it from within weft::run");
  }
  const armed_timer t = s->timers.heap(0).add_event(when, fire, owner);
  s->timer_added(when);
  return t;
}

}  // namespace weft::detail
