// Work that splits, and is waited for by wait groups.
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <atomic>

#include "../kernels.hpp"
#include "workloads.hpp"

namespace {

struct queens_search {
  weft::wait_group wg;
  std::atomic<std::int64_t> found = 0;

  // A goroutine for each queen that can be placed in the next row, while these are the first ones.
  void solve(const bench::queens& board) {
    if (board.rows == bench::queens_size::spawned_rows) {
      found += board.solutions();
      return;
    }
    for (std::uint32_t left = board.free(); left != 0; left &= left - 1) {
      wg.add(1);
      weft::go([this, next = board.with(left & -left)] {
        solve(next);
        wg.done();
      });
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
    weft::wait_group wg;
    wg.add(3);
    for (const int q : {0, 1, 2}) {
      weft::go([&wg, part = p.quarter(q / 2, q % 2, k)] {
        multiply(part);
        wg.done();
      });
    }
    multiply(p.quarter(1, 1, k));
    wg.wait();
  }
}

}  // namespace

// The whole board again and again.
results nqueens(std::int64_t count) {
  const bench::queens_size size(count);
  const std::int64_t rounds = std::max<std::int64_t>(count / size.placements, 1);
  std::int64_t found = 0;
  const bench::stopwatch watch;
  for (std::int64_t r = 0; r < rounds; ++r) {
    queens_search search;
    search.solve({.size = size.n});
    search.wg.wait();
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
