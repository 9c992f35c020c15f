// Creating and yielding.
#include <boost/fiber/unbuffered_channel.hpp>

#include <array>
#include <atomic>

#include "fibers.hpp"
#include "workloads.hpp"

// Batches of 1000 fibers that each mark their slot, the least that proves that they ran.
results spawn_join(std::int64_t count) {
  constexpr int batch = 1000;
  std::array<std::int32_t, batch> ran{};
  const std::int64_t batches = std::max<std::int64_t>(count / batch, 1);
  const bench::stopwatch watch;
  for (std::int64_t b = 0; b < batches; ++b) {
    wait_group wg(batch);
    for (std::int32_t& slot : ran) {
      go([&slot, &wg] {
        ++slot;
        wg.done();
      });
    }
    wg.wait();
  }
  const measurement m = watch.per_op(batches * batch);
  for (const std::int32_t n : ran) {
    bench::check(n == batches, "a fiber of each batch ran so often", n);
  }
  return m;
}

results spawn_one(std::int64_t count) {
  count = std::max<std::int64_t>(count, 1);
  std::int64_t ran = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    wait_group wg(1);
    go([&] {
      ++ran;
      wg.done();
    });
    wg.wait();
  }
  const measurement m = watch.per_op(count);
  bench::check(ran == count, "fibers that ran", ran);
  return m;
}

// A thousand fibers wait for one channel; each is given a value and ends.
results spawn_parked(std::int64_t count) {
  constexpr int batch = 1000;
  std::array<std::int64_t, batch> got{};
  const std::int64_t batches = std::max<std::int64_t>(count / batch, 1);
  fibers::unbuffered_channel<std::int64_t> gate;
  std::atomic<std::int64_t> arrived = 0;
  const bench::stopwatch watch;
  for (std::int64_t b = 1; b <= batches; ++b) {
    wait_group wg(batch);
    for (std::int64_t& slot : got) {
      go([&] {
        ++arrived;
        slot += gate.value_pop();
        wg.done();
      });
    }
    while (arrived < b * batch) {
      boost::this_fiber::yield();
    }
    for (int i = 0; i < batch; ++i) {
      gate.push(1);
    }
    wg.wait();
  }
  const measurement m = watch.per_op(batches * batch);
  for (const std::int64_t n : got) {
    bench::check(n == batches, "a fiber of each batch got so much", n);
  }
  return m;
}

results yield_1000(std::int64_t count) {
  constexpr int fibers = 1000;
  const std::int64_t yields = std::max<std::int64_t>(count / fibers, 1);
  std::atomic<std::int64_t> total = 0;
  wait_group wg(fibers);
  const bench::stopwatch watch;
  for (int i = 0; i < fibers; ++i) {
    go([&] {
      std::int64_t done = 0;
      for (; done < yields; ++done) {
        boost::this_fiber::yield();
      }
      total += done;
      wg.done();
    });
  }
  wg.wait();
  const measurement m = watch.per_op(fibers * yields);
  bench::check(total == fibers * yields, "yields", total);
  return m;
}
