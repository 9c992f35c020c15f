// The table of system calls, where more than one call is behind an entry.
#include <gtest/gtest.h>

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "detail/sys.hpp"

namespace {

using weft::detail::sys;

// Threads that live until it ends.
class waiting_threads {
 public:
  explicit waiting_threads(int n) {
    for (int i = 0; i < n; ++i) {
      all_.emplace_back([this] { over_.wait(false); });
    }
  }
  ~waiting_threads() {
    over_ = true;
    over_.notify_all();
    for (std::thread& t : all_) {
      t.join();
    }
  }
  waiting_threads(const waiting_threads&) = delete;
  waiting_threads& operator=(const waiting_threads&) = delete;

 private:
  std::atomic<bool> over_{false};
  std::vector<std::thread> all_;
};

TEST(CountThreads, CountsThoseThatLive) {
  const waiting_threads one(1);  // a sanitizer starts a thread of its own with the first
  const std::size_t before = sys.count_threads();
  EXPECT_GE(before, 2u);
  const waiting_threads five(5);
  EXPECT_EQ(sys.count_threads(), before + 5);
}

TEST(CountThreads, ANameMayLookLikeTheRestOfTheLine) {
  const std::size_t before = sys.count_threads();
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "a) S 1 ) 2");
  EXPECT_EQ(sys.count_threads(), before);
  ::prctl(PR_SET_NAME, name);
}

// DL-1: a count that misses a thread would let a deadlock be reported that is none. Those that live
// come behind those that end in every list.
TEST(CountThreads, MissesNoneWhileOthersEnd) {
  const std::size_t before = sys.count_threads();
  std::size_t least = before + 4;
  for (int round = 0; round < 20; ++round) {
    auto ending = std::make_unique<waiting_threads>(30);
    const waiting_threads living(4);
    std::atomic<bool> over{false};
    std::thread ends([&] {
      ending.reset();
      over = true;
    });
    while (!over) {
      least = std::min(least, sys.count_threads());
    }
    ends.join();
  }
  EXPECT_EQ(least, before + 4);
}

}  // namespace
