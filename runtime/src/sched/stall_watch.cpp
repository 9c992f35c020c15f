#include "sched/stall_watch.hpp"

#include <weft/detail/wait_limit.hpp>

#include <algorithm>

#include "debug/stall.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::int64_t tick_ns = std::int64_t{1} << coarse_shift;
constexpr std::int64_t share_of_records = 50;  // at most this part of a CPU walks over records

}  // namespace

void stall_watch::look(std::int64_t now) {
  const std::int64_t limit = sched_.stall_ns();
  if (limit == never) {
    return;
  }
  report_late_timers();
  // [stall.1] If the monitor itself did not run for long (all slept, the process was stopped, the
  // machine is overloaded), the others may not have had their chance either.
  const bool held_up = now - last_ >= std::max(limit / 2, tick_ns);
  last_ = now;
  if (held_up) {
    grace_ = now;
  }
  look_at_workers(now, held_up);
  if (now >= next_records_) {
    look_at_records(now);
    const std::int64_t took = clock.now() - now;
    next_records_ = now + std::max({limit / 2, tick_ns, took * share_of_records});
  }
}

void stall_watch::finish() noexcept {
  if (sched_.stall_ns() != never) {
    report_late_timers();
  }
}

void stall_watch::look_at_workers(std::int64_t now, bool held_up) {
  const std::uint32_t n = sched_.worker_count();
  seen_.resize(n, seen{UINT64_MAX, now, false});
  for (std::uint32_t i = 0; i < n; ++i) {
    worker& w = sched_.worker_at(i);
    seen& s = seen_[i];
    const std::uint64_t picks = w.picks();
    if (picks != s.picks) {
      s = {picks, now, false};
    } else if (held_up || w.running() == nullptr || w.blocking()) {
      s.since = now;
    } else if (!s.reported && now - s.since >= sched_.stall_ns()) {
      s.reported = report_hog(w, now - s.since);
    }
  }
}

// [stall.3]
void stall_watch::look_at_records(std::int64_t now) noexcept {
  const goroutine* longest = nullptr;
  std::int64_t longest_ns = 0;
  std::size_t count = 0;
  std::uint32_t newest = told_;
  arena::for_each_record([&](const goroutine& g) {
    // [visit.1] acquire: pairs with the release of who made it runnable: `since`
    // is not older.
    if (g.state.load(acquire) != goroutine_state::runnable ||
        g.kind.load(relaxed) != goroutine_kind::ordinary) {  // relaxed: set before it could run
      return;
    }
    const std::uint32_t since = g.since().load(relaxed);  // relaxed: after state
    if (told_any_ && static_cast<std::int32_t>(since - told_) <= 0) {
      return;
    }
    // In ticks of now's epoch; the end of the tick in which it was stamped, at the earliest.
    const auto age =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(now >> coarse_shift) - since);
    const std::int64_t waited = std::min((std::int64_t{age} - 1) * tick_ns, now - grace_);
    if (waited < sched_.stall_ns()) {
      return;
    }
    newest = count == 0 || static_cast<std::int32_t>(since - newest) > 0 ? since : newest;
    ++count;
    if (waited > longest_ns || longest == nullptr) {
      longest = &g;
      longest_ns = waited;
    }
  });
  if (longest != nullptr) {
    report_starved(*longest, count, longest_ns);
    told_ = newest;
    told_any_ = true;
  }
}

}  // namespace weft::detail
