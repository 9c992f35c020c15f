// shared_mutex and semaphore with users that wait, that give up and that are cancelled: nothing is
// lost, nobody is inside who must not be, and the objects die as early as they may.
// WEFT_TEST_SCALE scales the rounds.
#include <weft/go.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/test_context.hpp"
#include "support/think.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::test_context;

class SharedMutexStress : public weft::testing::Procs {};
WEFT_PROCS(SharedMutexStress);
class SemaphoreStress : public weft::testing::Procs {};
WEFT_PROCS(SemaphoreStress);

int rounds(int n) { return std::max(10, static_cast<int>(n * weft::testing::scale())); }

// A context for a while: whoever holds it is cancelled when the next one begins.
class passing_context {
 public:
  test_context get() {
    std::lock_guard hold(lock_);
    return now_;
  }
  void next() {
    test_context old;
    {
      std::lock_guard hold(lock_);
      std::swap(old, now_);
    }
    old.cancel();
  }

 private:
  std::mutex lock_;
  test_context now_;
};

// RW-1..5: two values that are equal whenever somebody reads them; each write is counted.
TEST_P(SharedMutexStress, NoUpdateIsLostWithTimedAndCancelledLockers) {
  run([this] {
    weft::shared_mutex m;
    std::int64_t a = 0, b = 0;  // guarded by m
    std::atomic<std::int64_t> written{0}, gave_up{0};
    passing_context contexts;
    const int each = rounds(20'000);
    const auto user = [&](int who) {
      weft::testing::thinker think(procs(), static_cast<std::uint64_t>(who));
      const auto write = [&] {
        ++a;
        if (a % 32 == 0) {
          weft::yield();
        }
        ++b;
        ++written;
        m.unlock();
      };
      const auto read = [&] {
        const std::int64_t seen = a;
        if (seen % 32 == 0) {
          weft::yield();
        }
        ASSERT_EQ(b, seen);
        m.unlock_shared();
      };
      for (int k = 0; k < each; ++k) {
        think();
        switch ((k + who) % 7) {
          case 0:
            m.lock();
            write();
            break;
          case 1:
            m.try_lock_for(std::chrono::nanoseconds(k % 64 * 500)) ? write() : void(++gave_up);
            break;
          case 2:
            !m.lock(contexts.get()) ? write() : void(++gave_up);
            break;
          case 3:
            m.try_lock_shared_for(std::chrono::nanoseconds(k % 64 * 500)) ? read()
                                                                          : void(++gave_up);
            break;
          case 4:
            !m.lock_shared(contexts.get()) ? read() : void(++gave_up);
            break;
          default:
            m.lock_shared();
            read();
        }
        if (k % 4 == 0) {
          contexts.next();
        }
      }
    };
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&, i] { user(i); });
    }
    std::thread other([&] { user(8); });
    all.wait();
    other.join();
    EXPECT_EQ(a, written.load());
    EXPECT_EQ(b, a);
    EXPECT_TRUE(m.try_lock());
    m.unlock();
    std::printf("%lld written, %lld gave up\n", static_cast<long long>(a),
                static_cast<long long>(gave_up.load()));
  });
}

// HZ-1: the last one out destroys it; others have given up on it just before.
TEST_P(SharedMutexStress, MayDieAsSoonAsItsLastUserHasUnlocked) {
  run([this] {
    struct shared {
      weft::shared_mutex m;
      std::atomic<int> waits{2};  // timed waits that have not returned yet
      std::atomic<int> users{3};
    };
    const int n = rounds(20'000);
    std::atomic<int> destroyed{0};
    for (int r = 0; r < n; ++r) {
      auto* s = new shared;
      weft::wait_group all;
      for (int i = 0; i < 2; ++i) {
        all.go([=, this] {
          weft::testing::thinker think(procs(), static_cast<std::uint64_t>(r * 8 + i));
          think();
          if (i == 0 ? s->m.try_lock_for(1us) : s->m.try_lock_shared_for(1us)) {
            i == 0 ? s->m.unlock() : s->m.unlock_shared();
          }
          --s->waits;  // the last touch
        });
      }
      for (int i = 0; i < 3; ++i) {
        all.go([=, this, &destroyed] {
          weft::testing::thinker think(procs(), static_cast<std::uint64_t>(r * 8 + 3 + i));
          think();
          const bool reads = (r + i) % 2 == 0;
          reads ? s->m.lock_shared() : s->m.lock();
          const bool last = --s->users == 0;
          while (last && s->waits != 0) {
            weft::yield();
          }
          reads ? s->m.unlock_shared() : s->m.unlock();
          if (last) {
            // Readers may still be inside who were not last: a writer has to see them out.
            s->m.lock();
            s->m.unlock();
            delete s;
            ++destroyed;
          }
        });
      }
      all.wait();
    }
    EXPECT_EQ(destroyed.load(), n);
  });
}

// SW-1, SW-2, SW-4: tokens are conserved whoever gives up.
TEST_P(SemaphoreStress, TokensAreConservedWithTimedAndCancelledUsers) {
  run([this] {
    constexpr std::int64_t size = 5;
    weft::semaphore s(size);
    std::atomic<std::int64_t> held{0}, granted{0}, gave_up{0};
    passing_context contexts;
    const int each = rounds(20'000);
    const auto user = [&](int who) {
      weft::testing::thinker think(procs(), static_cast<std::uint64_t>(who));
      for (int k = 0; k < each; ++k) {
        think();
        const std::int64_t n = (who * 3 + k * 7) % (size + 1);
        bool mine = true;
        switch ((k + who) % 4) {
          case 0:
            s.acquire(n);
            break;
          case 1:
            mine = s.try_acquire_for(std::chrono::nanoseconds(k % 64 * 500), n);
            break;
          case 2:
            mine = !s.acquire(contexts.get(), n);
            break;
          default:
            mine = s.try_acquire(n);
        }
        if (k % 4 == 0) {
          contexts.next();
        }
        if (!mine) {
          ++gave_up;
          continue;
        }
        ++granted;
        ASSERT_LE(held += n, size);
        if (k % 16 == 0) {
          weft::yield();
        }
        held -= n;
        s.release(n);
      }
    };
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&, i] { user(i); });
    }
    std::thread other([&] { user(8); });
    all.wait();
    other.join();
    EXPECT_EQ(held.load(), 0);
    EXPECT_EQ(granted + gave_up, std::int64_t{9} * each);
    EXPECT_TRUE(s.try_acquire(size));
    std::printf("%lld granted, %lld gave up\n", static_cast<long long>(granted.load()),
                static_cast<long long>(gave_up.load()));
  });
}

// HZ-1
TEST_P(SemaphoreStress, MayDieAsSoonAsTheLastWaitHasReturned) {
  run([] {
    const int n = rounds(50'000);
    for (int r = 0; r < n; ++r) {
      auto s = std::make_unique<weft::semaphore>(2);
      s->acquire(2);
      for (int i = 0; i < 2; ++i) {
        weft::go([at = s.get()] { at->release(); });
      }
      s->acquire(2);
      s.reset();
    }
  });
}

}  // namespace
