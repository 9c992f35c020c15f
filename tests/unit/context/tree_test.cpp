// Large trees, memory, and what is left over.
#include <weft/context.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;
using weft::detail::live_context_nodes;
using weft::testing::is_done;

class ContextTree : public weft::testing::Procs {};
WEFT_PROCS(ContextTree);

constexpr int many = 100'000;

// CX-14
TEST_P(ContextTree, AHundredThousandChildrenAreDoneWhenCancelReturns) {
  const auto before = live_context_nodes();
  run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    std::vector<weft::cancelable_context> children;
    children.reserve(many);
    for (int i = 0; i < many; ++i) {
      children.push_back(weft::with_cancel(ctx));
    }
    const auto done = children[many / 2].ctx.done();
    cancel();
    EXPECT_TRUE(weft::testing::closed(done));
    for (const auto& c : children) {
      ASSERT_EQ(c.ctx.err(), weft::canceled);
    }
  });
  EXPECT_EQ(live_context_nodes(), before);
}

// No recursion, neither in cancel nor in the destruction.
TEST_P(ContextTree, AHundredThousandLevelsAreDoneWhenCancelReturns) {
  const auto before = live_context_nodes();
  run([] {
    auto [top, cancel] = weft::with_cancel_cause(weft::background());
    std::vector<weft::cancel_function> cancels;
    cancels.reserve(many);
    weft::context last = top;
    for (int i = 0; i < many; ++i) {
      auto [next, stop] = weft::with_cancel(i % 3 == 0 ? weft::with_value(last, i) : last);
      cancels.push_back(std::move(stop));
      last = next;
    }
    EXPECT_EQ(last.value<char>(), nullptr);
    const weft::error why("why");
    cancel(why);
    EXPECT_TRUE(is_done(last));
    EXPECT_EQ(weft::cause(last), why);
    EXPECT_GT(to_string(last).size(), std::size_t{many});
    cancels.clear();
    last = weft::background();  // the whole chain goes here
  });
  EXPECT_EQ(live_context_nodes(), before);
}

TEST(ContextTreeOfMerges, DeepOnesAreCancelledAndDestroyedWithoutRecursion) {
  const auto before = live_context_nodes();
  {
    auto [top, cancel] = weft::with_cancel(weft::background());
    auto [other, cancel_other] = weft::with_cancel(weft::background());
    weft::context last = top;
    for (int i = 0; i < many / 4; ++i) {
      last = weft::merge(last, other);
    }
    cancel();
    EXPECT_TRUE(is_done(last));
    EXPECT_FALSE(other.err());
  }
  EXPECT_EQ(live_context_nodes(), before);
}

// CX-14: a long-lived parent does not collect the links of children that have come and gone.
TEST(ContextTreeOfOne, ForgetsItsFormerChildren) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  const auto before = live_context_nodes();
  for (int i = 0; i < 1000; ++i) {
    auto [child, cancel_child] = weft::with_cancel(ctx);
    auto [grandchild, cancel_grandchild] = weft::with_cancel(weft::with_value(child, 1));
    if (i % 2 == 0) {
      cancel_child();
      EXPECT_TRUE(is_done(grandchild));
    }
  }
  EXPECT_EQ(live_context_nodes(), before);
  EXPECT_FALSE(ctx.wake_source()->done());
  cancel();
}

// CX-2: also for the one that comes second, while the first is still at it.
TEST_P(ContextTree, TheSecondCancelReturnsOnlyWhenAllBelowIsDone) {
  run([this] {
    const int rounds = procs() == 1 ? 5 : 50;
    for (int r = 0; r < rounds; ++r) {
      auto [top, cancel_top] = weft::with_cancel(weft::background());
      auto [mid, cancel_mid] = weft::with_cancel(top);
      std::vector<weft::cancelable_context> leaves;
      std::vector<weft::recv_chan<weft::unit>> done;
      for (int i = 0; i < 500; ++i) {
        leaves.push_back(weft::with_cancel(i % 2 == 0 ? mid : leaves.back().ctx));
        done.push_back(leaves.back().ctx.done());
      }
      weft::wait_group all;
      for (const weft::cancel_function* cancel : {&cancel_top, &cancel_mid, &cancel_top}) {
        all.go([&, cancel] {
          (*cancel)();
          for (const auto& d : done) {
            ASSERT_TRUE(weft::testing::closed(d));
          }
        });
      }
      all.wait();
    }
  });
}

// A timer with much below it leaves the work to a goroutine.
TEST_P(ContextTree, ADeadlineWithManyDescendantsReachesAll) {
  run([] {
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 3ms);
    std::vector<weft::cancelable_context> below;
    for (int i = 0; i < 2000; ++i) {
      below.push_back(weft::with_cancel(i % 3 == 0 ? ctx : below.back().ctx));
    }
    ctx.done().recv();
    cancel();  // helps: returns when all is done
    for (const auto& b : below) {
      ASSERT_TRUE(is_done(b.ctx));
      ASSERT_EQ(b.ctx.err(), weft::deadline_exceeded);
    }
  });
}

// A value's destructor may wait, so it must not run where timers fire.
TEST_P(ContextTree, ValuesAreDestroyedInAGoroutineWhenTheTimerIsTheLastToHoldThem) {
  run([] {
    struct waits {
      weft::chan<std::uint64_t> gone;
      explicit waits(weft::chan<std::uint64_t> c) : gone(std::move(c)) {}
      waits(waits&&) = default;
      waits(const waits&) = delete;
      ~waits() {
        if (gone) {
          gone.send(weft::this_goroutine::id());  // unbuffered: it parks
        }
      }
    };
    const auto gone = weft::make_chan<std::uint64_t>();
    for (int i = 0; i < 100; ++i) {
      weft::go([gone] {
        auto [ctx, cancel] =
            weft::with_timeout(weft::with_value(weft::background(), waits(gone)), 50us);
        ctx.done().recv();
      });
      EXPECT_NE(*gone.recv(), 0u);
    }
  });
}

TEST_P(ContextTree, LeavesNoNodeBehindWhenTheRunEndsWithTimersArmed) {
  const auto before = live_context_nodes();
  weft::cancelable_context kept;
  weft::run(weft::runtime_options{.max_procs = procs()},
            [&] { kept = weft::with_timeout(weft::background(), 1h); });
  EXPECT_FALSE(kept.ctx.err());
  kept.cancel();
  EXPECT_EQ(kept.ctx.err(), weft::canceled);
  kept = {};
  EXPECT_EQ(live_context_nodes(), before);
}

TEST(ContextWithoutRuntime, TimeoutsNeedOne) {
  EXPECT_THROW((void)weft::with_timeout(weft::background(), 1s), weft::no_runtime);
  auto [done, cancel_done] = weft::with_timeout(weft::background(), 0s);
  EXPECT_EQ(done.err(), weft::deadline_exceeded);
  auto [parent, cancel] = weft::with_cancel(weft::background());
  cancel();
  auto [child, cancel_child] = weft::with_timeout(parent, 1s);
  EXPECT_EQ(child.err(), weft::canceled);
}

struct throws_when_moved {
  throws_when_moved() = default;
  throws_when_moved(throws_when_moved&& o) : left(o.left - 1) {
    if (left <= 0) {
      throw std::runtime_error("moved");
    }
  }
  int left = 1;
};

TEST(ContextValueThatThrows, LeavesNothingBehind) {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  const auto before = live_context_nodes();
  EXPECT_THROW((void)weft::with_value(ctx, throws_when_moved{}), std::runtime_error);
  EXPECT_EQ(live_context_nodes(), before);
}

}  // namespace
