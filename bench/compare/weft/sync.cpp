// Mutexes.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <shared_mutex>

#include "workloads.hpp"

results mutex_uncontended(std::int64_t count) {
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
results mutex_contended_8(std::int64_t count) {
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

// Eight readers, and a writer that is asked for after each 1000 reads of one of them. One operation
// is a read.
results rwmutex_read(std::int64_t count) {
  constexpr int readers = 8;
  constexpr std::int64_t reads_per_write = 1000;
  const std::int64_t each = std::max<std::int64_t>(count / readers, 1);
  weft::shared_mutex m;
  std::int64_t written = 0;
  std::atomic<std::int64_t> backwards = 0;
  auto due = weft::make_chan<weft::unit>(readers);
  weft::wait_group reading;
  weft::wait_group writing;
  reading.add(readers);
  writing.add(1);
  const bench::stopwatch watch;
  weft::go([&, due] {
    for ([[maybe_unused]] const weft::unit one : due) {
      std::lock_guard hold(m);
      ++written;
    }
    writing.done();
  });
  for (int i = 0; i < readers; ++i) {
    weft::go([&, due] {
      std::int64_t last = 0;
      std::int64_t wrong = 0;
      for (std::int64_t k = 1; k <= each; ++k) {
        {
          std::shared_lock hold(m);
          wrong += written < last ? 1 : 0;
          last = written;
        }
        if (k % reads_per_write == 0) {
          due.send({});
        }
      }
      backwards += wrong;
      reading.done();
    });
  }
  reading.wait();
  due.close();
  writing.wait();
  const measurement took = watch.per_op(each * readers);
  bench::check(written == each / reads_per_write * readers, "writes", written);
  bench::check(backwards == 0, "reads of something older than the last one", backwards);
  return took;
}
