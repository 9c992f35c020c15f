// What Go's tests of package context check (src/context/context_test.go, x_test.go,
// afterfunc_test.go), in weft's words. The comment of each case names the origin and the rows of
// the parity list.
#include <weft/chan.hpp>
#include <weft/context.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;
using weft::context;
using weft::testing::closed;
using weft::testing::is_done;

class GoContext : public weft::testing::Procs {};
WEFT_PROCS(GoContext);

bool not_done(const context& c) { return !c.err() && !closed(c.done()) && !weft::cause(c); }

// TestBackground, TestTODO: CX-1, CX-20
TEST_P(GoContext, TheRootsAreNeverReady) {
  run([] {
    for (const auto& [c, text] : {std::pair(weft::background(), "context.background"),
                                  std::pair(weft::todo_(), "context.todo")}) {
      EXPECT_EQ(weft::select(weft::recv(c.done()), weft::otherwise()), 1u);
      EXPECT_TRUE(not_done(c));
      EXPECT_EQ(to_string(c), text);
    }
  });
}

// TestWithCancel: CX-2, CX-4, CX-5
TEST_P(GoContext, ChildrenOfManyKindsFollowTheirParent) {
  run([] {
    auto [c1, cancel] = weft::with_cancel(weft::background());
    EXPECT_EQ(to_string(c1), "context.background.with_cancel");
    auto [c2, cancel2] = weft::with_cancel(c1);
    const auto value = weft::with_value(c2, 1);
    auto [c3, cancel3] = weft::with_timeout(value, 1h);
    const context all[] = {c1, c2, value, c3};
    for (const auto& c : all) {
      EXPECT_TRUE(c.done());
      EXPECT_EQ(weft::select(weft::recv(c.done()), weft::otherwise()), 1u);
      EXPECT_TRUE(not_done(c));
    }
    cancel();
    for (const auto& c : all) {
      EXPECT_EQ(weft::select(weft::recv(c.done()), weft::otherwise()), 0u);
      EXPECT_EQ(c.err(), weft::canceled);
    }
  });
}

// TestParentFinishesChild: CX-2, CX-14
TEST_P(GoContext, CancellingAParentFinishesAllBelow) {
  run([] {
    auto [parent, cancel] = weft::with_cancel(weft::background());
    auto [child, cancel_child] = weft::with_cancel(parent);
    const auto value = weft::with_value(parent, 1);
    auto [below_value, cancel_below] = weft::with_cancel(value);
    auto [timed, cancel_timed] = weft::with_timeout(value, 10h);
    (void)weft::after_func(parent, [] {});
    const auto waiting = weft::make_chan<int>();
    int n = 0;
    for (const auto& c : {parent, child, value, below_value, timed}) {
      weft::go([c, waiting, n] {
        c.done().recv();
        EXPECT_EQ(c.err(), weft::canceled);
        waiting.send(n);
      });
      ++n;
    }
    weft::testing::wait_until_parked(static_cast<std::size_t>(n), "chan receive");
    cancel();
    for (const auto& c : {parent, child, value, below_value, timed}) {
      EXPECT_TRUE(is_done(c));
    }
    int sum = 0;
    for (int i = 0; i < n; ++i) {
      sum += *waiting.recv();
    }
    EXPECT_EQ(sum, n * (n - 1) / 2);
    EXPECT_TRUE(is_done(weft::with_value(parent, 2)));
  });
}

// TestChildFinishesFirst: CX-14
TEST_P(GoContext, AChildThatFinishesFirstLeavesItsParentAlone) {
  run([] {
    auto [stoppable, stop] = weft::with_cancel(weft::background());
    for (const auto& parent : {weft::background(), stoppable}) {
      auto [child, cancel] = weft::with_cancel(parent);
      EXPECT_TRUE(not_done(parent));
      EXPECT_TRUE(not_done(child));
      cancel();
      EXPECT_TRUE(is_done(child));
      EXPECT_TRUE(not_done(parent));
    }
  });
}

// TestDeadline, TestTimeout: CX-7, CX-8
TEST_P(GoContext, DeadlinesFireAlsoThroughWrappersAndLongerOnesBelow) {
  run([] {
    const auto soon = [] { return weft::now() + 3ms; };
    const auto fires = [](const context& c) {
      c.done().recv();
      EXPECT_EQ(c.err(), weft::deadline_exceeded);
      EXPECT_LE(*c.deadline(), weft::now());
    };
    auto [a, cancel_a] = weft::with_deadline(weft::background(), soon());
    EXPECT_EQ(to_string(a).find("context.background.with_deadline("), 0u);
    fires(a);
    auto [b, cancel_b] = weft::with_deadline(weft::background(), soon());
    fires(weft::with_value(b, 1));
    auto [c, cancel_c] = weft::with_deadline(weft::background(), soon());
    auto [d, cancel_d] = weft::with_deadline(weft::with_value(c, 1), soon() + 1h);
    EXPECT_EQ(d.deadline(), c.deadline());
    fires(d);
    auto [e, cancel_e] = weft::with_timeout(weft::background(), -1ms);
    EXPECT_TRUE(is_done(e));
    auto [f, cancel_f] = weft::with_deadline(weft::background(), weft::now());
    EXPECT_EQ(f.err(), weft::deadline_exceeded);
  });
}

// TestCanceledTimeout: CX-7, T10
TEST_P(GoContext, CancellingATimeoutGivesCanceled) {
  run([] {
    auto [outer, cancel_outer] = weft::with_timeout(weft::background(), 2s);
    auto [inner, cancel] = weft::with_timeout(outer, 4s);
    cancel();
    EXPECT_TRUE(is_done(inner));
    EXPECT_EQ(inner.err(), weft::canceled);
    EXPECT_TRUE(not_done(outer));
  });
}

// TestValues: CX-6
TEST_P(GoContext, ValuesAreFoundUpTheChain) {
  struct k1 : weft::context_key<std::string> {};
  struct k2 : weft::context_key<std::string> {};
  struct k3 : weft::context_key<std::string> {};
  run([] {
    const auto values = [](const context& c) {
      const auto text = [](const std::string* s) { return s != nullptr ? *s : "-"; };
      return text(c.value<k1>()) + text(c.value<k2>()) + text(c.value<k3>());
    };
    EXPECT_EQ(values(weft::background()), "---");
    const auto c1 = weft::with_value<k1>(weft::background(), "a");
    EXPECT_EQ(values(c1), "a--");
    EXPECT_EQ(to_string(c1).find("context.background.with_value("), 0u);
    const auto c2 = weft::with_value<k2>(c1, "b");
    const auto c3 = weft::with_value<k3>(c2, "c");
    EXPECT_EQ(values(c3), "abc");
    const auto c4 = weft::with_value<k1>(c3, std::nullopt);
    EXPECT_EQ(values(c4), "-bc");
    auto [o, cancel] = weft::with_timeout(c4, 1h);
    const auto o2 = weft::with_value<k1>(o, "d");
    EXPECT_EQ(values(o2), "dbc");
    EXPECT_EQ(values(o), "-bc");
  });
}

// TestSimultaneousCancels: CX-2, CX-19
TEST_P(GoContext, CancelsOfAFamilyAtTheSameTimeAllTakeEffect) {
  run([] {
    auto [root, cancel_root] = weft::with_cancel(weft::background());
    std::vector<weft::cancelable_context> family;
    std::vector<context> queue{root};
    for (std::size_t at = 0; family.size() < 90; ++at) {
      for (int i = 0; i < 3; ++i) {
        family.push_back(weft::with_cancel(queue[at]));
        queue.push_back(family.back().ctx);
      }
    }
    weft::wait_group all;
    for (auto& f : family) {
      all.go([&f] {
        f.cancel();
        EXPECT_TRUE(is_done(f.ctx));
      });
    }
    all.go([&c = cancel_root] { c(); });
    for (auto& f : family) {
      f.ctx.done().recv();
    }
    root.done().recv();
    all.wait();
  });
}

// TestInterlockedCancels: T9
TEST_P(GoContext, ACancelThatWaitsForAnotherCancelIsNotBlockedByIt) {
  run([] {
    auto [parent, cancel_parent] = weft::with_cancel(weft::background());
    auto [child, cancel_child] = weft::with_cancel(parent);
    weft::go([p = parent, &stop = cancel_child] {
      p.done().recv();
      stop();
    });
    cancel_parent();
    child.done().recv();
    weft::testing::wait_until_goroutines(1);
  });
}

// A tree and what ought to be true of it.
struct family_tree {
  struct node {
    context ctx;
    std::function<void(const weft::error&)> cancel;
    int parent;
    int value;
    bool done = false;
    weft::error cause;
  };
  std::vector<node> nodes;
  std::mt19937 random;

  explicit family_tree(std::uint32_t seed) : random(seed) {
    nodes.push_back({weft::background(), [](const weft::error&) {}, -1, -1, false, {}});
  }
  int pick() {
    // mostly young ones: deep trees
    const auto n = static_cast<int>(nodes.size());
    return random() % 4 != 0 ? n - 1 - static_cast<int>(random() % 3) % n
                             : static_cast<int>(random() % static_cast<unsigned>(n));
  }
  void grow(bool timeouts) {
    const int p = pick();
    node& above = nodes[static_cast<std::size_t>(p)];
    node made{above.ctx, [](const weft::error&) {}, p, above.value, above.done, above.cause};
    switch (random() % 4) {
      case 0: {
        made.value = static_cast<int>(random() % 1000);
        made.ctx = weft::with_value(above.ctx, made.value);
        made.cancel = above.cancel;  // it stands for its parent
        break;
      }
      case 1:
      case 2: {
        auto [ctx, cancel] = weft::with_cancel_cause(above.ctx);
        made.ctx = ctx;
        made.cancel = [c = std::make_shared<weft::cancel_cause_function>(std::move(cancel))](
                          const weft::error& why) { (*c)(why); };
        break;
      }
      default: {
        auto [ctx, cancel] = timeouts ? weft::with_timeout(above.ctx, 1h + 1s * (random() % 100))
                                      : weft::with_cancel(above.ctx);
        made.ctx = ctx;
        made.cancel = [c = std::make_shared<weft::cancel_function>(std::move(cancel))](
                          const weft::error&) { (*c)(); };
        plain.push_back(nodes.size());
      }
    }
    nodes.push_back(std::move(made));
  }
  std::vector<std::size_t> plain;

  void finish(std::size_t i, const weft::error& why) {
    const bool is_plain = std::find(plain.begin(), plain.end(), i) != plain.end();
    nodes[i].cancel(why);
    mark(i, is_plain ? weft::canceled : why);
  }
  void mark(std::size_t i, const weft::error& why) {
    if (nodes[i].done) {
      return;
    }
    nodes[i].done = true;
    nodes[i].cause = why;
    for (std::size_t k = i + 1; k < nodes.size(); ++k) {
      if (nodes[k].parent == static_cast<int>(i)) {
        mark(k, why);
      }
    }
  }
  void check() const {
    for (const node& n : nodes) {
      ASSERT_EQ(n.done, is_done(n.ctx));
      ASSERT_EQ(n.done ? n.cause : weft::error(), weft::cause(n.ctx));
      const int* v = n.ctx.value<int>();
      ASSERT_EQ(v != nullptr ? *v : -1, n.value);
    }
  }
};

// TestLayersCancel, TestLayersTimeout: CX-2, CX-6, CX-9, CX-16, T10
TEST_P(GoContext, RandomTreesAreDoneExactlyWhereTheyShouldBe) {
  run([] {
    for (std::uint32_t seed = 1; seed <= 30; ++seed) {
      SCOPED_TRACE(seed);
      family_tree tree(seed);
      for (int i = 0; i < 120; ++i) {
        tree.grow(seed % 2 == 0);
        if (tree.random() % 12 == 0) {
          std::size_t which = tree.random() % tree.nodes.size();
          // a value stands for the nearest that can be cancelled
          while (which != 0 && tree.nodes[which].ctx.wake_source() != nullptr &&
                 tree.nodes[static_cast<std::size_t>(tree.nodes[which].parent)].ctx.wake_source() ==
                     tree.nodes[which].ctx.wake_source()) {
            which = static_cast<std::size_t>(tree.nodes[which].parent);
          }
          if (tree.nodes[which].ctx.wake_source() != nullptr) {
            tree.finish(which, weft::error("number " + std::to_string(i)));
          }
          tree.check();
        }
      }
      tree.check();
    }
  });
}

// TestWithCancelCanceledParent: CX-16
TEST_P(GoContext, AChildOfACancelledParentIsBornDoneWithItsCause) {
  run([] {
    auto [parent, cancel] = weft::with_cancel_cause(weft::background());
    const weft::error why("because");
    cancel(why);
    auto [child, cancel_child] = weft::with_cancel(parent);
    EXPECT_TRUE(is_done(child));
    EXPECT_EQ(child.err(), weft::canceled);
    EXPECT_EQ(weft::cause(child), why);
  });
}

// TestWithCancelSimultaneouslyCanceledParent: CX-16
TEST_P(GoContext, AChildMadeWhileTheParentIsCancelledEndsUpDone) {
  run([] {
    for (int i = 0; i < 300; ++i) {
      auto [parent, cancel] = weft::with_cancel_cause(weft::background());
      const weft::error why("because");
      weft::wait_group caller;  // the child may be done before the call has returned
      caller.go([&stop = cancel, why] { stop(why); });
      auto [child, cancel_child] = weft::with_cancel(parent);
      child.done().recv();
      caller.wait();
      ASSERT_EQ(weft::cause(child), why);
    }
  });
}

// TestCancelRemoves, TestWithValue...: CX-14. What is linked holds nothing, so leaving is seen by
// the children that a parent's cancel still finds.
TEST_P(GoContext, CancelTakesTheChildOutOfItsParent) {
  run([] {
    auto [parent, cancel] = weft::with_cancel_cause(weft::background());
    const weft::error why("because"), own("own");
    auto [a, cancel_a] = weft::with_cancel_cause(parent);
    auto [b, cancel_b] = weft::with_timeout(parent, 1h);
    auto stop = weft::after_func(parent, [] { ADD_FAILURE() << "was stopped"; });
    cancel_a(own);
    cancel_b();
    EXPECT_TRUE(stop.stop());
    cancel(why);
    EXPECT_EQ(weft::cause(a), own);
    EXPECT_EQ(weft::cause(b), weft::canceled);
  });
}

// TestCustomContextGoroutines: CX-15
TEST_P(GoContext, OnlyContextsThatAreNotTheLibrarysNeedAGoroutine) {
  class foreign final : public weft::custom_context {
   public:
    explicit foreign(context inner) : inner_(std::move(inner)) {}
    weft::recv_chan<weft::unit> done() const override { return done_; }
    weft::error err() const override { return inner_.err(); }
    const void* value(weft::value_key key) const override { return inner_.value(key); }

   private:
    context inner_;
    weft::chan<weft::unit> done_ = weft::make_chan<weft::unit>();
  };
  class same_done final : public weft::custom_context {
   public:
    explicit same_done(context inner) : inner_(std::move(inner)) {}
    weft::recv_chan<weft::unit> done() const override { return inner_.done(); }
    weft::error err() const override { return inner_.err(); }
    const void* value(weft::value_key key) const override { return inner_.value(key); }

   private:
    context inner_;
  };
  run([] {
    const auto goroutines = [] { return weft::num_goroutines() - 1; };
    {
      auto [c1, cancel1] = weft::with_cancel(weft::background());
      const context c2(std::make_shared<same_done>(c1));
      auto [c3, cancel3] = weft::with_cancel(c2);
      auto [c4, cancel4] = weft::with_timeout(weft::with_value(c3, 1), 1h);
      EXPECT_EQ(goroutines(), 0u);
      const context c5(std::make_shared<foreign>(c4));
      EXPECT_EQ(goroutines(), 0u);
      auto [c6, cancel6] = weft::with_cancel(c5);
      EXPECT_EQ(goroutines(), 1u);
      auto [c7, cancel7] = weft::with_cancel(c6);  // of the library again
      const context c8(std::make_shared<same_done>(c7));
      auto [c9, cancel9] = weft::with_cancel(c8);
      EXPECT_EQ(goroutines(), 1u);
      const context c10(std::make_shared<foreign>(c9));
      auto [c11, cancel11] = weft::with_cancel(c10);
      EXPECT_EQ(goroutines(), 2u);
      cancel1();
      EXPECT_TRUE(is_done(c4));
      EXPECT_FALSE(c6.err());  // its parent's done channel is open
    }
    weft::testing::wait_until_goroutines(1);  // gone with the last handles
  });
}

// TestCustomContextPropagation, TestCustomContextCause: CX-11, CX-15
TEST_P(GoContext, TheCauseOfAForeignContextIsItsError) {
  class foreign final : public weft::custom_context {
   public:
    weft::recv_chan<weft::unit> done() const override { return done_; }
    weft::error err() const override { return closed(done_) ? why : weft::error(); }
    void finish() const { done_.close(); }
    const weft::error why{"foreign"};

   private:
    weft::chan<weft::unit> done_ = weft::make_chan<weft::unit>();
  };
  run([] {
    const auto own = std::make_shared<foreign>();
    const context c(own);
    auto [child, cancel] = weft::with_cancel_cause(c);
    auto [early, cancel_early] = weft::with_cancel_cause(c);
    const weft::error mine("mine");
    cancel_early(mine);
    EXPECT_FALSE(weft::cause(c));
    own->finish();
    child.done().recv();
    EXPECT_EQ(weft::cause(c), own->why);
    EXPECT_EQ(child.err(), own->why);
    EXPECT_EQ(weft::cause(child), own->why);
    EXPECT_EQ(weft::cause(early), mine);
    EXPECT_EQ(early.err(), weft::canceled);
  });
}

// TestWithoutCancel: CX-12
TEST_P(GoContext, WithoutCancelKeepsTheValues) {
  run([] {
    auto [timed, cancel] = weft::with_timeout(weft::with_value(weft::background(), 7), 1h);
    const auto c = weft::without_cancel(timed);
    cancel();
    EXPECT_TRUE(not_done(c));
    EXPECT_FALSE(c.deadline());
    EXPECT_EQ(*c.value<int>(), 7);
    EXPECT_EQ(weft::select(weft::recv(c.done()), weft::otherwise()), 1u);
    auto [below, cancel_below] = weft::with_cancel(c);
    EXPECT_TRUE(not_done(below));
    EXPECT_FALSE(weft::cause(weft::without_cancel(timed)));
  });
}

// TestAfterFuncCalledAfterCancel, ...AfterTimeout, ...Immediately, ...NotCalledAfterStop,
// ...CalledAsynchronously: CX-13
TEST_P(GoContext, AfterFuncRunsOnceAfterCancelAfterATimeoutOrAtOnce) {
  run([] {
    const auto done = weft::make_chan<int>();
    auto [a, cancel_a] = weft::with_cancel(weft::background());
    auto stop = weft::after_func(a, [done] { done.send(1); });
    EXPECT_EQ(weft::select(weft::recv(done), weft::otherwise()), 1u);
    cancel_a();
    EXPECT_EQ(*done.recv(), 1);
    EXPECT_FALSE(stop.stop());

    auto [b, cancel_b] = weft::with_timeout(weft::background(), 1ms);
    (void)weft::after_func(b, [done] { done.send(2); });
    EXPECT_EQ(*done.recv(), 2);

    (void)weft::after_func(a, [done] { done.send(3); });
    EXPECT_EQ(*done.recv(), 3);

    auto [c, cancel_c] = weft::with_cancel(weft::background());
    auto stop_c = weft::after_func(c, [] { ADD_FAILURE(); });
    EXPECT_TRUE(stop_c.stop());
    cancel_c();

    auto [d, cancel_d] = weft::with_cancel(weft::background());
    (void)weft::after_func(d, [done] { done.send(4); });  // unbuffered: cancel does not wait for it
    cancel_d();
    EXPECT_EQ(*done.recv(), 4);
  });
}

// TestCause: CX-9..12, T10
TEST_P(GoContext, TheTableOfCauses) {
  run([] {
    using weft::canceled, weft::deadline_exceeded, weft::error;
    const error parent_cause("parent"), child_cause("child"), too_slow("too slow");
    const error none;
    const auto background = weft::background();
    struct row {
      const char* name;
      std::function<context()> make;
      error err;
      error cause;
    };
    const row rows[] = {
        {"background", [&] { return background; }, none, none},
        {"todo", [&] { return weft::todo_(); }, none, none},
        {"with_cancel",
         [&] {
           auto c = weft::with_cancel(background);
           c.cancel();
           return c.ctx;
         },
         canceled, canceled},
        {"with_cancel_cause",
         [&] {
           auto c = weft::with_cancel_cause(background);
           c.cancel(parent_cause);
           return c.ctx;
         },
         canceled, parent_cause},
        {"with_cancel_cause, null",
         [&] {
           auto c = weft::with_cancel_cause(background);
           c.cancel(none);
           return c.ctx;
         },
         canceled, canceled},
        {"parent's cause before the child's",
         [&] {
           auto p = weft::with_cancel_cause(background), c = weft::with_cancel_cause(p.ctx);
           p.cancel(parent_cause);
           c.cancel(child_cause);
           return c.ctx;
         },
         canceled, parent_cause},
        {"parent's cause after the child's",
         [&] {
           auto p = weft::with_cancel_cause(background), c = weft::with_cancel_cause(p.ctx);
           c.cancel(child_cause);
           p.cancel(parent_cause);
           return c.ctx;
         },
         canceled, child_cause},
        {"parent's cause before the child's null",
         [&] {
           auto p = weft::with_cancel_cause(background), c = weft::with_cancel_cause(p.ctx);
           p.cancel(parent_cause);
           c.cancel(none);
           return c.ctx;
         },
         canceled, parent_cause},
        {"parent's cause after the child's null",
         [&] {
           auto p = weft::with_cancel_cause(background), c = weft::with_cancel_cause(p.ctx);
           c.cancel(none);
           p.cancel(parent_cause);
           return c.ctx;
         },
         canceled, canceled},
        {"child's cause after the parent's null",
         [&] {
           auto p = weft::with_cancel_cause(background), c = weft::with_cancel_cause(p.ctx);
           p.cancel(none);
           c.cancel(child_cause);
           return c.ctx;
         },
         canceled, canceled},
        {"child's cause before the parent's null",
         [&] {
           auto p = weft::with_cancel_cause(background), c = weft::with_cancel_cause(p.ctx);
           c.cancel(child_cause);
           p.cancel(none);
           return c.ctx;
         },
         canceled, child_cause},
        {"with_timeout", [&] { return weft::with_timeout(background, 0s).ctx; }, deadline_exceeded,
         deadline_exceeded},
        {"with_timeout, cancelled",
         [&] {
           auto c = weft::with_timeout(background, 1h);
           c.cancel();
           return c.ctx;
         },
         canceled, canceled},
        {"with_timeout_cause",
         [&] { return weft::with_timeout_cause(background, 0s, too_slow).ctx; }, deadline_exceeded,
         too_slow},
        {"with_timeout_cause, cancelled",
         [&] {
           auto c = weft::with_timeout_cause(background, 1h, too_slow);
           c.cancel();
           return c.ctx;
         },
         canceled, canceled},
        {"with_timeout_cause, null",
         [&] { return weft::with_timeout_cause(background, 0s, none).ctx; }, deadline_exceeded,
         deadline_exceeded},
        {"with_timeout_cause below one that times out first",
         [&] {
           auto p = weft::with_timeout_cause(background, 0s, too_slow);
           return weft::with_timeout_cause(p.ctx, 1h, child_cause).ctx;
         },
         deadline_exceeded, too_slow},
        {"with_timeout_cause above one that times out first",
         [&] {
           auto p = weft::with_timeout_cause(background, 1h, parent_cause);
           return weft::with_timeout_cause(p.ctx, 0s, too_slow).ctx;
         },
         deadline_exceeded, too_slow},
        {"with_timeout_cause, parent cancelled",
         [&] {
           auto p = weft::with_cancel_cause(background);
           auto c = weft::with_timeout_cause(p.ctx, 1h, too_slow);
           p.cancel(parent_cause);
           return c.ctx;
         },
         canceled, parent_cause},
        {"past deadline below a cancelled parent",
         [&] {
           auto p = weft::with_cancel_cause(background);
           p.cancel(parent_cause);
           return weft::with_timeout_cause(p.ctx, 0s, too_slow).ctx;
         },
         canceled, parent_cause},
        {"without_cancel", [&] { return weft::without_cancel(background); }, none, none},
        {"without_cancel, cancelled",
         [&] {
           auto c = weft::with_cancel_cause(background);
           const auto w = weft::without_cancel(c.ctx);
           c.cancel(parent_cause);
           return w;
         },
         none, none},
        {"without_cancel, timed out",
         [&] { return weft::without_cancel(weft::with_timeout(background, 0s).ctx); }, none, none},
    };
    for (const row& r : rows) {
      const context c = r.make();
      EXPECT_EQ(c.err(), r.err) << r.name;
      EXPECT_EQ(weft::cause(c), r.cause) << r.name;
    }
  });
}

// TestCauseRace: CX-3, CX-9
TEST_P(GoContext, WhoSeesTheErrorSeesTheCauseAndTheClosedChannel) {
  run([] {
    for (int i = 0; i < 200; ++i) {
      auto [ctx, cancel] = weft::with_cancel_cause(weft::background());
      const auto done = ctx.done();
      const weft::error why("why");
      weft::wait_group other;
      other.go([&stop = cancel, why] { stop(why); });
      while (!ctx.err()) {
        weft::yield();
      }
      ASSERT_TRUE(closed(done));  // CX-5
      ASSERT_EQ(weft::cause(ctx), why);
      other.wait();
    }
  });
}

// TestWithDeadlineCause, TestWithTimeoutCause: CX-10
TEST_P(GoContext, TheCauseOfADeadlineCountsWhenItIsTheDeadline) {
  run([] {
    const weft::error slow("slow");
    auto [a, cancel_a] = weft::with_deadline_cause(weft::background(), weft::now() + 2ms, slow);
    auto [b, cancel_b] = weft::with_timeout_cause(weft::background(), 2ms, slow);
    for (const auto& c : {a, b}) {
      c.done().recv();
      EXPECT_EQ(c.err(), weft::deadline_exceeded);
      EXPECT_EQ(weft::cause(c), slow);
    }
  });
}

// TestDeadlineExceededIsTimeoutError, ...SupportsTimeout: CX-18
TEST(GoContextErrors, DeadlineExceededIsATimeout) {
  EXPECT_TRUE(is(weft::deadline_exceeded, std::errc::timed_out));
  EXPECT_TRUE(is(wrap(weft::deadline_exceeded, "dialling"), std::errc::timed_out));
  EXPECT_FALSE(is(weft::canceled, std::errc::timed_out));
}

}  // namespace
