#include <weft/context.hpp>
#include <weft/select.hpp>

#include <chrono>
#include <thread>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;
using weft::testing::is_done;

class Merge : public weft::testing::Procs {};
WEFT_PROCS(Merge);

// U-14
TEST(MergeOfContexts, IsDoneWhenAnyIsWithItsErrorAndCause) {
  for (int which = 0; which < 3; ++which) {
    std::vector<weft::cancelable_cause_context> parents;
    for (int i = 0; i < 3; ++i) {
      parents.push_back(weft::with_cancel_cause(weft::background()));
    }
    const auto m = weft::merge(parents[0].ctx, parents[1].ctx, parents[2].ctx);
    const auto done = m.done();
    auto [below, cancel_below] = weft::with_cancel(weft::with_value(m, 1));
    EXPECT_FALSE(m.err());
    const weft::error why("why");
    parents[static_cast<std::size_t>(which)].cancel(why);
    EXPECT_TRUE(weft::testing::closed(done));
    EXPECT_EQ(m.err(), weft::canceled);
    EXPECT_EQ(weft::cause(m), why);
    EXPECT_EQ(weft::cause(below), why);
    for (auto& p : parents) {
      p.cancel(weft::error("later"));
    }
    EXPECT_EQ(weft::cause(m), why);
  }
}

TEST(MergeOfContexts, OfADoneOneIsBornDone) {
  auto [a, cancel_a] = weft::with_cancel(weft::background());
  auto [b, cancel_b] = weft::with_cancel_cause(weft::background());
  const weft::error why("why");
  cancel_b(why);
  const auto m = weft::merge(a, b);
  EXPECT_TRUE(is_done(m));
  EXPECT_EQ(weft::cause(m), why);
}

TEST(MergeOfContexts, TakesValuesFromTheFirstThatHasThem) {
  const auto a = weft::with_value(weft::background(), 1);
  const auto b = weft::with_value(weft::with_value(weft::background(), 2), 2.5);
  const auto c = weft::with_value<double>(weft::background(), std::nullopt);
  EXPECT_EQ(*weft::merge(a, b).value<int>(), 1);
  EXPECT_EQ(*weft::merge(b, a).value<int>(), 2);
  EXPECT_EQ(*weft::merge(a, b).value<double>(), 2.5);
  EXPECT_EQ(weft::merge(a, c, b).value<double>(), nullptr);  // hidden on purpose
  EXPECT_EQ(*weft::merge(weft::merge(a, weft::background()), b).value<double>(), 2.5);
  EXPECT_EQ(weft::merge(a, b).value<char>(), nullptr);
  EXPECT_FALSE(weft::merge(a, b).done());
}

TEST(MergeOfContexts, OfOneIsThatOne) {
  auto [a, cancel_a] = weft::with_cancel(weft::background());
  EXPECT_EQ(weft::merge(a), a);
  EXPECT_EQ(weft::merge(a, a), a);
}

TEST_P(Merge, HasTheEarliestDeadline) {
  run([] {
    auto [a, cancel_a] = weft::with_timeout(weft::background(), 1h);
    auto [b, cancel_b] = weft::with_timeout(weft::background(), 2ms);
    const auto m = weft::merge(a, b, weft::background());
    EXPECT_EQ(m.deadline(), b.deadline());
    m.done().recv();
    EXPECT_EQ(m.err(), weft::deadline_exceeded);
  });
}

// A merged context in a tree that is cancelled is reached by two ways.
TEST(MergeOfContexts, InADiamondIsDoneWhenCancelReturns) {
  auto [top, cancel] = weft::with_cancel_cause(weft::background());
  std::vector<weft::cancelable_context> tree;
  std::vector<weft::context> merged{top};
  for (int i = 0; i < 200; ++i) {
    tree.push_back(weft::with_cancel(merged[static_cast<std::size_t>(i * 7 % (i + 1))]));
    tree.push_back(weft::with_cancel(merged.back()));
    merged.push_back(weft::merge(tree.back().ctx, tree[tree.size() - 2].ctx));
  }
  const weft::error why("why");
  cancel(why);
  for (const auto& t : tree) {
    ASSERT_TRUE(is_done(t.ctx));
  }
  for (const auto& m : merged) {
    ASSERT_TRUE(is_done(m));
    ASSERT_EQ(weft::cause(m), why);
  }
}

// Two sweeps that meet in merged contexts help each other.
TEST_P(Merge, IsDoneWhenEitherOfTwoSimultaneousCancelsReturns) {
  run([this] {
    const int rounds = procs() == 1 ? 20 : 200;
    for (int r = 0; r < rounds; ++r) {
      auto [a, cancel_a] = weft::with_cancel_cause(weft::background());
      auto [b, cancel_b] = weft::with_cancel_cause(weft::background());
      std::vector<weft::context> level{a, b};
      std::vector<weft::context> all;
      std::vector<weft::cancelable_context> plain;
      for (int depth = 0; depth < 8; ++depth) {
        const auto m = weft::merge(level[0], level[1]);
        plain.push_back(weft::with_cancel(m));
        level = {plain.back().ctx, m};
        all.push_back(m);
        all.push_back(plain.back().ctx);
      }
      const weft::error why_a("a"), why_b("b");
      const auto both = weft::make_chan<weft::unit>(2);
      const auto check = [&] {
        for (const auto& c : all) {
          ASSERT_TRUE(is_done(c));
        }
        both.send({});
      };
      weft::go([&, &cancel = cancel_a] {
        cancel(why_a);
        check();
      });
      weft::go([&, &cancel = cancel_b] {
        cancel(why_b);
        check();
      });
      both.recv();
      both.recv();
      for (const auto& c : all) {
        ASSERT_TRUE(weft::cause(c) == why_a || weft::cause(c) == why_b);
      }
    }
  });
}

}  // namespace
