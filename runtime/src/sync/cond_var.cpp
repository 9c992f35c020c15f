#include <weft/cond_var.hpp>
#include <weft/detail/race.hpp>

namespace weft {

using detail::wake_result;

// waiter_.value is not null once its owner is parked and must be made ready.

cond_var::turn::turn(cond_var& c) : cond_(c) {
  const detail::race::runtime_code in;
  waiter_.who = detail::self();
  detail::biased_guard hold(c.lock_);
  c.waiters_.push_back(&waiter_);  // [cond.1]
}

cond_var::turn::~turn() {
  const detail::race::runtime_code in;
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

detail::wait_end cond_var::turn::wait(const detail::wait_limit& limit) noexcept {
  using detail::wait_end;
  const detail::race::runtime_code in;
  waited_ = true;
  cond_.lock_.lock();
  // [cond.1] The lock's user was let in between: a notifier may have been here.
  if (waiter_.result == wake_result::done) {
    cond_.lock_.unlock();
    detail::race::saw_notice(waiter_.who);
    return wait_end::woken;
  }
  waiter_.value = &waiter_;
  if (limit.none()) {
    detail::park({detail::wait_reason::cond, &cond_}, detail::unlock_commit, &cond_.lock_);
    return wait_end::woken;
  }
  waiter_.ticket = detail::open_claim(waiter_.who);
  const wait_end end =
      detail::end_of(detail::park_limited({detail::wait_reason::cond, &cond_}, waiter_.ticket,
                                          limit, detail::unlock_commit, &cond_.lock_));
  if (end != wait_end::woken) {
    detail::biased_guard hold(cond_.lock_);
    if (waiter_.linked) {
      cond_.waiters_.remove(&waiter_);
    }
  }
  return end;
}

// [cond.2] With lock_ held: takes out the next one who can be notified, and marks it. Those whose
// wait has timed out are passed over (T13). Null: nobody waits.
detail::waiter* cond_var::pop_notified() noexcept {
  while (detail::waiter* w = waiters_.pop_front()) {
    const bool parked = w->value != nullptr;
    if (!parked || w->ticket == 0 || detail::try_claim(w)) {
      w->result = wake_result::done;
      detail::race::notice(w->who);
      return w;
    }
  }
  return nullptr;
}

void cond_var::notify_one() noexcept {
  const detail::race::runtime_code in;
  lock_.lock();
  detail::waiter* w = pop_notified();
  const bool parked = w != nullptr && w->value != nullptr;
  lock_.unlock();  // the last touch of this object; and of w, unless it is parked
  if (parked) {
    detail::ready(w->who);
  }
}

void cond_var::notify_all() noexcept {
  const detail::race::runtime_code in;
  lock_.lock();
  detail::waiter* parked = nullptr;
  detail::waiter** end = &parked;
  while (detail::waiter* w = pop_notified()) {
    if (w->value != nullptr) {
      w->next = nullptr;
      *end = w;
      end = &w->next;
    }
  }
  lock_.unlock();  // the last touch of this object
  detail::ready_chain(parked);
}

}  // namespace weft
