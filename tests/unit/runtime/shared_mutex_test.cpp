#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::test_context;
using weft::testing::wait_until_parked;
using weft::testing::wait_until_parked_or_over;

class SharedMutex : public weft::testing::Procs {};
WEFT_PROCS(SharedMutex);

constexpr const char* writing = "sync.RWMutex.Lock";
constexpr const char* reading = "sync.RWMutex.RLock";

// A lock that is free and forgotten by all: every kind of lock succeeds at once.
void expect_free(weft::shared_mutex& m) {
  ASSERT_TRUE(m.try_lock());
  EXPECT_FALSE(m.try_lock_shared());
  m.unlock();
  ASSERT_TRUE(m.try_lock_shared());
  EXPECT_TRUE(m.try_lock_shared());
  EXPECT_FALSE(m.try_lock());
  m.unlock_shared();
  m.unlock_shared();
}

// RW-1, MM-6: rwmutex_test.go:TestRWMutex.
TEST_P(SharedMutex, KeepsAWriterApartFromAllAndReadersFromWriters) {
  for (int readers : {1, 3, 10}) {
    run([readers] {
      weft::shared_mutex m;
      std::atomic<int> inside{0};  // a writer counts 10000
      int written = 0;
      weft::wait_group all;
      const auto read = [&] {
        for (int i = 0; i < 500; ++i) {
          std::shared_lock hold(m);
          const int n = ++inside;
          ASSERT_TRUE(n >= 1 && n < 10000);
          for (int pause = 0; pause < 100; ++pause) {
            if (pause == 50 && i % 16 == 0) {
              weft::yield();
            }
          }
          --inside;
        }
      };
      const auto write = [&] {
        for (int i = 0; i < 500; ++i) {
          std::lock_guard hold(m);
          ASSERT_EQ(inside += 10000, 10000);
          ++written;
          if (i % 16 == 0) {
            weft::yield();
          }
          inside -= 10000;
        }
      };
      all.go(write);
      for (int i = 0; i < readers / 2; ++i) {
        all.go(read);
      }
      all.go(write);
      for (int i = readers / 2; i < readers; ++i) {
        all.go(read);
      }
      all.wait();
      EXPECT_EQ(inside.load(), 0);
      EXPECT_EQ(written, 1000);
      expect_free(m);
    });
  }
}

// RW-1: rwmutex_test.go:TestParallelReaders: each leaves only when all are inside.
TEST_P(SharedMutex, ReadersAreInsideTogether) {
  run([] {
    for (int readers : {1, 3, 8}) {
      weft::shared_mutex m;
      auto inside = weft::make_chan<int>();
      auto leave = weft::make_chan<int>();
      weft::wait_group all;
      for (int i = 0; i < readers; ++i) {
        all.go([&] {
          m.lock_shared();
          inside.send(0);
          leave.recv();
          m.unlock_shared();
        });
      }
      for (int i = 0; i < readers; ++i) {
        inside.recv();
      }
      for (int i = 0; i < readers; ++i) {
        leave.send(0);
      }
      all.wait();
      expect_free(m);
    }
  });
}

// RW-1, RW-2, RW-3: the writer waits for who was there; who comes later waits for the writer.
TEST_P(SharedMutex, AWaitingWriterKeepsNewReadersOutAndGoesBeforeThem) {
  run([] {
    weft::shared_mutex m;
    std::string order;  // guarded by m
    std::mutex order_lock;
    m.lock_shared();
    m.lock_shared();
    weft::wait_group all;
    all.go([&] {
      std::lock_guard hold(m);
      order += 'W';
    });
    wait_until_parked(1, writing);
    EXPECT_FALSE(m.try_lock_shared());
    for (int i = 0; i < 2; ++i) {
      all.go([&] {
        std::shared_lock hold(m);
        std::lock_guard note(order_lock);
        order += 'R';
      });
    }
    wait_until_parked(2, reading);
    m.unlock_shared();
    for (int i = 0; i < 50; ++i) {
      weft::yield();
    }
    EXPECT_EQ(weft::testing::parked_goroutines(writing), 1u);  // one reader is inside still
    m.unlock_shared();
    all.wait();
    EXPECT_EQ(order, "WRR");
    expect_free(m);
  });
}

// RW-3: ranks R, R, R, W, W, whatever the order in which they came.
TEST_P(SharedMutex, AtUnlockAllWaitingReadersGoBeforeTheNextWriter) {
  run([] {
    for (int round = 0; round < 20; ++round) {
      weft::shared_mutex m;
      std::string order;
      std::mutex order_lock;
      m.lock();
      weft::wait_group all;
      std::size_t writers = 0, readers = 0;
      for (char kind : std::string("WRRWR")) {
        all.go([&, kind] {
          kind == 'W' ? m.lock() : m.lock_shared();
          {
            std::lock_guard note(order_lock);
            order += kind;
          }
          weft::yield();
          kind == 'W' ? m.unlock() : m.unlock_shared();
        });
        if (kind == 'W') {
          wait_until_parked(++writers, writing);
        } else {
          wait_until_parked(++readers, reading);
        }
      }
      m.unlock();
      all.wait();
      ASSERT_EQ(order, "RRRWW");
      expect_free(m);
    }
  });
}

// RW-3: golang/go#76808: a stream of readers overtakes a waiting writer by one batch, not for ever.
TEST_P(SharedMutex, AStreamOfReadersDoesNotStarveAWriter) {
  run([] {
    weft::shared_mutex m;
    std::atomic<bool> stop{false};
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.go([&] {
        while (!stop) {
          std::shared_lock hold(m);
          weft::yield();
        }
      });
    }
    for (int i = 0; i < 50; ++i) {
      std::lock_guard hold(m);
      weft::yield();
    }
    stop = true;
    all.wait();
  });
}

// RW-4
TEST_P(SharedMutex, AnotherGoroutineMayRelease) {
  run([] {
    weft::shared_mutex m;
    m.lock();
    weft::go([&] {
      wait_until_parked(1, reading);
      m.unlock();
    });
    m.lock_shared();
    weft::go([&] {
      wait_until_parked(1, writing);
      m.unlock_shared();
    });
    m.lock();
    m.unlock();
    expect_free(m);
  });
}

// RW-5
TEST_P(SharedMutex, TryFormsFailInsteadOfWaiting) {
  run([] {
    weft::shared_mutex m;
    ASSERT_TRUE(m.try_lock());
    EXPECT_FALSE(m.try_lock());
    EXPECT_FALSE(m.try_lock_shared());
    m.unlock();
    ASSERT_TRUE(m.try_lock_shared());
    EXPECT_TRUE(m.try_lock_shared());
    EXPECT_FALSE(m.try_lock());
    weft::go([&] {
      m.lock();
      m.unlock();
    });
    wait_until_parked(1, writing);
    EXPECT_FALSE(m.try_lock_shared());  // a writer waits
    m.unlock_shared();
    m.unlock_shared();
    weft::testing::wait_until_goroutines(1);
    expect_free(m);
  });
}

TEST_P(SharedMutex, WorksWithTheLocksOfTheStandardLibrary) {
  run([] {
    weft::shared_mutex m;
    {
      std::unique_lock alone(m, 1ms);
      EXPECT_TRUE(alone.owns_lock());
      std::shared_lock reader(m, std::try_to_lock);
      EXPECT_FALSE(reader.owns_lock());
      EXPECT_FALSE(reader.try_lock_for(1ms));
      EXPECT_FALSE(reader.try_lock_until(std::chrono::steady_clock::now() + 1ms));
    }
    {
      std::shared_lock reader(m, 1ms), other(m);
      EXPECT_TRUE(reader.owns_lock());
      std::unique_lock alone(m, std::defer_lock);
      EXPECT_FALSE(alone.try_lock_for(1ms));
      EXPECT_FALSE(alone.try_lock_until(std::chrono::steady_clock::now() + 1ms));
    }
    expect_free(m);
  });
}

// U-6, T12: the readers that a writer kept out must not wait for one who is not there any more.
TEST_P(SharedMutex, AWriterThatTimesOutLetsInTheReadersBehindIt) {
  run([] {
    weft::shared_mutex m;
    m.lock_shared();
    weft::wait_group all;
    std::atomic<std::size_t> over{0};
    all.go([&] {
      EXPECT_FALSE(m.try_lock_for(50ms));
      ++over;
    });
    wait_until_parked_or_over(1, writing, over);
    std::atomic<int> inside{0};
    for (int i = 0; i < 3; ++i) {
      all.go([&] {
        std::shared_lock hold(m);
        ++inside;
      });
    }
    all.wait();  // although this reader has not left
    EXPECT_EQ(inside.load(), 3);
    EXPECT_EQ(over.load(), 1u);
    m.unlock_shared();
    expect_free(m);
  });
}

// U-6
TEST_P(SharedMutex, AWriterThatIsCancelledLetsInTheReadersBehindIt) {
  run([] {
    weft::shared_mutex m;
    test_context ctx;
    m.lock_shared();
    weft::wait_group all;
    all.go([&] { EXPECT_EQ(m.lock(ctx), weft::canceled); });
    wait_until_parked(1, writing);
    for (int i = 0; i < 3; ++i) {
      all.go([&] { std::shared_lock hold(m); });
    }
    wait_until_parked(3, reading);
    ctx.cancel();
    all.wait();
    m.unlock_shared();
    expect_free(m);
  });
}

// A writer in the queue of writers that gives up is no hole in it, nor is the one announced.
TEST_P(SharedMutex, WritersThatGiveUpHandOnToTheNext) {
  run([] {
    weft::shared_mutex m;
    test_context first, second;
    m.lock_shared();
    weft::wait_group all;
    std::atomic<int> written{0};
    all.go([&] { EXPECT_EQ(m.lock(first), weft::canceled); });
    wait_until_parked(1, writing);
    all.go([&] { EXPECT_EQ(m.lock(second), weft::canceled); });
    wait_until_parked(2, writing);
    all.go([&] {
      std::lock_guard hold(m);
      ++written;
    });
    wait_until_parked(3, writing);
    second.cancel();
    first.cancel();
    weft::testing::wait_until_goroutines(2);
    wait_until_parked(1, writing);
    EXPECT_FALSE(m.try_lock_shared());
    m.unlock_shared();
    all.wait();
    EXPECT_EQ(written.load(), 1);
    expect_free(m);
  });
}

// U-6
TEST_P(SharedMutex, AReaderThatGivesUpIsNotInsideLater) {
  run([] {
    weft::shared_mutex m;
    test_context ctx;
    m.lock();
    weft::wait_group all;
    all.go([&] { EXPECT_EQ(m.lock_shared(ctx), weft::canceled); });
    all.go([&] { EXPECT_FALSE(m.try_lock_shared_for(1ms)); });
    all.go([&] { EXPECT_FALSE(m.try_lock_shared_until(std::chrono::steady_clock::now() + 1ms)); });
    weft::testing::wait_until_goroutines(2);
    wait_until_parked(1, reading);
    ctx.cancel();
    all.wait();
    m.unlock();
    expect_free(m);
  });
}

// U-6: as everywhere, a context that is done gets nothing, and a deadline that is past one try.
TEST_P(SharedMutex, LimitsThatAreOverAtTheStart) {
  run([] {
    weft::shared_mutex m;
    test_context ctx;
    EXPECT_EQ(m.lock(ctx), nullptr);
    EXPECT_FALSE(m.try_lock_for(-1s));
    EXPECT_FALSE(m.try_lock_shared_for(0s));
    m.unlock();
    EXPECT_EQ(m.lock_shared(ctx), nullptr);
    m.unlock_shared();
    ctx.cancel();
    EXPECT_EQ(m.lock(ctx), weft::canceled);
    EXPECT_EQ(m.lock_shared(ctx), weft::canceled);
    ASSERT_TRUE(m.try_lock_for(-1s));
    m.unlock();
    ASSERT_TRUE(m.try_lock_shared_until(std::chrono::steady_clock::time_point::min()));
    m.unlock_shared();
    expect_free(m);
  });
}

TEST_P(SharedMutex, AVeryLongLimitIsNone) {
  run([] {
    weft::shared_mutex m;
    m.lock();
    weft::go([&] {
      wait_until_parked(1, reading);
      m.unlock();
    });
    ASSERT_TRUE(m.try_lock_shared_for(std::chrono::hours::max()));
    weft::go([&] {
      wait_until_parked(1, writing);
      m.unlock_shared();
    });
    ASSERT_TRUE(m.try_lock_until(std::chrono::steady_clock::time_point::max()));
    m.unlock();
    expect_free(m);
  });
}

// HZ-11
TEST_P(SharedMutex, ThreadsOfTheUserReadAndWriteToo) {
  run([] {
    weft::shared_mutex m;
    int written = 0;
    const auto work = [&] {
      for (int i = 0; i < 500; ++i) {
        {
          std::lock_guard hold(m);
          ++written;
        }
        std::shared_lock hold(m);
        ASSERT_GT(written, 0);
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
    EXPECT_EQ(written, 2000);
    expect_free(m);
  });
}

// HZ-11
TEST_P(SharedMutex, AThreadOfTheUserMayGiveUp) {
  run([] {
    weft::shared_mutex m;
    test_context ctx;
    m.lock_shared();
    std::thread timed([&] { EXPECT_FALSE(m.try_lock_for(5ms)); });
    timed.join();
    std::thread canceled([&] { EXPECT_EQ(m.lock(ctx), weft::canceled); });
    ctx.cancel();
    canceled.join();
    m.unlock_shared();
    expect_free(m);
  });
}

}  // namespace
