// lock_os_thread: a goroutine that stays on its thread, on which nothing else runs meanwhile.
// Protocol [pinned] in docs/protocols.md.
#include <weft/go.hpp>

#include "detail/sys.hpp"
#include "sched/scheduler.hpp"

namespace weft {
namespace detail {
namespace {

// Values of turn_.
constexpr std::uint32_t handed = 1;
constexpr std::uint32_t stopped_waiting = 2;

}  // namespace

void worker::pin(goroutine* g) noexcept {
  pinned_ = g;
  g->extra->pinned_to = this;
  attend(attend_pinned);
}

void worker::unpin(goroutine* g) noexcept {
  pinned_ = nullptr;
  g->extra->pinned_to = nullptr;
  attention_.fetch_and(~attend_pinned, acq_rel);  // [attention.2] acq_rel: as in settle_attention()
}

// This worker came to g, which belongs to another thread: that one gets this worker's place, unless
// it has one still.
void worker::hand_to_pinned(goroutine* g) noexcept {
  worker* to = g->extra->pinned_to;
  sched_.idle.pass_place(this, to);
  // [pinned.3] acq_rel: publishes g and the place; pairs with [pinned.4].
  to->turn_.fetch_or(handed, acq_rel);
  sys.futex_wake(to->turn_.address(), 1);
  attend(attend_stuck);  // perhaps without a place, like one that was stuck
}

// Between two turns of the goroutine that this thread belongs to. False: the thread must end.
bool worker::await_turn() noexcept {
  flush_queues();
  sched_.idle.take_place_away(this);  // [pinned.2]
  sched_.wake_one();
  if (pinned_ == nullptr) {
    // It has ended while it was locked: so does the thread, whatever was done to it (RT-9).
    // [attention.2] acq_rel: as in settle_attention()
    attention_.fetch_and(~attend_pinned, acq_rel);
    must_end_ = true;
    return false;
  }
  awaits_turn_.store(1, release);  // [pinned.4] release: its queues were emptied before
  std::uint32_t turn = 0;
  while ((turn = turn_.load(acquire)) == 0) {  // [pinned.4] acquire: pairs with [pinned.3]
    sys.futex_wait(turn_.address(), 0, -1);
  }
  awaits_turn_.store(0, release);  // [pinned.4] release: as above
  if ((turn & stopped_waiting) != 0) {
    return false;
  }
  turn_.store(0, relaxed);  // relaxed: nobody hands it over again before it was parked again
  if (!sched_.idle.regain_place(this)) {
    attend(attend_stuck);  // it looks for a place when its goroutine has had its turn
  }
  pinned_->stack = pinned_->extra->pinned_stack;
  handoff_ = pinned_;
  return true;
}

void worker::stop_waiting_for_turn() noexcept {
  turn_.fetch_or(stopped_waiting, acq_rel);  // [pinned.4] acq_rel: after attend(attend_stop)
  sys.futex_wake(turn_.address(), 1);
}

}  // namespace detail

void lock_os_thread() {
  const detail::race::runtime_code in;
  detail::worker* w = detail::this_worker();
  detail::goroutine* g = w != nullptr ? w->current() : nullptr;
  if (g == nullptr) {
    return;
  }
  if (g->extra == nullptr) {
    g->extra = new detail::goroutine_extra;
  }
  if (g->extra->thread_locks++ == 0 && w->sched().simulated() == nullptr) {
    w->pin(g);
  }
}

void unlock_os_thread() noexcept {
  const detail::race::runtime_code in;
  detail::worker* w = detail::this_worker();
  detail::goroutine* g = w != nullptr ? w->current() : nullptr;
  if (g != nullptr && g->extra != nullptr && g->extra->thread_locks != 0 &&
      --g->extra->thread_locks == 0 && g->extra->pinned_to != nullptr) {
    w->unpin(g);
  }
}

}  // namespace weft
