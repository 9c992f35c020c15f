// errgroup, with_scope, singleflight, once_value, pool and goroutine_local with everything against
// everything: each task runs once, errors and causes agree, values are made once and not lost, and
// the objects die as early as they may. WEFT_TEST_SCALE scales the rounds.
#include <weft/blocking.hpp>
#include <weft/context.hpp>
#include <weft/errgroup.hpp>
#include <weft/go.hpp>
#include <weft/goroutine_local.hpp>
#include <weft/once_value.hpp>
#include <weft/pool.hpp>
#include <weft/scope.hpp>
#include <weft/singleflight.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"
#include "support/think.hpp"

namespace {

using namespace std::chrono_literals;
using weft::errgroup;
using weft::error;
using weft::detail::live_context_nodes;
using weft::testing::thinker;

class GroupStress : public weft::testing::Procs {};
WEFT_PROCS(GroupStress);

int rounds(int n) { return std::max(10, static_cast<int>(n * weft::testing::scale())); }

// EG-1..5, EG-8, T14: tasks that fail, throw, end by goexit and are refused, under a limit, with
// submitters that give up. The first error is the cause, and no sibling's cancellation.
TEST_P(GroupStress, EachTaskRunsOnceAndTheFirstErrorIsTheCause) {
  const auto before = live_context_nodes();
  run([this] {
    const int n = rounds(10'000);
    for (int r = 0; r < n; ++r) {
      auto [group, ctx] = errgroup::with_context(weft::background());
      const int limit = r % 4 - 1;  // none, 0, 1, 2
      const bool fails = r % 3 == 0;
      group.set_limit(limit == 0 ? 3 : limit);
      const int most = limit < 0 ? 100 : limit == 0 ? 3 : limit;
      std::atomic<int> ran{0}, active{0};
      int accepted = 0;
      const auto task = [&, fails](int i) -> error {
        const int now = ++active;
        EXPECT_LE(now, most);
        ++ran;
        thinker(procs(), static_cast<std::uint64_t>(r * 8 + i))();
        if (i % 4 == 1) {
          weft::yield();
        }
        --active;
        if (error e = ctx.err()) {
          return e;
        }
        if (fails && i == 2) {
          return error("second");
        }
        if (fails && i == 5) {
          throw std::runtime_error("fifth");
        }
        if (i == 6) {
          weft::goexit();
        }
        return {};
      };
      for (int i = 0; i < 8; ++i) {
        if (i % 3 == 0) {
          accepted += group.try_go([&task, i] { return task(i); }) ? 1 : 0;
        } else if (i % 3 == 1) {
          accepted += group.go(ctx, [&task, i] { return task(i); }) ? 0 : 1;
        } else {
          group.go([&task, i] { return task(i); });
          ++accepted;
        }
      }
      const error e = group.wait();
      ASSERT_EQ(ran, accepted);
      ASSERT_EQ(active, 0);
      ASSERT_TRUE(weft::testing::is_done(ctx));
      ASSERT_EQ(weft::cause(ctx), e ? e : weft::canceled);
      ASSERT_NE(e, weft::canceled) << "a sibling's cancellation is not the first error";
      ASSERT_TRUE(fails || !e) << e;
    }
    weft::testing::wait_until_context_nodes(0);
  });
  EXPECT_EQ(live_context_nodes(), before);
}

// HZ-1: destroyed as soon as wait() returns, or without it; what the tasks refer to dies with it.
TEST_P(GroupStress, NoTaskOutlivesItsGroup) {
  run([this] {
    const int n = rounds(30'000);
    for (int r = 0; r < n; ++r) {
      auto seen = std::make_unique<std::atomic<int>>(0);
      auto group = std::make_unique<errgroup>();
      if (r % 2 == 0) {
        group->set_limit(2);
      }
      for (int i = 0; i < 3; ++i) {
        group->go([this, at = seen.get(), i, r] {
          thinker(procs(), static_cast<std::uint64_t>(r * 4 + i))();
          ++*at;
        });
      }
      if (r % 3 != 0) {
        ASSERT_FALSE(group->wait());
        ASSERT_EQ(*seen, 3);
      }
      if (r % 3 == 1) {
        group->go([at = seen.get()] { ++*at; });
      }
      group.reset();
      ASSERT_EQ(*seen, r % 3 == 1 ? 4 : 3);
      seen.reset();
    }
  });
}

// U-3: whatever fails when, the block is left by nobody before all have ended, and with the error
// that cancelled the rest.
TEST_P(GroupStress, AScopeIsLeftByTheLast) {
  const auto before = live_context_nodes();
  run([this] {
    const int n = rounds(10'000);
    for (int r = 0; r < n; ++r) {
      auto [parent, cancel] = weft::with_cancel_cause(weft::background());
      const error own("own"), outer("outer");
      std::atomic<int> inside{0};
      error got;
      bool threw = false;
      weft::wait_group other;
      if (r % 2 == 0) {
        other.go([this, r, &outer, &f = cancel] {
          thinker(procs(), static_cast<std::uint64_t>(r))();
          f(outer);
        });
      }
      try {
        got = weft::with_scope(parent, [&](weft::scope& s) {
          for (int i = 0; i < 4; ++i) {
            s.go([&, i](const weft::context& ctx) -> error {
              ++inside;
              thinker(procs(), static_cast<std::uint64_t>(r * 4 + i))();
              if (i == 2) {
                s.go([&] {
                  ++inside;
                  weft::yield();
                  --inside;
                });
              }
              error e = i == 3 && r % 3 == 0 ? own : r % 2 == 0 ? weft::sleep(ctx, 1h) : error();
              --inside;
              return e;
            });
          }
          if (r % 5 == 0) {
            throw std::runtime_error("body");
          }
        });
      } catch (const std::runtime_error&) {
        threw = true;
      }
      ASSERT_EQ(inside, 0);
      ASSERT_EQ(threw, r % 5 == 0);
      ASSERT_TRUE(!got || got == own || got == weft::canceled) << got;
      ASSERT_TRUE(threw || r % 3 != 0 || got) << "an error was lost";
      ASSERT_TRUE(r % 2 == 0 || r % 3 == 0 || !got) << got;
      other.wait();
    }
  });
  EXPECT_EQ(live_context_nodes(), before);
}

// SF-1..4: callers of all kinds, some of whom give up, while the key is forgotten. Each gets the
// result of a call that overlaps his own; nobody waits for nothing.
TEST_P(GroupStress, SingleflightServesAllItsCallers) {
  run([this] {
    constexpr int goroutines = 6;
    const int each = rounds(20'000);
    weft::singleflight<int, std::int64_t> flights;
    std::atomic<std::int64_t> started{0}, ended{0}, served{0}, gave_up{0}, failed{0};
    const auto user = [&](int who) {
      thinker think(procs(), static_cast<std::uint64_t>(who));
      const auto f = [&, who]() -> std::int64_t {
        const std::int64_t mine = ++started;
        if ((mine + who) % 3 == 0) {
          weft::yield();
        }
        ended = mine;
        if (mine % 16 == 0) {
          throw std::runtime_error("now and then");
        }
        return mine;
      };
      for (int k = 0; k < each; ++k) {
        think();
        const int key = k % 2;
        try {
          if ((k + who) % 3 == 0) {
            auto [ctx, cancel] =
                weft::with_timeout(weft::background(), std::chrono::microseconds(k % 8));
            const auto r = flights.do_(ctx, key, [&, f] {
              std::int64_t v = 0;
              try {
                v = f();  // nobody may be left to catch it
              } catch (const std::runtime_error&) {
              }
              return v;
            });
            ++(r.err ? gave_up : served);
            ASSERT_NE(r.value.has_value(), static_cast<bool>(r.err));
          } else if ((k + who) % 16 == 1) {
            flights.forget(key);
            ++served;
          } else {
            const auto r = flights.do_(key, f);
            ASSERT_TRUE(r.value.has_value());
            ASSERT_LE(*r.value, started);
            ++served;
          }
        } catch (const std::runtime_error&) {
          ++failed;
        }
      }
    };
    weft::wait_group all;
    for (int i = 0; i < goroutines; ++i) {
      all.go([&, i] { user(i); });
    }
    all.wait();
    EXPECT_EQ(served + gave_up + failed, std::int64_t{goroutines} * each);
    weft::testing::wait_until_goroutines(1);
  });
}

// SF-2: one result for each do_chan(), even if its receiver comes late.
TEST_P(GroupStress, DoChanGivesEachOneResult) {
  run([this] {
    const int n = rounds(30'000);
    weft::singleflight<int, int> flights;
    weft::wait_group all;
    for (int g = 0; g < 3; ++g) {
      all.go([&, think = thinker(procs(), static_cast<std::uint64_t>(g))]() mutable {
        for (int k = 0; k < n; ++k) {
          auto c = flights.do_chan(0, [k] { return k; });
          think();
          if (k % 8 == 0) {
            flights.forget(0);
          }
          const auto r = c.recv();
          ASSERT_TRUE(r && r->value);
          ASSERT_EQ(c.len(), 0u);
        }
      });
    }
    all.wait();
  });
}

// ON-2: made once, by one, seen by all; a failure is the same for all; some give up.
TEST_P(GroupStress, OnceValueIsMadeOnceForAllWhoStay) {
  run([this] {
    constexpr int callers = 4;
    const int n = rounds(60'000);
    struct round {
      std::atomic<int> made{0}, seen{0}, caught{0}, left{callers};
      weft::once_value<int> value;
      explicit round(int r)
          : value([this, r] {
              ++made;
              if (r % 4 == 0) {
                weft::yield();
              }
              if (r % 5 == 0) {
                throw std::runtime_error("none");
              }
              return r;
            }) {}
    };
    std::vector<std::unique_ptr<round>> all_rounds;
    for (int r = 0; r < n; ++r) {
      all_rounds.push_back(std::make_unique<round>(r));
    }
    const auto early = weft::with_cancel(weft::background());
    early.cancel();
    std::atomic<int> wrong{0};
    weft::wait_group all;
    for (int i = 0; i < callers; ++i) {
      all.go([&, i, think = thinker(procs(), static_cast<std::uint64_t>(i))]() mutable {
        for (int r = 0; r < n; ++r) {
          think();
          round& mine = *all_rounds[static_cast<std::size_t>(r)];
          try {
            const int* v = nullptr;
            if (i != 3) {
              v = i == 0 ? mine.value.get(weft::background()) : &mine.value();
            } else {
              v = mine.value.get(early.ctx);
            }
            wrong += v != nullptr && *v != r ? 1 : 0;
            wrong += v == nullptr && i != 3 ? 1 : 0;
            ++mine.seen;
          } catch (const std::runtime_error&) {
            ++mine.caught;
          }
          if (--mine.left == 0) {
            wrong += mine.made != 1 || mine.seen + mine.caught != callers ? 1 : 0;
            wrong += r % 5 != 0 ? mine.caught != 0 : mine.caught < callers - 1;
            all_rounds[static_cast<std::size_t>(r)].reset();
          }
        }
      });
    }
    all.wait();
    EXPECT_EQ(wrong, 0);
  });
}

// PL-1: an object is with one at a time; none is lost, none is there twice.
TEST_P(GroupStress, PooledObjectsAreWithOneAtATime) {
  run([this] {
    struct item {
      std::atomic<int> users{0};
    };
    std::atomic<std::int64_t> made{0};
    const int each = rounds(40'000);
    {
      weft::pool<std::unique_ptr<item>> pool({.capacity = 6}, [&] {
        ++made;
        return std::make_unique<item>();
      });
      const auto user = [&](int who) {
        thinker think(procs(), static_cast<std::uint64_t>(who));
        for (int k = 0; k < each; ++k) {
          auto b = pool.borrow();
          ASSERT_EQ(++(*b)->users, 1);
          think();
          if ((k + who) % 8 == 0) {
            weft::yield();
          }
          ASSERT_EQ(--(*b)->users, 0);
          if ((k + who) % 64 == 0) {
            pool.trim(2);
          }
        }
      };
      weft::wait_group all;
      for (int i = 0; i < 8; ++i) {
        all.go([&, i] { user(i); });
      }
      std::thread other([&] { user(8); });
      all.wait();
      weft::blocking([&] { other.join(); });
      EXPECT_LE(pool.size(), 6u);
      EXPECT_GE(made, static_cast<std::int64_t>(pool.size()));
    }
  });
}

// GR-14: what is inherited is a copy as of go(); each value dies with its goroutine.
TEST_P(GroupStress, LocalsBelongToOneGoroutine) {
  static std::atomic<std::int64_t> live{0};
  struct counted {
    int v = 0;
    counted() { ++live; }
    counted(const counted& o) : v(o.v) { ++live; }
    ~counted() { --live; }
  };
  static weft::goroutine_local<counted> inherited{weft::inheritance::copy};
  static weft::goroutine_local<int> own;
  run([] {
    const int n = rounds(40'000);
    for (int r = 0; r < n; ++r) {
      weft::wait_group all;
      inherited->v = r;
      *own = r;
      for (int i = 0; i < 2; ++i) {
        all.go([&, r, i] {
          EXPECT_EQ(inherited->v, r);
          EXPECT_EQ(own.find(), nullptr);
          inherited->v = -i;
          *own = i;
          weft::yield();
          all.go([i] {
            EXPECT_EQ(inherited->v, -i);
            inherited.reset();
            EXPECT_EQ(inherited->v, 0);
          });
          weft::yield();
          EXPECT_EQ(inherited->v, -i);
          EXPECT_EQ(*own, i);
        });
      }
      inherited->v = -7;  // too late for those
      all.wait();
      ASSERT_EQ(inherited->v, -7);
    }
    weft::testing::wait_until_goroutines(1);
  });
  EXPECT_EQ(live, 0);
}

}  // namespace
