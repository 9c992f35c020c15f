#include <weft/detail/race.hpp>
#include <weft/once.hpp>

namespace weft {

bool once::begin() {
  const detail::race::runtime_code in;
  detail::goroutine* me = detail::self();
  lock_.lock();
  switch (state_.load(detail::relaxed)) {  // relaxed: written under lock_
    case done:
      lock_.unlock();
      detail::race::acquire(&state_);
      return false;
    case fresh:
      state_.store(running, detail::relaxed);  // relaxed: under lock_
      lock_.unlock();
      return true;
    default:
      break;
  }
  detail::waiter w;
  w.who = me;
  waiters_.push_back(&w);
  detail::park({detail::wait_reason::once, this}, detail::unlock_commit, &lock_);
  return false;
}

void once::finish() noexcept {
  const detail::race::runtime_code in;
  detail::race::release(&state_);
  lock_.lock();
  state_.store(done, detail::release);  // [once.1] release: publishes what f did
  detail::waiter* w = waiters_.take_all();
  lock_.unlock();
  detail::ready_chain(w);
}

}  // namespace weft
