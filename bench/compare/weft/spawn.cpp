// Creating and yielding.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <atomic>

#include "workloads.hpp"

// Batches of 1000 goroutines that each mark their slot, the least that proves that they ran.
results spawn_join(std::int64_t count) {
  constexpr int batch = 1000;
  std::array<std::int32_t, batch> ran{};
  const std::int64_t batches = std::max<std::int64_t>(count / batch, 1);
  const bench::stopwatch watch;
  for (std::int64_t b = 0; b < batches; ++b) {
    weft::wait_group wg;
    wg.add(batch);
    for (std::int32_t& slot : ran) {
      weft::go([&slot, &wg] {
        ++slot;
        wg.done();
      });
    }
    wg.wait();
  }
  const measurement m = watch.per_op(batches * batch);
  for (const std::int32_t n : ran) {
    bench::check(n == batches, "a goroutine of each batch ran so often", n);
  }
  return m;
}

results spawn_one(std::int64_t count) {
  count = std::max<std::int64_t>(count, 1);
  std::int64_t ran = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    weft::wait_group wg;
    wg.add(1);
    weft::go([&] {
      ++ran;
      wg.done();
    });
    wg.wait();
  }
  const measurement m = watch.per_op(count);
  bench::check(ran == count, "goroutines that ran", ran);
  return m;
}

// A thousand goroutines wait for one channel; each is given a value and ends.
results spawn_parked(std::int64_t count) {
  constexpr int batch = 1000;
  std::array<std::int64_t, batch> got{};
  const std::int64_t batches = std::max<std::int64_t>(count / batch, 1);
  auto gate = weft::make_chan<std::int64_t>();
  std::atomic<std::int64_t> arrived = 0;
  const bench::stopwatch watch;
  for (std::int64_t b = 1; b <= batches; ++b) {
    weft::wait_group wg;
    wg.add(batch);
    for (std::int64_t& slot : got) {
      weft::go([&, gate] {
        ++arrived;
        slot += *gate.recv();
        wg.done();
      });
    }
    while (arrived < b * batch) {
      weft::yield();
    }
    for (int i = 0; i < batch; ++i) {
      gate.send(1);
    }
    wg.wait();
  }
  const measurement m = watch.per_op(batches * batch);
  for (const std::int64_t n : got) {
    bench::check(n == batches, "a goroutine of each batch got so much", n);
  }
  return m;
}

results yield_1000(std::int64_t count) {
  constexpr int goroutines = 1000;
  const std::int64_t yields = std::max<std::int64_t>(count / goroutines, 1);
  std::atomic<std::int64_t> total = 0;
  weft::wait_group wg;
  wg.add(goroutines);
  const bench::stopwatch watch;
  for (int i = 0; i < goroutines; ++i) {
    weft::go([&] {
      std::int64_t done = 0;
      for (; done < yields; ++done) {
        weft::yield();
      }
      total += done;
      wg.done();
    });
  }
  wg.wait();
  const measurement m = watch.per_op(goroutines * yields);
  bench::check(total == goroutines * yields, "yields", total);
  return m;
}
