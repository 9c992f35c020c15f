// Mutexes.
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <mutex>

#include "workloads.hpp"

measurement mutex_uncontended(std::int64_t count) {
  weft::mutex m;
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

// Eight goroutines that do nothing but count under one mutex.
measurement mutex_contended_8(std::int64_t count) {
  constexpr int goroutines = 8;
  const std::int64_t each = std::max<std::int64_t>(count / goroutines, 1);
  weft::mutex m;
  std::int64_t held = 0;
  weft::wait_group wg;
  wg.add(goroutines);
  const bench::stopwatch watch;
  for (int i = 0; i < goroutines; ++i) {
    weft::go([&] {
      for (std::int64_t k = 0; k < each; ++k) {
        std::lock_guard hold(m);
        ++held;
      }
      wg.done();
    });
  }
  wg.wait();
  const measurement took = watch.per_op(each * goroutines);
  bench::check(held == each * goroutines, "times locked", held);
  return took;
}
