#include <weft/cond_var.hpp>

namespace weft {

using detail::wake_result;

// waiter_.value is not null once its owner is parked and must be made ready.

cond_var::turn::turn(cond_var& c) : cond_(c) {
  waiter_.who = detail::self();
  detail::biased_guard hold(c.lock_);
  c.waiters_.push_back(&waiter_);
}

cond_var::turn::~turn() {
  if (waited_) {
    return;  // the cond_var may be gone
  }
  cond_.lock_.lock();
  const bool notified = waiter_.result == wake_result::done;
  if (!notified) {
    cond_.waiters_.remove(&waiter_);
  }
  cond_.lock_.unlock();
  if (notified) {
    cond_.notify_one();  // this turn's wake-up goes to the next in the queue
  }
}

void cond_var::turn::wait() noexcept {
  waited_ = true;
  cond_.lock_.lock();
  if (waiter_.result == wake_result::done) {
    cond_.lock_.unlock();
    return;
  }
  waiter_.value = &waiter_;
  detail::park(detail::wait_reason::cond, detail::unlock_commit, &cond_.lock_);
}

void cond_var::notify_one() noexcept {
  lock_.lock();
  detail::waiter* w = waiters_.pop_front();
  const bool parked = w != nullptr && w->value != nullptr;
  if (w != nullptr) {
    w->result = wake_result::done;
  }
  lock_.unlock();  // the last touch of this object; and of w, unless it is parked
  if (parked) {
    detail::ready(w->who);
  }
}

void cond_var::notify_all() noexcept {
  lock_.lock();
  detail::waiter* parked = nullptr;
  detail::waiter** end = &parked;
  while (detail::waiter* w = waiters_.pop_front()) {
    w->result = wake_result::done;
    if (w->value != nullptr) {
      w->next = nullptr;
      *end = w;
      end = &w->next;
    }
  }
  lock_.unlock();  // the last touch of this object
  while (parked != nullptr) {
    detail::waiter* w = parked;
    parked = w->next;  // before ready(): the waiter is gone after it
    detail::ready(w->who);
  }
}

}  // namespace weft
