#include <weft/detail/race.hpp>
#include <weft/once.hpp>

namespace weft {

once::turn once::begin(const detail::wait_limit& limit) {
  const detail::race::runtime_code in;
  detail::goroutine* me = detail::self();
  lock_.lock();
  switch (state_.load(detail::relaxed)) {  // relaxed: written under lock_
    case done:
      lock_.unlock();
      detail::race::acquire(&state_);
      return turn::over;
    case fresh:
      state_.store(running, detail::relaxed);  // relaxed: under lock_
      lock_.unlock();
      return turn::mine;
    default:
      break;
  }
  detail::waiter w;
  w.who = me;
  const detail::wait_cause why{detail::wait_reason::once, this};
  if (limit.none()) {
    waiters_.push_back(&w);
    detail::park(why, detail::unlock_commit, &lock_);
  } else {
    w.ticket = detail::open_claim(me);
    waiters_.push_back(&w);
    if (detail::end_of(detail::park_limited(why, w.ticket, limit, detail::unlock_commit, &lock_)) !=
        detail::wait_end::woken) {
      detail::biased_guard hold(lock_);
      if (w.linked) {
        waiters_.remove(&w);
        return turn::gave_up;
      }
      // finish() has been here, if a moment too late: it has been done.
    }
  }
  detail::race::acquire(&state_);
  return turn::over;
}

void once::finish() noexcept {
  const detail::race::runtime_code in;
  detail::race::release(&state_);
  lock_.lock();
  state_.store(done, detail::release);  // [once.1] release: publishes what f did
  detail::waiter* w = detail::take_claimed(waiters_, detail::wake_result::done);
  lock_.unlock();
  detail::ready_chain(w);
}

}  // namespace weft
