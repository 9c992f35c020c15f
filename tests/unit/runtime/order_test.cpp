// The order in which one worker runs what it has. Nothing is promised; this says what is so.
#include <weft/chan.hpp>
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

// Who came to a channel, and who ran when, after one was sent a value and the others saw the close.
struct wakes {
  std::vector<int> came, ran;
};

wakes one_sent_to_and_many_closed(int many) {
  wakes seen;
  std::mutex m;  // as above
  weft::run(weft::runtime_options{.max_procs = 1}, [&] {
    auto sent = weft::make_chan<int>();
    auto closed = weft::make_chan<int>();
    weft::wait_group all;
    const auto wait_at = [&](weft::chan<int> c, int who) {
      all.go([&, c, who] {
        {
          std::lock_guard hold(m);
          seen.came.push_back(who);
        }
        c.recv();
        std::lock_guard hold(m);
        seen.ran.push_back(who);
      });
    };
    wait_at(sent, many);
    for (int i = 0; i < many; ++i) {
      wait_at(closed, i);
    }
    const auto all_came = [&] {
      std::lock_guard hold(m);
      return seen.came.size() == static_cast<std::size_t>(many) + 1;
    };
    while (!all_came()) {
      weft::yield();  // on one worker, who has come waits before anybody else runs
    }
    sent.send(0);
    closed.close();
    all.wait();
  });
  return seen;
}

// [next.3], as Go: of those that one event wakes the last runs next, then who was to run next
// before, then the others in the order in which they came.
TEST(Order, ACloseWakesAllInTheOrderInWhichOneWakeAfterTheOtherWould) {
  for (const int many : {1, 2, 3, 200}) {
    int as_told = 0;
    for (int i = 0; i < 21; ++i) {
      wakes seen = one_sent_to_and_many_closed(many);
      ASSERT_EQ(seen.came.size(), static_cast<std::size_t>(many) + 1);
      std::vector<int> expected = seen.came;
      std::erase(expected, many);
      std::rotate(expected.begin(), expected.end() - 1, expected.end());
      expected.insert(expected.begin() + 1, many);
      as_told += seen.ran == expected;
      std::sort(seen.ran.begin(), seen.ran.end());
      std::sort(expected.begin(), expected.end());
      EXPECT_EQ(seen.ran, expected);
    }
    EXPECT_GT(as_told, 10) << many;
  }
}

}  // namespace
