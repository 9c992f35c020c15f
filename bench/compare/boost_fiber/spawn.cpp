// Creating, yielding and keeping fibers.
#include <boost/fiber/unbuffered_channel.hpp>

#include <array>
#include <atomic>

#include "fibers.hpp"
#include "workloads.hpp"

// Batches of 1000 fibers that each mark their slot, the least that proves that they ran.
measurement spawn_join(std::int64_t count) {
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

measurement spawn_one(std::int64_t count) {
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

measurement yield_1000(std::int64_t count) {
  constexpr int goroutines = 1000;
  const std::int64_t yields = std::max<std::int64_t>(count / goroutines, 1);
  std::atomic<std::int64_t> total = 0;
  wait_group wg(goroutines);
  const bench::stopwatch watch;
  for (int i = 0; i < goroutines; ++i) {
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
  const measurement m = watch.per_op(goroutines * yields);
  bench::check(total == goroutines * yields, "yields", total);
  return m;
}

// Fibers that wait for one channel. The counter says that each has come to its receive.
measurement parked(std::int64_t count) {
  count = std::max<std::int64_t>(count, 1);
  fibers::unbuffered_channel<char> gate;
  std::atomic<std::int64_t> arrived = 0;
  std::atomic<std::int64_t> released = 0;
  wait_group wg(count);
  const std::int64_t before = bench::resident_bytes();
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    go([&] {
      ++arrived;
      char ignored;
      if (gate.pop(ignored) == fibers::channel_op_status::closed) {
        ++released;
      }
      wg.done();
    });
  }
  while (arrived < count) {
    boost::this_fiber::yield();
  }
  measurement m = watch.per_op(count);
  m.bytes_per_op =
      static_cast<double>(bench::resident_bytes() - before) / static_cast<double>(count);
  gate.close();
  wg.wait();
  bench::check(released == count, "fibers that saw the close", released);
  return m;
}
