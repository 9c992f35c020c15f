// Trees of tasks. A task has no stack of its own that could wait for a channel; results are written
// where the parent finds them when it has waited for its group.
#include <oneapi/tbb/task_group.h>

#include <array>
#include <atomic>

#include "../kernels.hpp"
#include "workloads.hpp"

using oneapi::tbb::task_group;

namespace {

// The sum of first .. first+leaves-1, one leaf a number.
std::int64_t skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) {
    return first;
  }
  std::array<std::int64_t, 10> sums{};
  const std::int64_t step = leaves / 10;
  task_group children;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    children.run([&sum = sums[i], child = first + static_cast<std::int64_t>(i) * step, step] {
      sum = skynet(child, step);
    });
  }
  children.wait();
  std::int64_t sum = 0;
  for (const std::int64_t s : sums) {
    sum += s;
  }
  return sum;
}

std::int64_t fib(int n) {
  if (n < 2) {
    return n;
  }
  std::int64_t a = 0;
  task_group child;
  child.run([&a, n] { a = fib(n - 1); });
  const std::int64_t b = fib(n - 2);
  child.wait();
  return a + b;
}

struct queens_search {
  task_group tasks;
  std::atomic<std::int64_t> found = 0;

  // A task for each queen that can be placed in the next row, while these are the first ones.
  void solve(const bench::queens& board) {
    if (board.rows == bench::queens_size::spawned_rows) {
      found += board.solutions();
      return;
    }
    for (std::uint32_t left = board.free(); left != 0; left &= left - 1) {
      tasks.run([this, next = board.with(left & -left)] { solve(next); });
    }
  }
};

// The quarters at once, one of them here; first one half of each sum, then the other.
void multiply(const bench::square_product& p) {
  if (p.size == bench::square_product::leaf) {
    p.compute();
    return;
  }
  for (const int k : {0, 1}) {
    task_group others;
    for (const int q : {0, 1, 2}) {
      others.run([part = p.quarter(q / 2, q % 2, k)] { multiply(part); });
    }
    multiply(p.quarter(1, 1, k));
    others.wait();
  }
}

}  // namespace

results skynet_1m(std::int64_t count) {
  const bench::skynet_size size(count);
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  task_group root;
  root.run_and_wait([&] { sum = skynet(0, size.leaves); });
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

// The whole board again and again.
results nqueens(std::int64_t count) {
  const bench::queens_size size(count);
  const std::int64_t rounds = std::max<std::int64_t>(count / size.placements, 1);
  std::int64_t found = 0;
  const bench::stopwatch watch;
  for (std::int64_t r = 0; r < rounds; ++r) {
    queens_search search;
    search.solve({.size = size.n});
    search.tasks.wait();
    found += search.found;
  }
  const measurement m = watch.per_op(rounds * size.placements);
  bench::check(found == rounds * size.solutions, "solutions", found);
  return m;
}

results matmul(std::int64_t count) {
  bench::matrices m(count);
  const bench::stopwatch watch;
  multiply(m.whole());
  const measurement took = watch.per_op(m.leaves());
  m.check_product();
  return took;
}
