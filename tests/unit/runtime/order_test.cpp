// The order in which one worker runs what it has. Nothing is promised; this says what is so.
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <mutex>
#include <vector>

#include "support/fixture.hpp"

namespace {

std::vector<int> order_of_six() {
  std::vector<int> order;
  std::mutex m;  // one worker is no reason to do without
  weft::run(weft::runtime_options{.max_procs = 1}, [&] {
    weft::wait_group all;
    for (int i = 0; i < 6; ++i) {
      all.go([&, i] {
        std::lock_guard hold(m);
        order.push_back(i);
      });
    }
    all.wait();
  });
  return order;
}

// GR-9: spawn 0..5, then block. Go: 5 0 1 2 3 4. Here the newest comes first, so that a tree of
// goroutines is walked depth first.
TEST(Order, OneWorkerRunsTheNewestFirst) {
  // The monitor may step in when the kernel stops this process for long: not more than now and
  // then.
  int newest_first = 0;
  for (int i = 0; i < 21; ++i) {
    std::vector<int> order = order_of_six();
    newest_first += order == std::vector<int>{5, 4, 3, 2, 1, 0};
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  }
  EXPECT_GT(newest_first, 10);
}

}  // namespace
