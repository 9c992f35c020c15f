// Trees of fibers whose results come back through channels.
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include <memory>

#include "../kernels.hpp"
#include "fibers.hpp"
#include "workloads.hpp"

namespace {

using unbuffered = fibers::unbuffered_channel<std::int64_t>;
using buffered = fibers::buffered_channel<std::int64_t>;

// Sends the sum of first .. first+leaves-1, one leaf a number, up through channels. A channel is
// shared: a child may still be inside push() when the parent has all its values.
void skynet(const std::shared_ptr<unbuffered>& out, std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) {
    out->push(first);
    return;
  }
  auto in = std::make_shared<unbuffered>();
  const std::int64_t step = leaves / 10;
  for (int i = 0; i < 10; ++i) {
    go_small([in, child = first + i * step, step] { skynet(in, child, step); });
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) {
    sum += in->value_pop();
  }
  out->push(sum);
}

std::int64_t fib(int n) {
  if (n < 2) {
    return n;
  }
  auto c = std::make_shared<buffered>(2);  // holds 1
  go_small([c, n] { c->push(fib(n - 1)); });
  const std::int64_t b = fib(n - 2);
  return c->value_pop() + b;
}

}  // namespace

results skynet_1m(std::int64_t count) {
  const bench::skynet_size size(count);
  auto out = std::make_shared<unbuffered>();
  const bench::stopwatch watch;
  go_small([out, leaves = size.leaves] { skynet(out, 0, leaves); });
  const std::int64_t sum = out->value_pop();
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
