// Channels whose values the clock makes: [chan_timer] in docs/protocols.md. There is no goroutine,
// no heap entry and no buffered value behind a timer: whoever receives looks at the clock. Only a
// receiver that has to wait has an entry in a heap, its own wait's deadline.
#include <weft/detail/chan_core.hpp>
#include <weft/detail/race.hpp>

#include <chrono>
#include <new>

namespace weft::detail {
namespace {

using time_point = std::chrono::steady_clock::time_point;

constexpr element_type time_element{
    sizeof(time_point), alignof(time_point),
    [](void* to, void* from) noexcept { ::new (to) time_point(*static_cast<time_point*>(from)); },
    nullptr, "std::chrono::steady_clock::time_point"};

}  // namespace

chan_core* chan_core::make_timed(const chan_timer& t) {
  const race::runtime_code in;
  chan_core* c = make(0, time_element, sizeof(chan_timer));
  c->watched_ = false;  // the clock is its sender
  c->timer_ = ::new (c->buffer_) chan_timer(t);
  return c;
}

// [chan_timer.1] With the lock held; `ok` has released it. The value is the time that was due
// (TM-12). A ticker then goes on with the first point of its grid that is not past: ticks that
// nobody took are dropped, and the phase is kept (TM-9).
chan_status chan_core::recv_time(void* to) noexcept {
  chan_timer& t = *timer_;
  if (!t.active || t.when == never) {
    return chan_status::would_block;
  }
  const std::int64_t now = now_ns();
  if (now < t.when) {
    return chan_status::would_block;
  }
  {
    const race::user_code out;
    ::new (to) time_point(std::chrono::nanoseconds(t.when));
  }
  race::acquire(&timer_);  // MM-8
  if (t.period == 0) {
    t.active = false;
  } else {
    const std::int64_t next = (now - t.when) / t.period + 1;  // periods until then
    t.when = next > (never - t.when) / t.period ? never : t.when + next * t.period;
  }
  lock_.unlock();
  return chan_status::ok;
}

// [chan_timer.1] With the lock held, which is released.
chan_status chan_core::wait_for_time(void* to, const wait_limit& limit) {
  for (;;) {
    if (recv_time(to) == chan_status::ok) {
      return chan_status::ok;
    }
    waiter w;
    try {
      w.who = self();
    } catch (...) {
      lock_.unlock();
      throw;
    }
    w.ticket = open_claim(w.who);
    wait_to_recv(&w);
    const bool own_time = next_time() <= limit.deadline;
    const wait_limit first{own_time ? next_time() : limit.deadline, limit.cancel};
    const wait_end end = end_of(
        park_limited({wait_reason::chan_recv, this}, w.ticket, first, unlock_commit, &lock_));
    lock_.lock();
    leave_receivers(&w);
    if (end == wait_end::cancel || (end == wait_end::timeout && !own_time)) {
      lock_.unlock();
      return end == wait_end::timeout ? chan_status::timeout : chan_status::canceled;
    }
    // The time has come, if no other receiver was faster; or the timer was set anew.
  }
}

// [chan_timer.2] In one step: what was set before gives no value any more, and who waits for it
// comes back to see.
bool chan_core::set_timer(const chan_timer& t) noexcept {
  const race::runtime_code in;
  race::release(&timer_);  // MM-8
  lock_.lock();
  const bool was_active = timer_->active;
  *timer_ = t;
  waiter* receivers = take_claimed(receivers_, wake_result::again);
  lock_.unlock();
  ready_chain(receivers);
  return was_active;
}

}  // namespace weft::detail
