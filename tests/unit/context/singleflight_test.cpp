#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/singleflight.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

using weft::testing::test_context;
using weft::testing::wait_until_goroutines;
using weft::testing::wait_until_parked;

class Singleflight : public weft::testing::Procs {};
WEFT_PROCS(Singleflight);

using group = weft::singleflight<std::string, int>;
using result = weft::singleflight_result<int>;

constexpr const char* joined = "sync.WaitGroup.Wait";

// singleflight_test.go:TestDo
TEST_P(Singleflight, ASingleCallReturnsWhatTheFunctionReturns) {
  run([] {
    group g;
    const auto [value, err, shared] = g.do_("key", [] { return 7; });
    EXPECT_EQ(value, 7);
    EXPECT_EQ(err, nullptr);
    EXPECT_FALSE(shared);
  });
}

// TestDoErr
TEST_P(Singleflight, AFunctionMayReturnAnErrorInsteadOfAValue) {
  run([] {
    group g;
    const weft::error broken("broken");
    const result r = g.do_("key", [&]() -> result { return {.err = broken}; });
    EXPECT_FALSE(r.value);
    EXPECT_EQ(r.err, broken);
    EXPECT_EQ(g.do_("key", [] { return 1; }).value, 1);  // nothing is kept
  });
}

// SF-1: TestDoDupSuppress: one call for all; the leader, too, is told that it was shared.
TEST_P(Singleflight, CallersAtTheSameTimeShareOneCall) {
  run([] {
    group g;
    auto go_on = weft::make_chan<int>();
    std::atomic<int> calls{0}, shared{0};
    weft::wait_group all;
    for (int i = 0; i < 10; ++i) {
      all.go([&] {
        const result r = g.do_("key", [&] {
          ++calls;
          return *go_on.recv();
        });
        EXPECT_EQ(r.value, 42);
        shared += r.shared;
      });
    }
    wait_until_parked(9, joined);
    wait_until_parked(1, "chan receive");
    go_on.send(42);
    all.wait();
    EXPECT_EQ(calls.load(), 1);
    EXPECT_EQ(shared.load(), 10);
    EXPECT_FALSE(g.do_("key", [] { return 1; }).shared);
  });
}

TEST_P(Singleflight, DifferentKeysDoNotWaitForEachOther) {
  run([] {
    group g;
    EXPECT_EQ(g.do_("a", [&] { return 1 + *g.do_("b", [] { return 2; }).value; }).value, 3);
  });
}

// SF-2: TestDoChan
TEST_P(Singleflight, DoChanGivesTheResultOnAChannelThatStaysOpen) {
  run([] {
    group g;
    auto c = g.do_chan("key", [] { return 7; });
    EXPECT_EQ(c.cap(), 1u);
    const auto r = c.recv();
    ASSERT_TRUE(r);
    EXPECT_EQ(r->value, 7);
    EXPECT_FALSE(r->shared);
    wait_until_goroutines(1);
    std::optional<result> more;
    EXPECT_EQ(c.try_recv(more), weft::chan_status::would_block);
    static_cast<void>(g.do_chan("key", [] { return 8; }));  // nobody need receive
  });
}

// SF-1, SF-2
TEST_P(Singleflight, DoAndDoChanShareACall) {
  run([] {
    group g;
    auto go_on = weft::make_chan<int>();
    auto first = g.do_chan("key", [&] { return *go_on.recv(); });
    auto second = g.do_chan("key", [] { return -1; });
    weft::go([&] {
      const result r = g.do_("key", [] { return -2; });
      EXPECT_EQ(r.value, 5);
      EXPECT_TRUE(r.shared);
    });
    wait_until_parked(1, joined);
    go_on.send(5);
    for (auto& c : {first, second}) {
      const auto r = c.recv();
      EXPECT_EQ(r->value, 5);
      EXPECT_TRUE(r->shared);
    }
  });
}

// SF-3: TestForget, TestForgetUnshared
TEST_P(Singleflight, AForgottenCallServesItsCallersAndDoesNotEraseTheNewOne) {
  run([] {
    group g;
    auto first_on = weft::make_chan<int>(), second_on = weft::make_chan<int>();
    auto first = g.do_chan("key", [&] { return *first_on.recv(); });
    wait_until_parked(1, "chan receive");
    g.forget("key");
    auto second = g.do_chan("key", [&] { return *second_on.recv(); });
    wait_until_parked(2, "chan receive");
    first_on.send(1);
    const auto one = first.recv();
    EXPECT_EQ(one->value, 1);
    EXPECT_FALSE(one->shared);
    wait_until_goroutines(2);  // the first has landed
    auto third = g.do_chan("key", [] { return 3; });
    second_on.send(2);
    EXPECT_EQ(second.recv()->value, 2);
    const auto joined_second = third.recv();
    EXPECT_EQ(joined_second->value, 2);
    EXPECT_TRUE(joined_second->shared);
    g.forget("never heard of");
  });
}

// SF-4: TestPanicDo: the same exception for all, and the key is free again.
TEST_P(Singleflight, AnExceptionGoesToTheLeaderAndToAllWhoWait) {
  run([] {
    group g;
    auto go_on = weft::make_chan<int>();
    std::atomic<int> caught{0};
    std::vector<const void*> thrown(4);
    weft::wait_group all;
    for (const void*& what : thrown) {
      all.go([&] {
        try {
          g.do_("key", [&]() -> int {
            go_on.recv();
            throw std::runtime_error("broken");
          });
        } catch (const std::runtime_error& e) {
          EXPECT_STREQ(e.what(), "broken");
          what = &e;
          ++caught;
        }
      });
    }
    wait_until_parked(3, joined);
    wait_until_parked(1, "chan receive");
    go_on.send(0);
    all.wait();
    EXPECT_EQ(caught.load(), 4);
    EXPECT_EQ(thrown, std::vector(4, thrown[0]));
    EXPECT_EQ(g.do_("key", [] { return 1; }).value, 1);
  });
}

// SF-4: TestGoexitDo
TEST_P(Singleflight, GoexitEndsTheLeaderAndAllWhoWait) {
  run([] {
    group g;
    auto go_on = weft::make_chan<int>();
    std::atomic<int> returned{0};
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.go([&] {
        g.do_("key", [&]() -> int {
          go_on.recv();
          weft::goexit();
        });
        ++returned;
      });
    }
    wait_until_parked(3, joined);
    wait_until_parked(1, "chan receive");
    go_on.send(0);
    all.wait();
    EXPECT_EQ(returned.load(), 0);
    EXPECT_EQ(g.do_("key", [] { return 1; }).value, 1);
  });
}

// SF-4
TEST_P(Singleflight, GoexitGivesDoChanNothing) {
  run([] {
    group g;
    auto c = g.do_chan("key", []() -> int { weft::goexit(); });
    wait_until_goroutines(1);
    std::optional<result> r;
    EXPECT_EQ(c.try_recv(r), weft::chan_status::would_block);
    EXPECT_EQ(g.do_("key", [] { return 1; }).value, 1);
  });
}

// U-6: the caller leaves, the function goes on for those who wait still or come yet.
TEST_P(Singleflight, ACallerThatIsCancelledLeavesTheCallInFlight) {
  run([] {
    group g;
    auto go_on = weft::make_chan<int>();
    test_context ctx, other;
    std::atomic<int> calls{0};
    weft::wait_group all;
    all.go([&] {
      const result r = g.do_(ctx, "key", [&] {
        ++calls;
        return *go_on.recv();
      });
      EXPECT_EQ(r.err, weft::canceled);
      EXPECT_FALSE(r.value);
    });
    wait_until_parked(1, "chan receive");
    all.go([&] {
      const result r = g.do_(other, "key", [&] { return ++calls; });
      EXPECT_EQ(r.value, 9);
      EXPECT_TRUE(r.shared);
    });
    wait_until_parked(2, joined);
    ctx.cancel();
    wait_until_goroutines(3);  // the first has left; the function, the second and this one go on
    go_on.send(9);
    all.wait();
    EXPECT_EQ(calls.load(), 1);
    EXPECT_EQ(g.do_(ctx, "key", [&] { return ++calls; }).err, weft::canceled);
    EXPECT_EQ(calls.load(), 1);
    EXPECT_EQ(g.do_(other, "key", [] { return 3; }).value, 3);
  });
}

// SF-4, U-6
TEST_P(Singleflight, ACallerWithAContextGetsTheExceptionOrTheGoexit) {
  run([] {
    group g;
    test_context ctx;
    EXPECT_THROW(g.do_(ctx, "key", []() -> int { throw std::runtime_error("broken"); }),
                 std::runtime_error);
    bool returned = false;
    weft::wait_group all;
    all.go([&] {
      g.do_(ctx, "key", []() -> int { weft::goexit(); });
      returned = true;
    });
    all.wait();
    EXPECT_FALSE(returned);
  });
}

TEST_P(Singleflight, MayBeDestroyedWhileACallInTheBackgroundGoesOn) {
  run([] {
    auto go_on = weft::make_chan<int>();
    weft::recv_chan<result> c;
    {
      group g;
      c = g.do_chan("key", [go_on] { return *go_on.recv(); });
    }
    go_on.send(4);
    EXPECT_EQ(c.recv()->value, 4);
  });
}

TEST_P(Singleflight, ANullFunctionThrows) {
  run([] {
    group g;
    std::function<int()> none;
    EXPECT_THROW(g.do_("key", none), weft::null_function);
    EXPECT_THROW(g.do_(test_context(), "key", none), weft::null_function);
    EXPECT_THROW(static_cast<void>(g.do_chan("key", none)), weft::null_function);
    EXPECT_EQ(g.do_("key", [] { return 1; }).value, 1);
  });
}

// GR-15: a goroutine cannot be had; who has joined must not be left waiting.
TEST(SingleflightOutside, DoChanNeedsARuntimeAndDoDoesNot) {
  group g;
  EXPECT_EQ(g.do_("key", [] { return 1; }).value, 1);
  EXPECT_THROW(static_cast<void>(g.do_chan("key", [] { return 1; })), weft::no_runtime);
  EXPECT_THROW(g.do_(test_context(), "key", [] { return 1; }), weft::no_runtime);
  EXPECT_EQ(g.do_("key", [] { return 2; }).value, 2);
}

TEST_P(Singleflight, TakesAHashAndAnEqualityOfTheUsers) {
  struct by_length {
    std::size_t operator()(const std::string& s) const noexcept { return s.size(); }
    bool operator()(const std::string& a, const std::string& b) const noexcept {
      return a.size() == b.size();
    }
  };
  run([] {
    weft::singleflight<std::string, std::shared_ptr<int>, by_length, by_length> g{by_length()};
    auto go_on = weft::make_chan<int>();
    auto first = g.do_chan("ab", [&] { return std::make_shared<int>(*go_on.recv()); });
    auto second = g.do_chan("xy", [&] { return nullptr; });
    go_on.send(6);
    EXPECT_EQ(*first.recv()->value, *second.recv()->value);
  });
}

// HZ-11
TEST_P(Singleflight, ThreadsOfTheUserShareACallWithGoroutines) {
  run([] {
    group g;
    auto go_on = weft::make_chan<int>();
    std::atomic<bool> leading{false};
    std::thread leader([&] {
      const result r = g.do_("key", [&] {
        leading = true;
        return *go_on.recv();
      });
      EXPECT_EQ(r.value, 8);
      EXPECT_TRUE(r.shared);
    });
    while (!leading) {
      weft::yield();
    }
    weft::go([&] { EXPECT_EQ(g.do_("key", [] { return 0; }).value, 8); });
    wait_until_parked(1, joined);
    go_on.send(8);
    leader.join();
  });
}

// SF-1: each call's value is seen by those who came during that call, and by no others.
TEST_P(Singleflight, EachCallerGetsTheValueOfACallThatOverlapsIt) {
  run([] {
    weft::singleflight<int, int> g;
    std::atomic<int> started{0}, ended{0};
    weft::wait_group all;
    for (int i = 0; i < 6; ++i) {
      all.go([&, i] {
        for (int k = 0; k < 300; ++k) {
          const int before = ended;
          const auto r = g.do_(0, [&] {
            const int mine = ++started;
            if (k % 3 == 0) {
              weft::yield();
            }
            ended = mine;
            return mine;
          });
          ASSERT_GE(*r.value, before);  // equal: that call had not quite ended
          ASSERT_LE(*r.value, started);
          if ((k + i) % 7 == 0) {
            g.forget(1);
          }
        }
      });
    }
    all.wait();
  });
}

}  // namespace
