// Mutexes.
#include <boost/fiber/mutex.hpp>

#include <mutex>

#include "fibers.hpp"
#include "workloads.hpp"

results mutex_uncontended(std::int64_t count) {
  boost::fibers::mutex m;
  std::int64_t held = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    std::lock_guard hold(m);
    ++held;
  }
  const measurement took = watch.per_op(count);
  bench::check(held == count, "times locked", held);
  return took;
}

// Eight fibers that do nothing but count under one mutex.
results mutex_contended_8(std::int64_t count) {
  constexpr int fibers = 8;
  const std::int64_t each = std::max<std::int64_t>(count / fibers, 1);
  boost::fibers::mutex m;
  std::int64_t held = 0;
  wait_group wg(fibers);
  const bench::stopwatch watch;
  for (int i = 0; i < fibers; ++i) {
    go([&] {
      for (std::int64_t k = 0; k < each; ++k) {
        std::lock_guard hold(m);
        ++held;
      }
      wg.done();
    });
  }
  wg.wait();
  const measurement took = watch.per_op(each * fibers);
  bench::check(held == each * fibers, "times locked", held);
  return took;
}
