// Timers and sleepers.
#include <weft/go.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>

#include "../kernels.hpp"
#include "workloads.hpp"

using namespace std::chrono_literals;

// Start a timer of an hour, stop it.
results timer_stop(std::int64_t count) {
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
results sleepers_100k(std::int64_t count) {
  weft::wait_group wg;
  wg.add(static_cast<int>(count));
  bench::random_sleeps random(count);
  const double cpu_before = bench::cpu_ns();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::chrono::microseconds d(random.next_us());
    weft::go([&wg, d] {
      weft::sleep(d);
      wg.done();
    });
  }
  wg.wait();
  const double took = bench::cpu_ns() - cpu_before;
  return measurement{.value = took / static_cast<double>(count), .suffix = "_cpu"};
}

// The same, and how late each of them comes.
bench::latencies sleepers_100k_each(std::int64_t n) {
  bench::latencies late(static_cast<std::size_t>(n));
  weft::wait_group wg;
  wg.add(static_cast<int>(n));
  bench::random_sleeps random(n);
  for (std::int64_t& mine : late) {
    const std::chrono::microseconds d(random.next_us());
    weft::go([&wg, &mine, d] {
      const std::int64_t began = bench::now_ns();
      weft::sleep(d);
      mine = bench::now_ns() - began - std::chrono::nanoseconds(d).count();
      wg.done();
    });
  }
  wg.wait();
  bench::check(std::ranges::min(late) >= 0, "a sleep was too short by", -std::ranges::min(late));
  return late;
}

// How late sleeps of 1 ms end while as many goroutines as may run at once compute and never wait.
results hog_wake(std::int64_t count) {
  const int hogs = weft::max_procs();
  std::atomic<bool> stop = false;
  std::atomic<int> computed = 0;
  weft::wait_group wg;
  wg.add(hogs);
  for (int i = 0; i < hogs; ++i) {
    weft::go([&] {
      computed += bench::compute_until(stop) != 0 ? 1 : 0;
      wg.done();
    });
  }
  bench::latencies late(static_cast<std::size_t>(std::max<std::int64_t>(count, 1)));
  for (std::int64_t& ns : late) {
    const std::int64_t began = bench::now_ns();
    weft::sleep(1ms);
    ns = bench::now_ns() - began - 1'000'000;
  }
  stop = true;
  wg.wait();
  bench::check(computed == hogs, "goroutines that computed", computed);
  bench::check(std::ranges::min(late) >= 0, "a sleep was too short by", -std::ranges::min(late));
  std::ranges::sort(late);
  return measurement{.value = static_cast<double>(late[late.size() / 2]),
                     .quantiles = bench::quantiles(late)};
}
