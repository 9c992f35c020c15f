#include "sched/timers.hpp"

#include <weft/detail/race.hpp>

#include <algorithm>
#include <mutex>

namespace weft::detail {
namespace {

// Immortal, shared by all runs one after the other: a timer that was armed in a run may be disarmed
// after it.
timer_heap& immortal_heap(std::uint32_t i) {
  static std::mutex making;
  static timer_heap* made[timers::most_heaps];
  std::lock_guard hold(making);
  if (made[i] == nullptr) {
    made[i] = new timer_heap;
  }
  return *made[i];
}

}  // namespace

timers::timers(std::uint32_t workers)
    : heaps_{}, count_(std::clamp(workers, std::uint32_t{1}, most_heaps)) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    heaps_[i] = &immortal_heap(i);
  }
}

bool timers::any() const noexcept {
  return std::any_of(heaps_, heaps_ + count_, [](const timer_heap* h) { return h->any(); });
}

std::size_t timers::entries() const noexcept {
  std::size_t n = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    n += heaps_[i]->recent_size();
  }
  return n;
}

std::int64_t timers::earliest() const noexcept {
  std::int64_t first = never;
  for (std::uint32_t i = 0; i < count_; ++i) {
    first = std::min(first, heaps_[i]->earliest());
  }
  return first;
}

void timers::clean_fronts() noexcept {
  for (std::uint32_t i = 0; i < count_; ++i) {
    heaps_[i]->clean_front();
  }
}

void timers::drop_all() noexcept {
  due_timer dropped[64];
  for (std::uint32_t i = 0; i < count_; ++i) {
    while (heaps_[i]->any()) {
      const std::size_t n = heaps_[i]->drop(dropped, std::size(dropped));
      for (std::size_t k = 0; k < n; ++k) {
        const race::user_code out;  // may destroy what is the user's
        race::acquire(dropped[k].owner);
        dropped[k].fire(dropped[k].owner, timer_outcome::dropped);
      }
    }
  }
}

// ---- the keeper ----

bool timers::try_keep(worker* w) noexcept {
  worker* nobody = nullptr;
  // [timer.3] acq_rel: one keeper at a time; it publishes its time in keep_until().
  return keeper_.compare_exchange(nobody, w, acq_rel, relaxed);
}

void timers::stop_keeping() noexcept {
  keeper_until_.store(nobody_keeps, seq_cst);  // [timer.4] seq_cst: this worker looks by itself now
  keeper_.store(nullptr, release);             // [timer.3] release: the next may try_keep()
}

std::int64_t timers::keep_until() noexcept {
  std::int64_t until = earliest();
  for (;;) {
    keeper_until_.store(until, seq_cst);  // [timer.2] seq_cst: before the second look at the heaps
    const std::int64_t now_earliest = earliest();
    if (now_earliest == until) {
      return until;
    }
    until = now_earliest;
  }
}

worker* timers::oversleeper(std::int64_t when) const noexcept {
  // [timer.1] seq_cst: after earliest_ was stored. Either the keeper's second look sees the new
  // time, or its store of keeper_until_ is seen here.
  if (when >= keeper_until_.load(seq_cst)) {
    return nullptr;
  }
  return keeper_.load(acquire);  // [timer.3] acquire: it may have changed; the new one looks itself
}

}  // namespace weft::detail
