#include <weft/go.hpp>
#include <weft/semaphore.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::test_context;
using weft::testing::wait_until_parked;
using weft::testing::wait_until_parked_or_over;

class Semaphore : public weft::testing::Procs {};
WEFT_PROCS(Semaphore);

constexpr const char* waiting = "semaphore";

// Nobody waits, exactly `free` tokens are there.
void expect_free(weft::semaphore& s, std::int64_t free) {
  EXPECT_FALSE(s.try_acquire(free + 1));
  ASSERT_TRUE(s.try_acquire(free));
  s.release(free);
}

// semaphore_test.go:TestWeighted: many goroutines, random weights.
TEST_P(Semaphore, NeverGivesOutMoreThanThereAre) {
  run([] {
    constexpr std::int64_t size = 5;
    weft::semaphore s(size);
    std::atomic<std::int64_t> held{0};
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&, i] {
        for (int k = 0; k < 500; ++k) {
          const std::int64_t n = (i * 7 + k * 13) % size + 1;
          s.acquire(n);
          ASSERT_LE(held += n, size);
          if (k % 8 == 0) {
            weft::yield();
          }
          held -= n;
          s.release(n);
        }
      });
    }
    all.wait();
    expect_free(s, size);
  });
}

// SW-6: TestWeightedPanic.
TEST_P(Semaphore, ReleasingMoreThanIsHeldThrowsAndChangesNothing) {
  run([] {
    weft::semaphore s(3);
    EXPECT_THROW(s.release(), weft::semaphore_error);
    s.acquire(2);
    EXPECT_THROW(s.release(3), weft::semaphore_error);
    try {
      s.release(3);
    } catch (const weft::misuse& e) {
      EXPECT_STREQ(e.what(), "weft: semaphore: release 3: only 2 are held");
    }
    s.release(2);
    expect_free(s, 3);
  });
}

TEST_P(Semaphore, NegativeNumbersThrowAndChangeNothing) {
  run([] {
    EXPECT_THROW(weft::semaphore(-1), weft::semaphore_error);
    weft::semaphore s(3);
    s.acquire(1);
    EXPECT_THROW(s.acquire(-1), weft::semaphore_error);
    EXPECT_THROW(static_cast<void>(s.try_acquire(-1)), weft::semaphore_error);
    EXPECT_THROW(static_cast<void>(s.try_acquire_for(1ms, -1)), weft::semaphore_error);
    EXPECT_THROW(static_cast<void>(s.acquire(test_context(), -1)), weft::semaphore_error);
    EXPECT_THROW(s.release(-1), weft::semaphore_error);
    s.release(1);
    expect_free(s, 3);
  });
}

// TestWeightedTryAcquire
TEST_P(Semaphore, TryAcquireNeverWaits) {
  run([] {
    weft::semaphore s(2);
    EXPECT_TRUE(s.try_acquire());
    EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
    EXPECT_TRUE(s.try_acquire(0));
    s.release(2);
    EXPECT_FALSE(s.try_acquire(3));
    expect_free(s, 2);
  });
}

// SW-1, SW-5: TestLargeAcquireDoesntStarve, and strictly so: nobody passes a head that does not
// fit.
TEST_P(Semaphore, ALargeRequestAtTheHeadBlocksSmallerOnes) {
  run([] {
    weft::semaphore s(3);
    s.acquire(2);
    std::string order;
    std::mutex order_lock;
    const auto note = [&](char c) {
      std::lock_guard hold(order_lock);
      order += c;
    };
    weft::wait_group all;
    all.go([&] {
      s.acquire(3);
      note('L');
      s.release(3);
    });
    wait_until_parked(1, waiting);
    EXPECT_FALSE(s.try_acquire(1));  // one is free, but somebody waits
    EXPECT_FALSE(s.try_acquire(0));
    for (std::size_t i = 0; i < 2; ++i) {
      all.go([&] {
        s.acquire(1);
        note('s');
        s.release(1);
      });
      wait_until_parked(2 + i, waiting);
    }
    s.release(1);
    EXPECT_EQ(weft::testing::parked_goroutines(waiting), 3u);
    s.release(1);
    all.wait();
    EXPECT_EQ(order, "Lss");
    expect_free(s, 3);
  });
}

// TestLargeAcquireDoesntStarve: holders that come and go do not keep a large request out.
TEST_P(Semaphore, ALargeRequestIsNotStarvedBySmallOnes) {
  run([] {
    constexpr int n = 4;
    weft::semaphore s(n);
    std::atomic<bool> running{true};
    weft::wait_group all;
    s.acquire(n);
    for (int i = 0; i < n; ++i) {
      all.go([&] {
        while (running) {
          s.acquire(1);
          weft::yield();
          s.release(1);
        }
      });
    }
    s.release(n);
    s.acquire(n);
    running = false;
    s.release(n);
    all.wait();
    expect_free(s, n);
  });
}

// SW-1
TEST_P(Semaphore, ServesThoseWhoWaitInTheOrderOfTheirArrival) {
  run([] {
    weft::semaphore s(1);
    s.acquire();
    std::vector<int> order;  // guarded by s
    weft::wait_group all;
    for (int i = 0; i < 10; ++i) {
      all.go([&, i] {
        s.acquire();
        order.push_back(i);
        s.release();
      });
      wait_until_parked(static_cast<std::size_t>(i) + 1, waiting);
    }
    s.release();
    all.wait();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  });
}

// SW-6
TEST_P(Semaphore, ReleaseWakesAsManyAsFit) {
  run([] {
    weft::semaphore s(6);
    s.acquire(6);
    std::atomic<int> in{0};
    weft::wait_group all;
    for (std::size_t i = 0; i < 4; ++i) {
      all.go([&] {
        s.acquire(2);
        ++in;
      });
      wait_until_parked(i + 1, waiting);
    }
    s.release(5);
    weft::testing::wait_until_goroutines(3);
    EXPECT_EQ(in.load(), 2);
    EXPECT_EQ(weft::testing::parked_goroutines(waiting), 2u);
    s.release(1);
    weft::testing::wait_until_goroutines(2);
    s.release(2);
    all.wait();
    s.release(6);
    expect_free(s, 6);
  });
}

// SW-2: TestWeightedAcquireCanceled, TestCanceledAcquireMakesNoProgress in Go's words.
TEST_P(Semaphore, ADoneContextGetsNothingEvenIfTokensAreFree) {
  run([] {
    weft::semaphore s(2);
    test_context ctx;
    EXPECT_EQ(s.acquire(ctx), nullptr);
    ctx.cancel();
    EXPECT_EQ(s.acquire(ctx), weft::canceled);
    s.release();
    expect_free(s, 2);
  });
}

// SW-2, SW-4: TestAllocCancelDoesntStarve.
TEST_P(Semaphore, AHeadThatIsCancelledLetsTheNextOnesIn) {
  run([] {
    weft::semaphore s(10);
    test_context ctx;
    s.acquire(1);
    weft::wait_group all;
    all.go([&] { EXPECT_EQ(s.acquire(ctx, 10), weft::canceled); });
    wait_until_parked(1, waiting);
    all.go([&] { s.acquire(4); });
    all.go([&] { s.acquire(5); });
    wait_until_parked(3, waiting);
    ctx.cancel();
    all.wait();  // although nobody has released anything
    s.release(10);
    expect_free(s, 10);
  });
}

// SW-4
TEST_P(Semaphore, OneInTheMiddleThatTimesOutLeavesNoHole) {
  run([] {
    weft::semaphore s(2);
    s.acquire(2);
    weft::wait_group all;
    all.go([&] { s.acquire(1); });
    wait_until_parked(1, waiting);
    test_context ctx;
    all.go([&] { EXPECT_EQ(s.acquire(ctx, 2), weft::canceled); });
    wait_until_parked(2, waiting);
    all.go([&] { s.acquire(1); });
    wait_until_parked(3, waiting);
    ctx.cancel();
    weft::testing::wait_until_goroutines(3);
    s.release(2);
    all.wait();
    s.release(2);
    expect_free(s, 2);
  });
}

// SW-3: TestWeightedDoesntBlockIfTooBig.
TEST_P(Semaphore, MoreThanThereAreWaitsForTheContextOnlyAndInNobodysWay) {
  run([] {
    weft::semaphore s(2);
    test_context ctx;
    weft::wait_group all;
    all.go([&] { EXPECT_EQ(s.acquire(ctx, 3), weft::canceled); });
    std::atomic<std::size_t> over{0};
    all.go([&] {
      EXPECT_FALSE(s.try_acquire_for(50ms, 3));
      ++over;
    });
    wait_until_parked_or_over(2, waiting, over);
    for (int i = 0; i < 100; ++i) {
      s.acquire(2);
      s.release(2);
    }
    expect_free(s, 2);
    ctx.cancel();
    all.wait();
    EXPECT_EQ(s.acquire(ctx, 3), weft::canceled);
  });
}

// SW-3: without a limit the wait could never end.
TEST_P(Semaphore, MoreThanThereAreWithoutALimitThrows) {
  run([] {
    weft::semaphore s(2);
    EXPECT_THROW(s.acquire(3), weft::semaphore_error);
    EXPECT_THROW(static_cast<void>(s.acquire(weft::testing::endless_context(), 3)),
                 weft::semaphore_error);
    EXPECT_THROW(static_cast<void>(s.try_acquire_for(std::chrono::hours::max(), 3)),
                 weft::semaphore_error);
    EXPECT_FALSE(s.try_acquire(3));
    EXPECT_FALSE(s.try_acquire_for(-1s, 3));
    expect_free(s, 2);
  });
}

// U-6
TEST_P(Semaphore, TimedFormsTryAtLeastOnce) {
  run([] {
    weft::semaphore s(1);
    EXPECT_TRUE(s.try_acquire_for(-1s));
    EXPECT_FALSE(s.try_acquire_for(-1s));
    EXPECT_FALSE(s.try_acquire_until(std::chrono::steady_clock::now() + 1ms));
    EXPECT_FALSE(s.try_acquire_for(1ms));
    s.release();
    EXPECT_TRUE(s.try_acquire_until(std::chrono::steady_clock::time_point::min()));
    weft::go([&] {
      wait_until_parked(1, waiting);
      s.release();
    });
    EXPECT_TRUE(s.try_acquire_for(std::chrono::hours::max()));
    s.release();
    expect_free(s, 1);
  });
}

TEST_P(Semaphore, APermitGivesBackAtTheEndOfItsScope) {
  run([] {
    weft::semaphore s(5);
    {
      weft::semaphore::permit two(s, 2);
      EXPECT_TRUE(two);
      EXPECT_FALSE(s.try_acquire(4));
      ASSERT_TRUE(s.try_acquire(3));
      weft::semaphore::permit three(s, std::adopt_lock, 3);
      weft::semaphore::permit moved(std::move(two));
      EXPECT_FALSE(two);  // NOLINT: that is what is tested
      moved = std::move(three);
      EXPECT_TRUE(s.try_acquire(2));
      s.release(2);
      moved.release();
      EXPECT_FALSE(moved);
      expect_free(s, 5);
    }
    expect_free(s, 5);
  });
}

// HZ-1: it dies as soon as the one who waited for all tokens has them.
TEST_P(Semaphore, MayBeDestroyedAsSoonAsTheLastWaitHasReturned) {
  run([] {
    for (int round = 0; round < 200; ++round) {
      auto s = std::make_unique<weft::semaphore>(3);
      s->acquire(3);
      for (int i = 0; i < 3; ++i) {
        weft::go([at = s.get()] { at->release(); });
      }
      s->acquire(3);
      s.reset();
    }
  });
}

// HZ-11
TEST_P(Semaphore, ThreadsOfTheUserTakeTokensToo) {
  run([] {
    weft::semaphore s(3);
    std::atomic<int> held{0};
    const auto work = [&] {
      for (int i = 0; i < 300; ++i) {
        const int n = i % 3 + 1;
        if (i % 5 == 0) {
          if (!s.try_acquire_for(50us, n)) {
            continue;
          }
        } else {
          s.acquire(n);
        }
        ASSERT_LE(held += n, 3);
        held -= n;
        s.release(n);
      }
    };
    weft::wait_group all;
    std::vector<std::thread> others;
    for (int i = 0; i < 2; ++i) {
      others.emplace_back(work);
      all.go(work);
    }
    all.wait();
    for (std::thread& t : others) {
      t.join();
    }
    expect_free(s, 3);
  });
}

}  // namespace
