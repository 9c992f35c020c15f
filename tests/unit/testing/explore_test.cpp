// Exploring: planted bugs are found, what is sound passes, a seed is a run.
#include <gtest/gtest.h>
#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using weft::testing::explore;
using weft::testing::failure_kind;

weft::testing::options runs(std::uint64_t n) {
  weft::testing::options o;
  o.runs = n;
  o.budget = 10min;
  return o;
}

void check(bool ok) {
  if (!ok) {
    throw std::logic_error("wrong");
  }
}

// What it finds is found again by its seed, with the same order of events.
template <class F>
void expect_found(F f, failure_kind kind) {
  const auto r = explore(f, runs(10'000));
  ASSERT_FALSE(r.passed()) << r.runs << " runs";
  EXPECT_EQ(r.failure->kind, kind);
  weft::testing::options o = runs(1);
  o.seed = r.failure->seed;
  const auto again = explore(f, o);
  ASSERT_FALSE(again.passed());
  EXPECT_EQ(again.schedule, r.schedule);
  EXPECT_EQ(again.failure->kind, kind);
}

// ---- planted bugs ----

TEST(Explore, FindsALostUpdateBetweenTwoCriticalSections) {
  expect_found(
      [] {
        weft::mutex m;
        int value = 0;
        weft::wait_group all;
        for (int i = 0; i < 2; ++i) {
          all.go([&] {
            m.lock();
            const int seen = value;
            m.unlock();
            m.lock();
            value = seen + 1;
            m.unlock();
          });
        }
        all.wait();
        check(value == 2);
      },
      failure_kind::exception);
}

TEST(Explore, FindsLocksTakenInTwoOrders) {
  expect_found(
      [] {
        weft::mutex a, b;
        weft::wait_group all;
        const auto both = [](weft::mutex& first, weft::mutex& second) {
          first.lock();
          second.lock();
          second.unlock();
          first.unlock();
        };
        all.go([&] { both(a, b); });
        all.go([&] { both(b, a); });
        all.wait();
      },
      failure_kind::deadlock);
}

TEST(Explore, FindsASendOnAChannelThatSomebodyCloses) {
  expect_found(
      [] {
        auto c = weft::make_chan<int>(1);
        weft::go([=] { c.send(1); });
        weft::go([=] { c.close(); });
      },
      failure_kind::uncaught);
}

// The bug of golang/go's sync.Cond users: the notify may come before the wait.
TEST(Explore, FindsANotifyThatComesTooEarly) {
  expect_found(
      [] {
        weft::mutex m;
        weft::cond_var c;
        weft::go([&] { c.notify_one(); });
        m.lock();
        c.wait(m);
        m.unlock();
      },
      failure_kind::deadlock);
}

TEST(Explore, FindsAWaiterThatGoesBeforeTheFirstAdd) {
  expect_found(
      [] {
        weft::wait_group group;
        int done = 0;
        weft::go([&] {
          group.add(1);
          ++done;
          group.done();
        });
        weft::yield();
        group.wait();
        check(done == 1);
      },
      failure_kind::exception);
}

TEST(Explore, FindsAResultThatNobodyReceivesAfterATimeout) {
  expect_found(
      [] {
        auto answer = weft::make_chan<int>();  // no buffer: the late sender stays
        weft::go([=] {
          weft::sleep(10ms);
          answer.send(1);
        });
        weft::select(weft::recv(answer), weft::timeout(10ms));
      },
      failure_kind::leak);
}

// Needs three changes at the right places.
TEST(Explore, FindsAnAtomicityViolationThatIsDeep) {
  expect_found(
      [] {
        auto token = weft::make_chan<int>(1);
        token.send(0);
        weft::wait_group all;
        std::atomic<int> inside{0};
        std::atomic<int> most{0};
        for (int i = 0; i < 3; ++i) {
          all.go([&] {
            const int n = *token.recv();
            ++inside;
            most = std::max<int>(most, inside);
            token.send(n + 1);  // too early
            weft::yield();
            --inside;
          });
        }
        all.wait();
        check(most < 3);
      },
      failure_kind::exception);
}

// ---- what is sound ----

TEST(Explore, PassesWhatIsSound) {
  const auto r = explore(
      [] {
        auto jobs = weft::make_chan<int>(2);
        auto results = weft::make_chan<int>();
        weft::wait_group workers;
        for (int i = 0; i < 3; ++i) {
          workers.go([=] {
            for (const int job : jobs) {
              results.send(job * job);
            }
          });
        }
        weft::go([=] {
          for (int i = 1; i <= 10; ++i) {
            jobs.send(i);
          }
          jobs.close();
        });
        weft::go([&workers, results] {
          workers.wait();
          results.close();
        });
        int sum = 0;
        for (const int x : results) {
          sum += x;
        }
        check(sum == 385);
      },
      runs(2'000));
  EXPECT_TRUE(r.passed()) << r.failure->message;
  EXPECT_EQ(r.runs, 2'000u);
  EXPECT_GT(r.steps, r.runs);
}

TEST(Explore, GoesThroughManyDifferentOrders) {
  std::set<std::vector<int>> orders;
  const auto r = explore(
      [&] {
        std::vector<int> order;
        weft::mutex m;
        weft::wait_group all;
        for (int i = 0; i < 4; ++i) {
          all.go([&, i] {
            const std::lock_guard hold(m);
            order.push_back(i);
          });
        }
        all.wait();
        orders.insert(order);
      },
      runs(1'000));
  EXPECT_TRUE(r.passed());
  EXPECT_EQ(orders.size(), 24u) << "all orders of four";
}

TEST(Explore, TheCaseOfASelectIsAChoiceToo) {
  std::set<std::size_t> chosen;
  EXPECT_TRUE(explore(
                  [&] {
                    auto a = weft::make_chan<int>(1);
                    auto b = weft::make_chan<int>(1);
                    a.send(1);
                    b.send(1);
                    chosen.insert(weft::select(weft::recv(a), weft::recv(b)));
                  },
                  runs(50))
                  .passed());
  EXPECT_EQ(chosen.size(), 2u);
}

// ---- a seed is a run ----

TEST(Explore, ASeedGivesTheSameRunEachTime) {
  const auto body = [] {
    auto c = weft::make_chan<int>(1);
    weft::mutex m;
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([&, i] {
        weft::sleep(std::chrono::milliseconds(i % 3));
        m.lock();
        m.unlock();
        weft::select(weft::send(c, i), weft::timeout(5ms));
        if (i % 2 == 0) {
          int taken = 0;
          static_cast<void>(c.try_recv(taken));
        }
      });
    }
    all.wait();
  };
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    weft::testing::options o = runs(1);
    o.seed = seed;
    const auto first = explore(body, o);
    const auto second = explore(body, o);
    EXPECT_EQ(first.schedule, second.schedule) << "seed " << seed;
    EXPECT_EQ(first.steps, second.steps) << "seed " << seed;
  }
}

TEST(Explore, ThousandsOfGoroutinesAreNoMatter) {
  weft::testing::options o = runs(2);
  const auto r = explore(
      [] {
        weft::wait_group all;
        auto c = weft::make_chan<int>();
        for (int i = 0; i < 5'000; ++i) {
          all.go([=] { c.recv(); });
        }
        for (int i = 0; i < 5'000; ++i) {
          c.send(i);
        }
        all.wait();
      },
      o);
  EXPECT_TRUE(r.passed()) << r.failure->message;
}

TEST(Explore, StopsWhenItsBudgetIsUsedUp) {
  weft::testing::options o;
  o.runs = UINT64_MAX;
  o.budget = 1ms;
  const auto r = explore([] {}, o);
  EXPECT_TRUE(r.passed());
  EXPECT_GE(r.runs, 1u);
}

TEST(Explore, NoRunAtAllIsNoPass) {
  EXPECT_THROW(static_cast<void>(explore([] {}, runs(0))), std::invalid_argument);
  ::setenv("WEFT_RUNS", "2", 1);
  const auto r = explore([] {}, runs(0));
  ::unsetenv("WEFT_RUNS");
  EXPECT_EQ(r.runs, 2u);
}

TEST(Explore, ABadNumberOfRunsInTheEnvironmentIsNamed) {
  ::setenv("WEFT_RUNS", "0", 1);
  std::string what;
  try {
    static_cast<void>(explore([] {}, runs(3)));
  } catch (const std::invalid_argument& e) {
    what = e.what();
  }
  ::unsetenv("WEFT_RUNS");
  EXPECT_EQ(what.find("weft: testing: the environment has WEFT_RUNS=0; a whole number from 1 to "),
            0u)
      << what;
}

TEST(Explore, TheNumberOfRunsMayComeFromTheEnvironment) {
  ::setenv("WEFT_RUNS", "17", 1);
  const auto r = explore([] {}, runs(3));
  ::unsetenv("WEFT_RUNS");
  EXPECT_EQ(r.runs, 17u);
}

TEST(Explore, EmptyVariablesOfTheEnvironmentAreNone) {
  ::setenv("WEFT_SEED", "", 1);
  ::setenv("WEFT_RUNS", "", 1);
  const auto r = explore([] {}, runs(3));
  weft::testing::options short_of_time = runs(UINT64_MAX);
  short_of_time.budget = 1ms;
  const auto limited = explore([] {}, short_of_time);
  ::unsetenv("WEFT_SEED");
  ::unsetenv("WEFT_RUNS");
  EXPECT_EQ(r.runs, 3u);
  EXPECT_TRUE(limited.passed());
}

TEST(Explore, PrintsTheSeedOfAFailure) {
  ::testing::internal::CaptureStderr();
  const auto r = explore([] { throw std::logic_error("always"); }, runs(5));
  const std::string text = ::testing::internal::GetCapturedStderr();
  ASSERT_FALSE(r.passed());
  EXPECT_NE(text.find("exception in run 1, with seed 1 (again: weft::testing::replay(1, f), or "
                      "WEFT_SEED=1): an exception left the function: std::logic_error: always"),
            std::string::npos)
      << text;
}

}  // namespace
