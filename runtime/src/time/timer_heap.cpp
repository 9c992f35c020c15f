#include "time/timer_heap.hpp"

#include <weft/detail/check.hpp>
#include <weft/detail/race.hpp>

#include <algorithm>
#include <exception>

namespace weft::detail {
namespace {

constexpr std::size_t arity = 4;
#if WEFT_MODEL
constexpr std::size_t few = 1;  // the rare path must be common
#else
constexpr std::size_t few = 32;  // so many dead entries are never worth a purge
#endif
constexpr std::size_t together = 16;  // so many misses a processor can wait for at once
constexpr std::uint64_t index_mask = 0x1ffff;

}  // namespace

bool timer_heap::entry::alive() const noexcept {
  // relaxed: a stale answer keeps a dead entry for longer; pop_due() decides by CAS.
  return who != nullptr ? who->claim.load(relaxed) == (key & ~index_mask) : event->key_ == key;
}

// ---- adding and disarming ----

void timer_heap::add_wait(std::int64_t when, goroutine* who, std::uint64_t won) noexcept {
  biased_guard hold(lock_);
  try {
    insert({when, won, who, nullptr});
  } catch (const std::exception&) {
    WEFT_CHECK(false, "out of memory for a timer");
  }
}

armed_timer timer_heap::add_event(std::int64_t when, timer_function fire, void* owner) {
  biased_guard hold(lock_);
  timer_event* e = free_events_;
  if (e == nullptr) {
    e = new timer_event(*this);
    e->next_free_ = nullptr;
    free_events_ = e;
  }
  insert({when, e->key_, nullptr, e});
  free_events_ = e->next_free_;
  e->fire_ = fire;
  e->owner_ = owner;
  return {e, e->key_};
}

bool timer_heap::disarm(armed_timer t) noexcept {
  biased_guard hold(lock_);
  if (t.event->key_ != t.key) {
    return false;
  }
  retire(t.event);
  note_dead();
  return true;
}

bool disarm_timer(armed_timer t) noexcept {
  const race::runtime_code in;
  return t.event != nullptr && t.event->home_.disarm(t);
}

void timer_heap::retire(timer_event* e) noexcept {
  ++e->key_;
  e->next_free_ = free_events_;
  free_events_ = e;
}

// ---- taking out ----

std::size_t timer_heap::pop_due(std::int64_t now, due_timer* out, std::size_t most) noexcept {
  biased_guard hold(lock_);
  std::size_t n = 0;
  while (n < most && !entries_.empty() && entries_.front().when <= now) {
    entry due[together];
    const std::size_t took = take_due(now, due, std::min(together, most - n));
    for (std::size_t i = 0; i < took; ++i) {
      const entry& e = due[i];
      if (e.who != nullptr) {
        std::uint64_t open = e.key & ~index_mask;
        // [limit.3] acq_rel: one winner, as in try_claim(); relaxed on failure: the entry is dead.
        if (e.who->claim.compare_exchange(open, e.key, acq_rel, relaxed)) {
          // All of it: the caller uses `out` again and again.
          out[n++] = {e.who, nullptr, nullptr, e.when};
        }
      } else if (e.event->key_ == e.key) {
        out[n++] = {nullptr, e.event->fire_, e.event->owner_, e.when};
        retire(e.event);
      }
    }
  }
  publish();
  return n;
}

// Whoever slept is in no cache: all records are fetched at once, then looked at.
std::size_t timer_heap::take_due(std::int64_t now, entry* out, std::size_t most) noexcept {
  std::size_t n = 0;
  while (n < most && !entries_.empty() && entries_.front().when <= now) {
    out[n] = entries_.front();
    __builtin_prefetch(out[n++].who, 1);
    remove_front();
  }
  return n;
}

void timer_heap::clean_front() noexcept {
  if (!any()) {
    return;
  }
  biased_guard hold(lock_);
  while (!entries_.empty() && !entries_.front().alive()) {
    remove_front();
  }
  publish();
}

std::size_t timer_heap::drop(due_timer* out, std::size_t most) noexcept {
  lock_.lock_unowned();
  std::size_t n = 0;
  while (n < most && !entries_.empty()) {
    const entry e = entries_.back();
    entries_.pop_back();
    if (e.event != nullptr && e.event->key_ == e.key) {
      out[n++] = {nullptr, e.event->fire_, e.event->owner_, e.when};
      retire(e.event);
    }
  }
  if (entries_.empty()) {
    dead_.store(0, relaxed);  // relaxed: a hint
  }
  publish();
  lock_.unlock();
  return n;
}

std::size_t timer_heap::size() noexcept {
  biased_guard hold(lock_);
  return entries_.size();
}

// ---- the heap ----

void timer_heap::insert(const entry& e) {
  const std::uint32_t dead = dead_.load(relaxed);  // relaxed: a hint
  if (dead > few && dead > entries_.size() / 4) [[unlikely]] {
    purge();
  }
  entries_.push_back(e);
  sift_up(entries_.size() - 1, e);
  publish();
}

void timer_heap::remove_front() noexcept {
  const entry last = entries_.back();
  entries_.pop_back();
  if (!entries_.empty()) {
    sift_down(0, last);
  }
}

void timer_heap::sift_up(std::size_t at, entry e) noexcept {
  while (at != 0) {
    const std::size_t parent = (at - 1) / arity;
    if (entries_[parent].when <= e.when) {
      break;
    }
    entries_[at] = entries_[parent];
    at = parent;
  }
  entries_[at] = e;
}

void timer_heap::sift_down(std::size_t at, entry e) noexcept {
  const std::size_t size = entries_.size();
  for (;;) {
    const std::size_t first = at * arity + 1;
    if (first >= size) {
      break;
    }
    std::size_t least = first;
    const std::size_t end = first + arity < size ? first + arity : size;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (entries_[child].when < entries_[least].when) {
        least = child;
      }
    }
    if (e.when <= entries_[least].when) {
      break;
    }
    entries_[at] = entries_[least];
    at = least;
  }
  entries_[at] = e;
}

// Dead entries leave, the rest becomes a heap again. Linear, once per as many cancellations.
void timer_heap::purge() noexcept {
  std::erase_if(entries_, [](const entry& e) { return !e.alive(); });
  dead_.store(0, relaxed);  // relaxed: a hint
  if (entries_.size() < 2) {
    return;
  }
  for (std::size_t at = (entries_.size() - 2) / arity + 1; at-- > 0;) {
    sift_down(at, entries_[at]);
  }
}

void timer_heap::publish() noexcept {
  const std::int64_t first = entries_.empty() ? never : entries_.front().when;
  if (earliest_.load(relaxed) != first) {  // relaxed: written under lock_ only
    earliest_.store(first, seq_cst);       // [timer.1] seq_cst: before keeper_until_ is read
  }
  size_.store(entries_.size(), relaxed);  // relaxed: statistics
}

}  // namespace weft::detail
