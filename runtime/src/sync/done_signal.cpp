#include <weft/detail/done_signal.hpp>
#include <weft/detail/race.hpp>

namespace weft::detail {

void done_signal::join(waiter* w) noexcept {
  const race::runtime_code in;
  goroutine* const who = w->who;
  lock_.lock();
  if (!done()) {
    waiters_.push_back(w);
    lock_.unlock();  // from here on w belongs to whoever unlinks it
    return;
  }
  lock_.unlock();
  if (try_claim(w)) {  // [limit.3]
    ready(who);
  }
}

void done_signal::leave(waiter* w) noexcept {
  const race::runtime_code in;
  biased_guard hold(lock_);
  if (w->linked) {
    waiters_.remove(w);
  }
}

waiter* done_signal::finish_locked() noexcept {
  done_.store(1, release);  // [limit.5] release: what preceded it is seen by who sees it
  const race::runtime_code in;
  return take_claimed(waiters_, wake_result::closed);
}

bool done_signal::fire() noexcept {
  lock_.lock();
  if (done()) {
    lock_.unlock();
    return false;
  }
  waiter* woken = finish_locked();
  lock_.unlock();
  ready_chain(woken);
  return true;
}

}  // namespace weft::detail
