// Contexts made, cancelled, destroyed, waited with, timed out and stopped at the same time, from
// goroutines and foreign threads. What is asserted is a history: each context is done exactly once
// with a cause that somebody gave it or an ancestor, each callback runs once or is stopped once,
// and no node is left. WEFT_TEST_SCALE scales the rounds.
#include <weft/blocking.hpp>
#include <weft/context.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"
#include "support/think.hpp"

namespace {

using namespace std::chrono_literals;
using weft::context;
using weft::error;
using weft::detail::live_context_nodes;
using weft::testing::is_done;

class ContextStress : public weft::testing::Procs {};
WEFT_PROCS(ContextStress);

int rounds(int n) { return std::max(5, static_cast<int>(n * weft::testing::scale())); }

// CX-2, CX-9, CX-13, CX-14, CX-16, T9, T10: everything against everything in one small tree.
TEST_P(ContextStress, AParentsCancelAgainstAllThatItsChildrenDo) {
  const auto before = live_context_nodes();
  run([&] {
    const int n = rounds(4000);
    for (int r = 0; r < n; ++r) {
      auto [parent, cancel] = weft::with_cancel_cause(weft::background());
      auto [other, cancel_other] = weft::with_cancel_cause(weft::background());
      const error why("parent"), own("child"), elsewhere("other"), slow("slow");
      const auto legal = [&](const context& c, std::initializer_list<error> may) {
        ASSERT_TRUE(is_done(c));
        const error first = weft::cause(c);
        ASSERT_TRUE(std::find(may.begin(), may.end(), first) != may.end()) << first;
        ASSERT_EQ(weft::cause(c), first);
        ASSERT_EQ(c.err(), first == slow ? weft::deadline_exceeded : weft::canceled);
      };
      weft::wait_group all;
      const auto seed = static_cast<std::uint64_t>(r) * 16;

      all.go([&, p = parent] {  // makes children and grandchildren, cancels some
        weft::testing::thinker think(procs(), seed + 1);
        for (int i = 0; i < 8; ++i) {
          auto [child, cancel_child] = weft::with_cancel_cause(p);
          auto [below, cancel_below] = weft::with_cancel(weft::with_value(child, i));
          think();
          if (i % 2 == 0) {
            cancel_child(own);
            legal(child, {own, why});
            legal(below, {own, why});  // CX-2
            ASSERT_EQ(weft::cause(below), weft::cause(child));
          } else if (child.err()) {
            legal(child, {why});
          }
        }
      });
      all.go([&, p = parent] {  // drops children without cancelling them first
        weft::testing::thinker think(procs(), seed + 2);
        for (int i = 0; i < 8; ++i) {
          auto made = weft::with_cancel(p);
          think();
          context kept = made.ctx;
          made = weft::with_cancel(weft::with_cancel(kept).ctx);
          think();
          ASSERT_TRUE(is_done(kept));  // its cancel function is gone
          ASSERT_TRUE(made.ctx.err());
        }
      });
      std::atomic<int> ran{0}, stopped{0};
      all.go([&, p = parent] {  // after_func against stop
        weft::testing::thinker think(procs(), seed + 3);
        for (int i = 0; i < 8; ++i) {
          auto stop = weft::after_func(p, [&] { ran.fetch_add(1); });
          think();
          if (i % 3 != 0) {
            stopped.fetch_add(stop.stop() ? 1 : 0);
            ASSERT_FALSE(stop.stop());
          }
        }
      });
      all.go([&, p = parent] {  // deadlines that come at about the same time
        weft::testing::thinker think(procs(), seed + 4);
        for (int i = 0; i < 4; ++i) {
          auto [timed, cancel_timed] =
              weft::with_timeout_cause(p, std::chrono::microseconds(i * 3), slow);
          auto [below, cancel_below] = weft::with_cancel(timed);
          think();
          if (i % 2 == 0) {
            cancel_timed();
            legal(timed, {slow, why, weft::canceled});
            legal(below, {slow, why, weft::canceled});
            ASSERT_EQ(weft::cause(below), weft::cause(timed));
          } else {
            below.done().recv();
            legal(below, {slow, why});
          }
        }
      });
      all.go([&, p = parent, o = other] {  // merged with what is cancelled elsewhere
        weft::testing::thinker think(procs(), seed + 5);
        for (int i = 0; i < 4; ++i) {
          const auto m = weft::merge(p, o);
          auto [below, cancel_below] = weft::with_cancel(m);
          think();
          if (m.err()) {
            legal(m, {why, elsewhere});
          }
        }
      });
      all.go([&, p = parent] {  // waits
        if (const error e = weft::sleep(p, 1h)) {
          ASSERT_EQ(e, weft::canceled);
        }
        legal(p, {why});
      });
      for (int k = 0; k < 2; ++k) {
        all.go([&, k, &stop = cancel, p = parent] {
          weft::testing::thinker think(procs(), seed + 6 + static_cast<std::uint64_t>(k));
          for (int i = 0; i < 6; ++i) {
            think();
          }
          stop(why);
          legal(p, {why});
        });
      }
      all.go([&, &cancel_o = cancel_other] {
        weft::testing::thinker think(procs(), seed + 8);
        for (int i = 0; i < 5; ++i) {
          think();
        }
        cancel_o(elsewhere);
      });
      all.wait();
      while (ran.load() + stopped.load() != 8) {
        weft::yield();
      }
      weft::testing::wait_until_goroutines(1);
      ASSERT_EQ(ran.load() + stopped.load(), 8);
    }
    weft::testing::wait_until_context_nodes(before);
  });
  EXPECT_EQ(live_context_nodes(), before);
}

// A tree that grows at its leaves while it is cancelled at several places.
TEST_P(ContextStress, TreesThatGrowWhileTheyAreCancelled) {
  const auto before = live_context_nodes();
  run([&] {
    const int n = rounds(600);
    for (int r = 0; r < n; ++r) {
      auto top = weft::with_cancel(weft::background());
      weft::wait_group all;
      for (int g = 0; g < 4; ++g) {
        all.go([&, g] {
          std::mt19937 random(static_cast<unsigned>(r * 4 + g));
          std::vector<weft::cancelable_context> mine;
          mine.push_back(weft::with_cancel(top.ctx));
          for (int i = 0; i < 60; ++i) {
            const auto& a = mine[random() % mine.size()].ctx;
            const auto& b = mine[random() % mine.size()].ctx;
            switch (random() % 8) {
              case 0:
                mine.push_back(weft::with_cancel(weft::merge(a, b)));
                break;
              case 1:
                mine.push_back(weft::with_timeout(a, std::chrono::microseconds(random() % 100)));
                break;
              case 2: {
                const auto& m = mine[random() % mine.size()];
                m.cancel();
                ASSERT_TRUE(is_done(m.ctx));
                break;
              }
              case 3:
                if (mine.size() > 4) {
                  const std::size_t which = random() % mine.size();
                  std::swap(mine[which], mine.back());
                  mine.pop_back();
                }
                break;
              default:
                mine.push_back(weft::with_cancel(a));
            }
          }
          if (g == 0) {
            top.cancel();
          }
          top.ctx.done().recv();
          top.cancel();  // returns when all that was made before is done
          for (const auto& m : mine) {
            ASSERT_TRUE(is_done(m.ctx));
          }
        });
      }
      all.wait();
    }
    weft::testing::wait_until_context_nodes(before);
  });
  EXPECT_EQ(live_context_nodes(), before);
}

// Cancelled by goroutines and by threads, while both wait.
TEST_P(ContextStress, ForeignThreadsAndGoroutinesInOneTree) {
  const auto before = live_context_nodes();
  run([&] {
    const int n = rounds(300);
    for (int r = 0; r < n; ++r) {
      auto [top, cancel] = weft::with_cancel_cause(weft::background());
      const error a("a"), b("b");
      weft::mutex locked;
      locked.lock();
      std::thread waits([&, c = top] {
        auto [mine, cancel_mine] = weft::with_cancel(c);
        ASSERT_EQ(locked.lock(mine), weft::canceled);
      });
      std::thread cancels([&, &f = cancel] { f(a); });
      weft::wait_group all;
      for (int i = 0; i < 3; ++i) {
        all.go([&, c = top] {
          auto [mine, cancel_mine] = weft::with_cancel(c);
          ASSERT_EQ(locked.lock(mine), weft::canceled);
          const error why = weft::cause(mine);
          ASSERT_TRUE(why == a || why == b);
        });
      }
      all.go([&, &f = cancel] { f(b); });
      all.wait();
      weft::blocking([&] {
        waits.join();
        cancels.join();
      });
      locked.unlock();
    }
    weft::testing::wait_until_context_nodes(before);
  });
  EXPECT_EQ(live_context_nodes(), before);
}

// Timers that fire into large trees, while the trees go.
TEST_P(ContextStress, DeadlinesOverTreesThatAreCancelledAtTheSameTime) {
  const auto before = live_context_nodes();
  run([&] {
    const int n = rounds(2000);
    for (int r = 0; r < n; ++r) {
      const error slow("slow");
      auto [ctx, cancel] = weft::with_timeout_cause(weft::with_value(weft::background(), r),
                                                    std::chrono::microseconds(r % 60), slow);
      std::vector<weft::cancelable_context> below;
      for (int i = 0; i < 20; ++i) {
        below.push_back(weft::with_cancel(i % 2 == 0 ? ctx : below.back().ctx));
      }
      if (r % 2 == 0) {
        cancel();
        for (const auto& c : below) {
          ASSERT_TRUE(is_done(c.ctx));
          ASSERT_EQ(weft::cause(c.ctx), weft::cause(ctx));
        }
      } else {
        for (const auto& c : below) {
          c.ctx.done().recv();
          ASSERT_EQ(weft::cause(c.ctx), slow);
        }
      }
    }
    weft::testing::wait_until_context_nodes(before);
  });
  EXPECT_EQ(live_context_nodes(), before);
}

}  // namespace
