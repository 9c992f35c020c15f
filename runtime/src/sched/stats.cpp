// The counters that users may see. Each is written by one thread only, mostly a worker's, on a
// cache line that it has anyway; here they are added up.
#include <weft/stats.hpp>

#include <weft/detail/race.hpp>

#include <algorithm>

#include "sched/scheduler.hpp"

namespace weft {
namespace detail {

runtime_counts scheduler::stats() noexcept {
  runtime_counts c;
  c.max_procs = max_procs();
  c.threads = thread_count();
  c.spare_threads = c.threads > c.max_procs ? c.threads - c.max_procs : 0;
  c.threads_started = started_.load(acquire);  // [stop.5] acquire: as in thread_count()
  c.timers = timers.entries();
  c.stacks = memory.stacks().carved();
  c.stack_space_bytes = memory.stacks().reserved_bytes();
  c.places_taken = monitor_.places_taken();
  c.rescued = monitor_.rescued();
  // Ends before starts, as in live_goroutines(): what lives is never less than nothing.
  const std::uint32_t n = worker_count();
  for (std::uint32_t i = 0; i < n; ++i) {
    c.ended += worker_at(i).goroutines_ended();
  }
  // relaxed: statistics, read after the acquire loads above.
  c.spawned = static_cast<std::uint64_t>(foreign_live_.load(relaxed));
  for (std::uint32_t i = 0; i < worker_count(); ++i) {
    worker& w = worker_at(i);
    const worker_counts& of = w.counts();
    c.spawned += w.goroutines_made();
    c.running += w.running() != nullptr;
    c.runnable += w.queued();
    c.parks += w.parks();
    c.locks_contended += w.sample().contended;
    c.switches += w.switches();
    // relaxed: statistics, all of them.
    c.from_global += of.from_global.load(relaxed);
    c.steals += of.stolen.load(relaxed);
    c.yields += of.yields.load(relaxed);
    // relaxed: as above
    c.searches += of.searches.load(relaxed);
    c.timers_fired += of.fired.load(relaxed);
    c.worker_sleeps += of.sleeps.load(relaxed);
    c.worker_wakes += of.wakes.load(relaxed);  // relaxed: as above
  }
  c.runnable += global.size();
  c.goroutines = c.spawned - c.ended;
  c.running = std::min(c.running, c.goroutines);
  c.runnable = std::min(c.runnable, c.goroutines - c.running);
  c.waiting = c.goroutines - c.running - c.runnable;
  return c;
}

}  // namespace detail

runtime_counts runtime_stats() noexcept {
  const detail::race::runtime_code in;
  if (detail::worker* w = detail::this_worker()) {
    return w->sched().stats();
  }
  detail::scheduler::in_use s;
  return s ? s->stats() : runtime_counts{};
}

}  // namespace weft
