// Sleepers.
#include <boost/fiber/operations.hpp>

#include <algorithm>
#include <chrono>

#include "../kernels.hpp"
#include "fibers.hpp"
#include "workloads.hpp"

// Fibers that sleep random times; what counts is the CPU time of the process.
results sleepers_100k(std::int64_t count) {
  wait_group wg(count);
  bench::random_sleeps random(count);
  const double cpu_before = bench::cpu_ns();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::chrono::microseconds d(random.next_us());
    go([&wg, d] {
      boost::this_fiber::sleep_for(d);
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
  wait_group wg(n);
  bench::random_sleeps random(n);
  for (std::int64_t& mine : late) {
    const std::chrono::microseconds d(random.next_us());
    go([&wg, &mine, d] {
      const std::int64_t began = bench::now_ns();
      boost::this_fiber::sleep_for(d);
      mine = bench::now_ns() - began - std::chrono::nanoseconds(d).count();
      wg.done();
    });
  }
  wg.wait();
  bench::check(std::ranges::min(late) >= 0, "a sleep was too short by", -std::ranges::min(late));
  return late;
}
