#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <alloca.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/fixture.hpp"

namespace {

class Go : public weft::testing::Procs {};
WEFT_PROCS(Go);

// GR-1: the callee and its arguments belong to the new goroutine before go() returns.
TEST_P(Go, CopiesItsFunctionBeforeItReturns) {
  run([] {
    auto out = weft::make_chan<std::string>();
    {
      std::string gone = "a string that is too long for the small buffer";
      weft::go([gone, out] { out.send(gone); });
      gone.assign(gone.size(), 'x');
    }
    EXPECT_EQ(*out.recv(), "a string that is too long for the small buffer");
  });
}

// GR-1
TEST_P(Go, TakesMoveOnlyFunctions) {
  run([] {
    auto out = weft::make_chan<int>();
    weft::go([p = std::make_unique<int>(7), out] { out.send(*p); });
    EXPECT_EQ(*out.recv(), 7);
  });
}

// GR-1
TEST_P(Go, TakesFunctionsThatAreLargerThanTheRecord) {
  run([] {
    auto out = weft::make_chan<int>();
    std::array<int, 1000> big{};
    big[999] = 9;
    weft::go([big, out] { out.send(big[999]); });
    EXPECT_EQ(*out.recv(), 9);
  });
}

// GR-5
TEST_P(Go, RefusesANullFunctionInTheSpawner) {
  run([] {
    EXPECT_THROW(weft::go(std::function<void()>{}), weft::null_function);
    EXPECT_THROW(weft::go(static_cast<void (*)()>(nullptr)), weft::null_function);
    EXPECT_EQ(weft::num_goroutines(), 1u);
  });
}

// RT-5
TEST_P(Go, CountsLiveGoroutines) {
  run([] {
    auto stop = weft::make_chan<int>();
    for (int i = 0; i < 10; ++i) {
      weft::go([stop] { stop.recv(); });
    }
    weft::testing::wait_until_parked(10, "chan receive");
    EXPECT_EQ(weft::num_goroutines(), 11u);
    stop.close();
  });
}

// GR-4: an id is for logs; no two goroutines of a run share one.
TEST_P(Go, GivesEachGoroutineAnIdOfItsOwn) {
  run([] {
    constexpr int n = 1000;
    std::vector<std::uint64_t> ids(n);
    weft::wait_group all;
    for (int i = 0; i < n; ++i) {
      all.go([&ids, i = static_cast<std::size_t>(i)] {
        const std::uint64_t before = weft::this_goroutine::id();
        weft::yield();
        ids[i] = before == weft::this_goroutine::id() ? before : 0;
      });
    }
    all.wait();
    std::set<std::uint64_t> distinct(ids.begin(), ids.end());
    distinct.insert(weft::this_goroutine::id());
    EXPECT_EQ(distinct.size(), n + 1u);
    EXPECT_EQ(distinct.count(0), 0u);
  });
  EXPECT_EQ(weft::this_goroutine::id(), 0u);
}

// GR-4
TEST_P(Go, KeepsACopyOfTheName) {
  run([] {
    auto out = weft::make_chan<std::string>();
    {
      std::string gone = "a name that is too long for the small buffer";
      weft::go({.name = gone}, [out] {
        weft::yield();
        out.send(std::string(weft::this_goroutine::name()));
      });
      gone.assign(gone.size(), 'x');
    }
    EXPECT_EQ(*out.recv(), "a name that is too long for the small buffer");
    weft::go([out] { out.send(std::string(weft::this_goroutine::name())); });
    EXPECT_EQ(*out.recv(), "");
    EXPECT_EQ(weft::this_goroutine::name(), "");
  });
  EXPECT_EQ(weft::this_goroutine::name(), "");
}

// GR-6: all of a stack of one's own can be used, across waits.
TEST_P(Go, CanUseAllOfAStackOfItsOwn) {
  run([] {
    auto out = weft::make_chan<int>();
    weft::go({.stack_bytes = 4 << 20}, [out] {
      constexpr std::size_t bytes = 3 << 20;
      auto* room = static_cast<volatile unsigned char*>(alloca(bytes));
      for (std::size_t i = 0; i < bytes; i += 512) {
        room[i] = static_cast<unsigned char>(i / 512 % 251);
      }
      weft::yield();
      int wrong = 0;
      for (std::size_t i = 0; i < bytes; i += 512) {
        wrong += room[i] != i / 512 % 251;
      }
      out.send(wrong);
    });
    EXPECT_EQ(*out.recv(), 0);
  });
}

struct living {
  static std::atomic<int> count;
  living() { ++count; }
  living(const living&) { ++count; }
  ~living() { --count; }
};
std::atomic<int> living::count{0};

template <std::size_t Bytes>
struct copy_throws {
  living member;
  std::array<char, Bytes> room{};
  copy_throws() = default;
  copy_throws(const copy_throws& other) : member(other.member) { throw std::runtime_error("copy"); }
  void operator()() const {}
};

// GR-1
TEST_P(Go, LeavesNothingBehindWhenTheCopyOfTheFunctionThrows) {
  run([this] {
    copy_throws<1> small;
    copy_throws<1000> large;
    const std::size_t stacks = weft::testing::carved_stacks();
    for (int i = 0; i < 200; ++i) {  // more than a slab of records
      EXPECT_THROW(weft::go(small), std::runtime_error);
      EXPECT_THROW(weft::go(large), std::runtime_error);
      EXPECT_THROW(weft::go({.name = "n", .stack_bytes = 1 << 20}, small), std::runtime_error);
    }
    EXPECT_EQ(living::count.load(), 2);
    EXPECT_EQ(weft::num_goroutines(), 1u);
    // A worker may have started meanwhile, on a stack of its own.
    EXPECT_LE(weft::testing::carved_stacks(), stacks + static_cast<std::size_t>(procs()));
  });
}

// GR-1: what the function owns is destroyed when the goroutine ends.
TEST_P(Go, DestroysItsFunctionAtTheEnd) {
  run([] {
    weft::wait_group all;
    for (int i = 0; i < 100; ++i) {
      all.go([mine = living()] { weft::yield(); });
      all.go([mine = living(), room = std::array<char, 1000>()] {
        EXPECT_EQ(room[999], 0);
        weft::goexit();
      });
    }
    all.wait();
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(living::count.load(), 0);
  });
}

// HZ-11
TEST_P(Go, StartsGoroutinesFromAThreadOfTheUser) {
  run([] {
    constexpr int n = 1000;
    std::atomic<int> ran{0};
    weft::wait_group all;
    all.add(n);
    std::thread other([&] {
      EXPECT_EQ(weft::this_goroutine::id(), 0u);
      for (int i = 0; i < n; ++i) {
        weft::go([&] {
          EXPECT_NE(weft::this_goroutine::id(), 0u);
          ++ran;
          all.done();
        });
      }
    });
    all.wait();
    other.join();
    EXPECT_EQ(ran.load(), n);
  });
}

// GR-1: each spawned function runs once, also when goroutines spawn goroutines.
TEST_P(Go, RunsATreeOfGoroutinesCompletely) {
  run([] {
    std::atomic<int> leaves{0};
    weft::wait_group all;
    std::function<void(int)> grow = [&](int depth) {
      if (depth == 0) {
        ++leaves;
        return;
      }
      all.go([&grow, depth] { grow(depth - 1); });
      all.go([&grow, depth] { grow(depth - 1); });
    };
    grow(12);
    all.wait();
    EXPECT_EQ(leaves.load(), 4096);
  });
}

// GR-15
TEST(GoWithoutARuntime, Throws) {
  EXPECT_THROW(weft::go([] {}), weft::no_runtime);
  EXPECT_THROW(weft::go({.name = "n"}, [] {}), weft::no_runtime);
  EXPECT_THROW(weft::max_procs(), weft::no_runtime);
  EXPECT_EQ(weft::num_goroutines(), 0u);
  weft::wait_group group;
  EXPECT_THROW(group.go([] {}), weft::no_runtime);
  group.wait();  // the counter is zero
}

// GR-15
const bool refused_during_static_initialisation = [] {
  try {
    weft::go([] {});
  } catch (const weft::no_runtime&) {
    return true;
  }
  return false;
}();
TEST(GoWithoutARuntime, ThrowsDuringStaticInitialisation) {
  EXPECT_TRUE(refused_during_static_initialisation);
}

class Goexit : public weft::testing::Procs {};
WEFT_PROCS(Goexit);

// RT-2
TEST_P(Goexit, RunsTheDestructorsOfThisGoroutineOnly) {
  run([] {
    auto order = weft::make_chan<int>(8);
    auto other = weft::make_chan<int>();
    weft::go([other] { other.send(*other.recv() + 1); });
    weft::testing::wait_until_parked(1, "chan receive");
    weft::go([order] {
      struct at_end {
        weft::chan<int> out;
        int n;
        ~at_end() { out.send(n); }
      };
      at_end outer{order, 1};
      [&] {
        at_end inner{order, 2};
        try {
          weft::goexit();
        } catch (const std::exception&) {
          order.send(-1);
        }
      }();
      order.send(-2);
    });
    EXPECT_EQ(*order.recv(), 2);
    EXPECT_EQ(*order.recv(), 1);
    weft::testing::wait_until_goroutines(2);
    EXPECT_EQ(order.len(), 0u);
    other.send(1);
    EXPECT_EQ(*other.recv(), 2);
  });
}

// RT-3: inside a handler it ends the goroutine and drops that exception.
TEST_P(Goexit, DropsTheExceptionThatIsBeingHandled) {
  run([] {
    auto out = weft::make_chan<int>(1);
    weft::go([out] {
      struct at_end {
        weft::chan<int> out;
        ~at_end() { out.send(std::uncaught_exceptions()); }
      } end{out};
      try {
        throw std::runtime_error("dropped");
      } catch (...) {
        weft::goexit();
      }
    });
    EXPECT_EQ(*out.recv(), 1);
  });
}

// RT-2, PN-10: destructors that run because of goexit may wait and spawn.
TEST_P(Goexit, LetsDestructorsWait) {
  run([] {
    auto in = weft::make_chan<int>();
    auto out = weft::make_chan<int>();
    weft::go([in, out] {
      struct at_end {
        weft::chan<int> in, out;
        ~at_end() {
          weft::go([out = out, got = *in.recv()] { out.send(got + 1); });
        }
      } end{in, out};
      weft::goexit();
    });
    weft::testing::wait_until_parked(1, "chan receive");
    in.send(4);
    EXPECT_EQ(*out.recv(), 5);
  });
}

// RT-2: catch (...) that rethrows does not disturb it.
TEST_P(Goexit, PassesThroughHandlersThatRethrow) {
  run([] {
    auto out = weft::make_chan<int>(2);
    weft::go([out] {
      try {
        weft::goexit();
      } catch (...) {
        out.send(1);
        weft::yield();
        throw;
      }
      out.send(2);
    });
    EXPECT_EQ(*out.recv(), 1);
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(out.len(), 0u);
  });
}

// RT-2
TEST(GoexitOutside, ThrowsOnAThreadThatRunsNoGoroutine) {
  EXPECT_THROW(weft::goexit(), weft::misuse);
  weft::run([] { std::thread([] { EXPECT_THROW(weft::goexit(), weft::misuse); }).join(); });
}

}  // namespace
