// Timers and sleepers.
#include <weft/go.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include "workloads.hpp"

using namespace std::chrono_literals;

// Start a timer of an hour, stop it.
measurement timer_stop(std::int64_t count) {
  std::int64_t stopped = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    weft::timer t(1h);
    stopped += t.stop() ? 1 : 0;
  }
  const measurement m = watch.per_op(count);
  bench::check(stopped == count, "timers that were stopped", stopped);
  return m;
}

// Goroutines that sleep random times within one second; what counts is the CPU time of the process.
measurement sleepers_100k(std::int64_t count) {
  weft::wait_group wg;
  wg.add(static_cast<int>(count));
  bench::random_sleeps random;
  const double cpu_before = bench::cpu_seconds();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::chrono::microseconds d(random.next_us());
    weft::go([&wg, d] {
      weft::sleep(d);
      wg.done();
    });
  }
  wg.wait();
  const double took = bench::cpu_seconds() - cpu_before;
  return {.ns_per_op = took * 1e9 / static_cast<double>(count)};
}
