// DL-5: circles of mutexes, and what must not be taken for one. Internal: it shortens the patience,
// or makes it endless where nothing may be reported by chance.
#include <weft/chan.hpp>
#include <weft/mutex.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/fixture.hpp"
#include "support/idle.hpp"
#include "support/stderr_text.hpp"
#include "support/think.hpp"
#include "sync/lock_cycle.hpp"

namespace {

using weft::go;
using weft::testing::stderr_text;
using weft::testing::wait_until_parked;
using namespace std::chrono_literals;

constexpr const char* report = "weft: lost wait: goroutines wait for each other's mutexes";

class LockCycle : public weft::testing::Procs {
 protected:
  LockCycle() { weft::detail::lock_cycle_patience_ns = 1'000'000; }
  ~LockCycle() override { weft::detail::lock_cycle_patience_ns = usual_; }

  // Those in a circle stay behind.
  template <class F>
  void reporting(F&& f) {
    weft::run(
        weft::runtime_options{.max_procs = procs(), .on_lost_wait = weft::lost_wait_action::report},
        std::forward<F>(f));
  }

 private:
  std::int64_t usual_ = weft::detail::lock_cycle_patience_ns;
};
WEFT_PROCS(LockCycle);

// n goroutines, each locks its own mutex; when all have, each locks the next one's. Abandoned
// goroutines never let go: nothing here is destroyed.
void make_circle(std::size_t n) {
  struct state {
    std::vector<weft::mutex> mutexes;
    weft::wait_group locked;
  };
  auto* s = new state{std::vector<weft::mutex>(n), {}};
  static std::vector<state*> kept;  // reachable, for leak checkers
  kept.push_back(s);
  s->locked.add(static_cast<int>(n));
  for (std::size_t i = 0; i < n; ++i) {
    go({.name = "link " + std::to_string(i)}, [s, i, n] {
      s->mutexes[i].lock();
      s->locked.done();
      s->locked.wait();
      s->mutexes[(i + 1) % n].lock();
    });
  }
}

TEST_P(LockCycle, OfTwoIsReportedByNameWhileOthersRun) {
  stderr_text err;
  reporting([&] {
    make_circle(2);
    err.wait_for(1, report);
    err.wait_for(1, "\"link 0\":\n\tcreated at ");
    err.wait_for(1, "\"link 1\":\n\tcreated at ");
    const std::string text = err.text();
    EXPECT_EQ(err.count(" holds mutex 0x"), 2u) << text;
    EXPECT_EQ(err.count(" held by goroutine "), 2u) << text;
    EXPECT_EQ(err.count("[sync.Mutex.Lock]") + err.count("[running]"), 2u) << text;
    EXPECT_EQ(err.count("lock_cycle_internal_test.cpp:"), 2u) << text;
    // 2 has what 3 wants, and the other way round.
    const auto first = text.find("goroutine 2 holds mutex 0x");
    ASSERT_NE(first, std::string::npos) << text;
    const std::string line = text.substr(first, text.find('\n', first) - first);
    const std::string held = line.substr(26, line.find(' ', 26) - 26);
    const std::string wanted = line.substr(line.rfind("0x") + 2, held.size());
    EXPECT_NE(held, wanted);
    EXPECT_EQ(err.count("goroutine 3 holds mutex 0x" + wanted + " and waits for mutex 0x" + held +
                        " held by goroutine 2"),
              1u)
        << text;
  });
  EXPECT_EQ(err.count(report), 1u);
}

TEST_P(LockCycle, OfThreeIsReportedOnce) {
  stderr_text err;
  reporting([&] {
    make_circle(3);
    err.wait_for(3, "\tcreated at ");
    EXPECT_EQ(err.count(" holds mutex 0x"), 3u) << err.text();
  });
  EXPECT_EQ(err.count(report), 1u);
}

TEST_P(LockCycle, OfOneIsALockByItsHolder) {
  stderr_text err;
  reporting([&] {
    weft::mutex m;
    go({.name = "twice"}, [&] {
      m.lock();
      m.lock();
    });
    err.wait_for(1, "\"twice\":\n\tcreated at ");
    EXPECT_EQ(err.count(" holds mutex 0x"), 1u) << err.text();
    m.unlock();  // against the rule, and it helps: the report was no end
    weft::testing::wait_until_goroutines(1);
    m.unlock();
  });
  EXPECT_EQ(err.count(report), 1u);
}

// A writer that waits for the writer inside.
TEST_P(LockCycle, OfWritersOfSharedMutexesIsReported) {
  stderr_text err;
  reporting([&] {
    weft::shared_mutex rw;
    weft::mutex m;
    auto locked = std::make_shared<weft::wait_group>();
    locked->add(2);
    const auto both = [locked](auto& first, auto& second) {
      first.lock();
      locked->done();
      locked->wait();
      second.lock();
      second.unlock();
      first.unlock();
    };
    go([&, both] { both(rw, m); });
    go([&, locked] {
      m.lock();
      locked->done();
      locked->wait();
      rw.lock();
      rw.unlock();
    });
    err.wait_for(2, "\tcreated at ");
    EXPECT_EQ(err.count(" holds mutex 0x"), 2u) << err.text();
    m.unlock();
    weft::testing::wait_until_goroutines(1);
  });
  EXPECT_EQ(err.count(report), 1u);
}

// A wait with a limit ends by itself.
TEST_P(LockCycle, WaitsWithALimitMakeNone) {
  stderr_text err;
  reporting([&] {
    weft::mutex m;
    m.lock();
    EXPECT_FALSE(m.try_lock_for(5ms));
    EXPECT_FALSE(m.try_lock());
    m.unlock();
  });
  EXPECT_EQ(err.text(), "");
}

// MU-1: a mutex that was handed over once may always be.
TEST_P(LockCycle, AMutexThatWasHandedOverIsNotLookedAtAnyMore) {
  stderr_text err;
  reporting([&] {
    weft::mutex m;
    m.lock();
    weft::wait_group done;
    done.add(1);
    go([&] {
      m.unlock();
      done.done();
    });
    done.wait();
    m.lock();
    go([&] {
      wait_until_parked(1, "sync.Mutex.Lock");
      // As long as several patiences, by a clock that a busy machine does not hurry.
      weft::mutex other;
      other.lock();
      EXPECT_FALSE(other.try_lock_for(5ms));
      other.unlock();
      m.unlock();
    });
    m.lock();
    m.unlock();
    weft::testing::wait_until_goroutines(1);
  });
  EXPECT_EQ(err.text(), "");
}

// Whoever ended with a mutex locked holds nothing: the record's next goroutine is somebody else.
TEST_P(LockCycle, AnOwnerThatHasEndedIsNotTakenForItsSuccessor) {
  stderr_text err;
  reporting([&] {
    weft::mutex kept, other;
    go([&] { kept.lock(); });
    weft::testing::wait_until_goroutines(1);
    other.lock();
    go([&] {  // with one worker, in the same record
      wait_until_parked(1, "sync.Mutex.Lock");
      other.lock();
      other.unlock();
    });
    std::atomic<bool> has_other{false};
    go([&] {
      other.lock();
      has_other = true;
      kept.lock();
      kept.unlock();
      other.unlock();
    });
    wait_until_parked(2, "sync.Mutex.Lock");  // in this order: the first is served first
    other.unlock();
    while (!has_other) {
      weft::yield();
    }
    wait_until_parked(2, "sync.Mutex.Lock");
    weft::mutex mine;
    mine.lock();
    EXPECT_FALSE(mine.try_lock_for(5ms));
    mine.unlock();
    kept.unlock();
    weft::testing::wait_until_goroutines(1);
  });
  EXPECT_EQ(err.text(), "");
}

// Locks in one order, try-locks in any, hand-overs of mutexes for which that is known: heavy, and
// nothing to report. Patience is none: even a moment that looks like a circle would be one.
TEST_P(LockCycle, NothingIsReportedOfAProgramThatGoesOn) {
  stderr_text err;
  weft::detail::lock_cycle_patience_ns = 0;
  const int rounds = static_cast<int>(2000 * weft::testing::scale()) + 50;
  constexpr std::size_t n = 6;
  struct state {
    std::array<weft::mutex, n> ordered;
    weft::shared_mutex rw;
    weft::mutex baton;
    std::array<int, n> counts{};
  } s;
  reporting([&] {
    s.baton.lock();
    weft::wait_group first;
    first.add(1);
    go([&] {
      s.baton.unlock();
      first.done();
    });
    first.wait();
    for (std::size_t g = 0; g < 8; ++g) {
      go([&, g] {
        weft::testing::thinker think(procs(), g);
        for (int r = 0; r < rounds; ++r) {
          const std::size_t i = (g + static_cast<std::size_t>(r)) % n;
          const std::size_t j = (g * 5 + static_cast<std::size_t>(r) * 3) % n;
          std::lock_guard low(s.ordered[std::min(i, j)]);
          think();
          if (i != j) {
            std::lock_guard high(s.ordered[std::max(i, j)]);
            std::lock_guard writer(s.rw);
            ++s.counts[std::max(i, j)];
            think();
          }
          if (std::unique_lock against(s.ordered[(std::min(i, j) + n - 1) % n], std::try_to_lock);
              against) {
            think();
          }
          if (s.ordered[(std::min(i, j) + 1) % n].try_lock_for(1us)) {
            s.ordered[(std::min(i, j) + 1) % n].unlock();
          }
          if (r % 16 == 0) {
            s.baton.lock();
            go([&] { s.baton.unlock(); });
          }
        }
      });
    }
    weft::testing::wait_until_goroutines(1);
  });
  EXPECT_EQ(err.text(), "");
}

// Off: no owner is noted, nothing is said.
TEST_P(LockCycle, NothingIsSaidUnlessAskedFor) {
  stderr_text err;
  weft::run(weft::runtime_options{.max_procs = procs()}, [&] {
    make_circle(2);
    wait_until_parked(2, "sync.Mutex.Lock");
  });
  EXPECT_EQ(err.text(), "");
}

}  // namespace
