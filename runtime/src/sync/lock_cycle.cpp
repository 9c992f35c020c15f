#include "sync/lock_cycle.hpp"

#include <weft/detail/spinlock.hpp>

#include "debug/lost_wait.hpp"

namespace weft::detail {
namespace {

// [lock_cycle] Guards all lists. A leaf: taken with the lock of a mutex's queue held.
constinit spinlock lists_lock{};
constexpr std::size_t buckets = 256;
constinit lock_wait* lists[buckets] = {};

}  // namespace

std::int64_t lock_cycle_patience_ns = 1'000'000'000;

void note_locked(owner_word& owner) noexcept {
  // [lock_cycle.1] relaxed: by who has the mutex; for others see [lock_cycle.3]
  if (owner.load(relaxed) != handed_over) {
    owner.store(lock_owner(), relaxed);  // relaxed: as above
  }
}

void note_unlocking(owner_word& owner) noexcept {
  const std::uint64_t seen = owner.load(relaxed);  // [lock_cycle.1] relaxed: as in note_locked()
  if (seen != no_owner && seen != handed_over) {
    owner.store(seen == lock_owner() ? no_owner : handed_over, relaxed);  // relaxed: as above
  }
}

lock_wait*& lock_wait::bucket(std::uint64_t number) noexcept { return lists[number % buckets]; }

lock_wait::lock_wait(const goroutine* who, const void* wanted, const owner_word& owner) noexcept
    : who_(who), number_(lock_owner()), wanted_(wanted), owner_(owner) {
  if (number_ == no_owner) {
    return;
  }
  spin_guard hold(lists_lock);  // [lock_cycle.2]
  lock_wait*& first = bucket(number_);
  next_ = first;
  at_ = &first;
  if (next_ != nullptr) {
    next_->at_ = &next_;
  }
  first = this;
  // [lock_cycle.3] In one step with entering: else two would both think that they closed it.
  const lock_wait* path[most];
  closed_circle_ = walk(path) != 0;
}

lock_wait::~lock_wait() {
  if (at_ == nullptr) {
    return;
  }
  spin_guard hold(lists_lock);
  *at_ = next_;
  if (next_ != nullptr) {
    next_->at_ = at_;
  }
}

// With lists_lock held: fills in the circle from this one on, returns its length; 0: there is none.
std::size_t lock_wait::walk(const lock_wait** path) const noexcept {
  if (at_ == nullptr) {
    return 0;
  }
  const lock_wait* at = this;
  for (std::size_t n = 0; n < most && at != nullptr;) {
    path[n++] = at;
    // [lock_cycle.3] relaxed: if its holder is found among those that wait, lists_lock has
    // published what it noted before; else nothing follows from it.
    const std::uint64_t holder = at->owner_.load(relaxed);
    if (holder == number_) {
      return n;
    }
    at = bucket(holder);
    while (at != nullptr && at->number_ != holder) {
      at = at->next_;
    }
  }
  return 0;
}

void lock_wait::report_circle() const noexcept {
  const lock_wait* path[most];
  lock_edge edges[most];
  std::size_t n = 0;
  {
    spin_guard hold(lists_lock);
    n = walk(path);
    for (std::size_t i = 0; i < n; ++i) {
      edges[i] = {path[i]->who_, path[i]->wanted_};
    }
  }
  if (n != 0) {
    report_lock_cycle(edges, n);  // they wait for ever: their records stay what they are
  }
}

}  // namespace weft::detail
