// Trees of goroutines whose results come back through channels.
#include <weft/chan.hpp>
#include <weft/go.hpp>

#include "../kernels.hpp"
#include "workloads.hpp"

namespace {

// Sends the sum of first .. first+leaves-1, one leaf a number, up through channels.
void skynet(const weft::chan<std::int64_t>& out, std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) {
    out.send(first);
    return;
  }
  auto in = weft::make_chan<std::int64_t>();
  const std::int64_t step = leaves / 10;
  for (int i = 0; i < 10; ++i) {
    weft::go([in, child = first + i * step, step] { skynet(in, child, step); });
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) {
    sum += *in.recv();
  }
  out.send(sum);
}

std::int64_t fib(int n) {
  if (n < 2) {
    return n;
  }
  auto c = weft::make_chan<std::int64_t>(1);
  weft::go([c, n] { c.send(fib(n - 1)); });
  const std::int64_t b = fib(n - 2);
  return *c.recv() + b;
}

}  // namespace

results skynet_1m(std::int64_t count) {
  const bench::skynet_size size(count);
  auto out = weft::make_chan<std::int64_t>();
  const bench::stopwatch watch;
  weft::go([out, leaves = size.leaves] { skynet(out, 0, leaves); });
  const std::int64_t sum = *out.recv();
  const measurement m = watch.per_op(size.nodes);
  bench::check(sum == bench::sum_below(size.leaves), "sum", sum);
  return m;
}

results fib_27(std::int64_t count) {
  const bench::fib_size size(count);
  const bench::stopwatch watch;
  const std::int64_t got = fib(size.n);
  const measurement m = watch.per_op(size.spawned);
  bench::check(got == size.value, "fib", got);
  return m;
}
