// A seeded run with one worker is the same run each time.
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

namespace {

using steps = std::vector<int>;

/// The goroutines of a seeded run are all on one worker; what orders them is no more than that,
/// which ThreadSanitizer rightly does not accept.
class recorder {
 public:
  std::size_t push_back(int step) {
    std::lock_guard hold(lock_);
    seen_.push_back(step);
    return seen_.size();
  }
  steps take() {
    std::lock_guard hold(lock_);
    return std::move(seen_);
  }

 private:
  std::mutex lock_;
  steps seen_;
};

constexpr int runs = 50;
const std::uint64_t seeds[] = {1, 2, 3, 12345, ~std::uint64_t{0}};

void seeded(std::uint64_t seed, const std::function<void()>& f) {
  weft::run(weft::runtime_options{.max_procs = 1, .seed = seed}, f);
}

void compute_for(std::chrono::microseconds time) {
  for (const auto end = std::chrono::steady_clock::now() + time;
       std::chrono::steady_clock::now() < end;) {
  }
}

/// Eight goroutines yield eight times each. At two steps somebody computes for `pause`.
steps interleaving(std::uint64_t seed, std::chrono::microseconds pause = {}) {
  recorder seen;
  seeded(seed, [&] {
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&seen, i, pause] {
        for (int k = 0; k < 8; ++k) {
          if (const std::size_t n = seen.push_back(i); n == 5 || n == 30) {
            compute_for(pause);
          }
          weft::yield();
        }
      });
    }
    all.wait();
  });
  return seen.take();
}

/// Who gets the mutex when, while its holders yield and take `pause`.
steps turns_at_a_mutex(std::uint64_t seed, std::chrono::microseconds pause) {
  steps seen;
  seeded(seed, [&] {
    weft::mutex m;
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.go([&, i] {
        for (int k = 0; k < 6; ++k) {
          std::lock_guard hold(m);
          seen.push_back(i);
          weft::yield();
          compute_for(pause);
        }
      });
    }
    all.wait();
  });
  return seen;
}

/// Channels, select and more goroutines than a worker's own queue holds.
steps crowd(std::uint64_t seed) {
  recorder seen;
  seeded(seed, [&] {
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>(3);
    weft::wait_group all;
    for (int i = 0; i < 1500; ++i) {
      all.go([=, &seen] {
        weft::yield();
        seen.push_back(i);
        weft::yield();
        if (i % 3 == 0) {
          weft::select(weft::send(a, i), weft::send(b, i));
        } else if (i % 3 == 1) {
          b.send(i);
        }
      });
    }
    for (int i = 0; i < 1000; ++i) {
      weft::select(weft::recv(a, [&](std::optional<int> v) { seen.push_back(*v); }),
                   weft::recv(b, [&](std::optional<int> v) { seen.push_back(-*v); }));
    }
    all.wait();
  });
  return seen.take();
}

// GR-9: one worker and one seed make one schedule.
TEST(Seed, GivesTheSameInterleavingEachTime) {
  for (const std::uint64_t seed : seeds) {
    const steps first = interleaving(seed);
    for (int i = 1; i < runs; ++i) {
      ASSERT_EQ(interleaving(seed), first) << "seed " << seed << ", run " << i;
    }
  }
}

// GR-9
TEST(Seed, GivesTheSameInterleavingOfACrowdEachTime) {
  for (const std::uint64_t seed : seeds) {
    const steps first = crowd(seed);
    for (int i = 1; i < 5; ++i) {
      ASSERT_EQ(crowd(seed), first) << "seed " << seed << ", run " << i;
    }
  }
}

// GR-9, GR-7: a goroutine that takes longer than any patience does not change what comes after.
TEST(Seed, GivesTheSameInterleavingHoweverLongAStepTakes) {
  for (const std::uint64_t seed : seeds) {
    const steps quick = interleaving(seed);
    EXPECT_EQ(interleaving(seed, std::chrono::milliseconds(40)), quick) << "seed " << seed;
  }
}

// GR-9, MU-3: nor does the time that waiters of a mutex have waited.
TEST(Seed, GivesTheSameTurnsHoweverLongAMutexIsHeld) {
  for (const std::uint64_t seed : seeds) {
    const steps quick = turns_at_a_mutex(seed, {});
    EXPECT_EQ(turns_at_a_mutex(seed, std::chrono::microseconds(1500)), quick) << "seed " << seed;
  }
}

// GR-9, GR-11: announced blocking still lets the others run.
TEST(Seed, OthersRunDuringABlockingSection) {
  std::atomic<bool> ran{false};
  seeded(7, [&] {
    weft::go([&] { ran = true; });
    weft::blocking([&] {
      while (!ran) {
        ::usleep(100);
      }
    });
  });
  EXPECT_TRUE(ran);
}

// GR-9: what another thread spawned gets its turn, although there is always somebody to run.
TEST(Seed, DoesNotStarveWhatComesFromOutside) {
  std::atomic<bool> ran{false};
  std::thread outside;
  seeded(7, [&] {
    outside = std::thread([&] { weft::go([&] { ran = true; }); });
    weft::wait_group all;
    for (int i = 0; i < 2; ++i) {
      all.go([&] {
        while (!ran) {
          weft::yield();
        }
      });
    }
    all.wait();
  });
  outside.join();
}

// GR-9
TEST(Seed, OtherSeedsGiveOtherInterleavings) {
  std::set<steps> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    seen.insert(interleaving(seed));
  }
  EXPECT_GE(seen.size(), 10u);
}

// GR-9: no seed loses a goroutine.
TEST(Seed, EverySeedRunsEveryStep) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const steps seen = interleaving(seed);
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(std::count(seen.begin(), seen.end(), i), 8) << "seed " << seed;
    }
  }
}

}  // namespace
