#include <weft/detail/race.hpp>
#include <weft/semaphore.hpp>

#include <string>

namespace weft {
namespace {

void check_not_negative(const char* what, std::int64_t n) {
  if (n < 0) {
    throw semaphore_error(std::string("weft: semaphore: ") + what + " " + std::to_string(n) +
                          ": the number is negative");
  }
}

}  // namespace

struct semaphore::request : detail::waiter {
  std::int64_t tokens = 0;
};

semaphore::semaphore(std::int64_t size) : size_(size) { check_not_negative("size", size); }

bool semaphore::try_acquire(std::int64_t n) {
  check_not_negative("try_acquire", n);
  const detail::race::runtime_code in;
  detail::biased_guard hold(lock_);
  return take_at_once(n);
}

void semaphore::release(std::int64_t n) {
  check_not_negative("release", n);
  const detail::race::runtime_code in;
  detail::race::release(&used_);
  lock_.lock();
  if (n > used_) {
    const std::int64_t used = used_;
    lock_.unlock();
    throw semaphore_error("weft: semaphore: release " + std::to_string(n) + ": only " +
                          std::to_string(used) + " are held");
  }
  used_ -= n;
  detail::waiter* granted = grant();
  lock_.unlock();  // the last touch: who is woken may destroy the semaphore
  detail::ready_chain(granted);
}

bool semaphore::acquire_limited(std::int64_t n, const detail::wait_limit& limit) {
  using namespace detail;
  check_not_negative("acquire", n);
  if (n > size_) {
    // [semaphore.4] No queue: it would be in the way of those who can be served.
    if (limit.none()) {
      throw semaphore_error("weft: semaphore: acquire " + std::to_string(n) + ": there are only " +
                            std::to_string(size_) + " in all");
    }
    park_limited(
        {wait_reason::semaphore, this}, open_claim(self()), limit, [](void*) noexcept {}, nullptr);
    return false;
  }
  const race::runtime_code in;
  goroutine* me = self();
  lock_.lock();
  if (take_at_once(n)) {
    lock_.unlock();
    return true;
  }
  request r;
  r.who = me;
  r.tokens = n;
  if (limit.none()) {
    waiters_.push_back(&r);
    park({wait_reason::semaphore, this}, unlock_commit, &lock_);
    race::acquire(&used_);  // all releases that made up the tokens
    return true;
  }
  r.ticket = open_claim(me);
  waiters_.push_back(&r);
  if (end_of(park_limited({wait_reason::semaphore, this}, r.ticket, limit, unlock_commit,
                          &lock_)) == wait_end::woken) {
    race::acquire(&used_);  // as above
    return true;
  }
  lock_.lock();
  waiter* granted = nullptr;
  if (r.linked) {
    waiters_.remove(&r);
    granted = grant();  // [semaphore.3]
  }
  lock_.unlock();
  ready_chain(granted);
  return false;
}

// With lock_ held. Nobody overtakes the queue, even if the head does not fit (SW-5).
bool semaphore::take_at_once(std::int64_t n) noexcept {
  if (!waiters_.empty() || n > size_ - used_) {
    return false;
  }
  used_ += n;
  detail::race::acquire(&used_);
  return true;
}

// With lock_ held: [semaphore.2] takes out those whose turn it is, as a chain for ready_chain().
detail::waiter* semaphore::grant() noexcept {
  detail::waiter* first = nullptr;
  detail::waiter** end = &first;
  while (!waiters_.empty()) {
    auto* head = static_cast<request*>(waiters_.front());
    if (head->tokens > size_ - used_) {
      break;
    }
    waiters_.remove(head);
    if (head->ticket == 0 || detail::try_claim(head)) {
      used_ += head->tokens;
      head->next = nullptr;
      *end = head;
      end = &head->next;
    }
  }
  return first;
}

}  // namespace weft
