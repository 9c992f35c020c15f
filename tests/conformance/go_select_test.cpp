// Go's select, row by row. What is checked follows the behaviours that Go's own tests check:
// test/chan/{select..select8,doubleselect,zerosize,goroutines}.go and runtime/chan_test.go.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/fixture.hpp"

namespace {

using weft::chan_status;
using weft::testing::wait_until_goroutines;
using weft::testing::wait_until_parked;

class GoSelect : public weft::testing::Procs {};
WEFT_PROCS(GoSelect);

int scaled(int n) { return std::max(1, static_cast<int>(n * weft::testing::scale())); }

// A count of n independent choices with this chance each; the limit is more than six standard
// deviations for the n of these tests (20000 and more).
void expect_share(int count, int n, double chance) {
  EXPECT_NEAR(count, n * chance, n / 40) << "of " << n;
}

// ---- SE-1 ----

// SE-1 (select): operands and values are evaluated once each, chosen or not, nil or not.
TEST_P(GoSelect, EvaluatesEachOperandOnceOnEntry) {
  run([] {
    auto c = weft::make_chan<int>(1);
    weft::chan<int> nil;
    int channels = 0;
    int values = 0;
    const auto channel = [&](const weft::chan<int>& which) {
      ++channels;
      return which;
    };
    const auto value = [&](int v) {
      ++values;
      return v;
    };
    EXPECT_EQ(weft::select(weft::send(channel(c), value(1)), weft::send(channel(nil), value(2)),
                           weft::recv(channel(nil))),
              0u);
    EXPECT_EQ(channels, 3);
    EXPECT_EQ(values, 2);
    EXPECT_EQ(
        weft::select(weft::send(channel(c), value(1)), weft::recv(channel(nil)), weft::otherwise()),
        2u);
    EXPECT_EQ(channels, 5);
    EXPECT_EQ(values, 3);
    EXPECT_EQ(c.recv(), 1);
  });
}

// SE-1 (select5): in source order, when the cases are listed in braces.
TEST_P(GoSelect, AListIsEvaluatedInSourceOrder) {
  run([] {
    auto c = weft::make_chan<int>(1);
    std::string order;
    const auto channel = [&](char name) {
      order += name;
      return c;
    };
    const auto value = [&](char name) {
      order += name;
      return 1;
    };
    std::vector<weft::select_case> cases;
    cases.emplace_back(weft::send(channel('a'), 1));
    cases.emplace_back(weft::send(c, value('b')));
    cases.emplace_back(weft::recv(channel('c')));
    EXPECT_EQ(order, "abc");
    weft::select(cases);
    EXPECT_EQ(order, "abc");
  });
}

// SE-1: the target is looked at only when its case was chosen, after the receive.
TEST_P(GoSelect, WritesTheTargetOfTheChosenCaseOnly) {
  run([] {
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    std::optional<int> va = -1;
    std::optional<int> vb = -1;
    weft::go([=] { b.send(2); });
    EXPECT_EQ(weft::select(weft::recv(a, va), weft::recv(b, vb)), 1u);
    EXPECT_EQ(va, -1);
    EXPECT_EQ(vb, 2);
  });
}

// SE-1, T6: a value whose case loses is not moved from.
TEST_P(GoSelect, AValueWhoseCaseLosesStays) {
  run([] {
    auto a = weft::make_chan<std::unique_ptr<int>>();
    auto b = weft::make_chan<std::unique_ptr<int>>();
    auto out = weft::make_chan<int>();
    weft::go([=] {
      auto va = std::make_unique<int>(1);
      auto vb = std::make_unique<int>(2);
      while (va || vb) {
        weft::select(weft::send(va ? a : nullptr, va), weft::send(vb ? b : nullptr, vb));
      }
      out.send(3);
    });
    wait_until_parked(1, "select");
    EXPECT_EQ(**b.recv(), 2);
    EXPECT_EQ(**a.recv(), 1);
    EXPECT_EQ(out.recv(), 3);
  });
}

// ---- SE-2, SE-3 ----

// SE-2
TEST_P(GoSelect, ChoosesUniformlyAmongReadyCases) {
  run([] {
    const int n = 30000;
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    auto c = weft::make_chan<int>();
    auto d = weft::make_chan<int>();
    auto e = weft::make_chan<int>();
    for (auto& x : {a, b, c, d, e}) {
      x.close();
    }
    std::array<int, 5> two{};
    std::array<int, 5> three{};
    std::array<int, 5> five{};
    for (int i = 0; i < n; ++i) {
      ++two[weft::select(weft::recv(a), weft::recv(b))];
      ++three[weft::select(weft::recv(a), weft::recv(b), weft::recv(c))];
      ++five[weft::select(weft::recv(a), weft::recv(b), weft::recv(c), weft::recv(d), weft::recv(e),
                          weft::otherwise())];
    }
    for (std::size_t i = 0; i < 5; ++i) {
      expect_share(two[i], n, i < 2 ? 1 / 2.0 : 0);
      expect_share(three[i], n, i < 3 ? 1 / 3.0 : 0);
      expect_share(five[i], n, 1 / 5.0);
    }
  });
}

// SE-2, T6: a rotating start would give the share of those that are not ready to the next one.
TEST_P(GoSelect, CasesThatAreNotReadyDoNotChangeTheShares) {
  run([] {
    const int n = 30000;
    auto ready = weft::make_chan<int>();
    ready.close();
    const auto empty = weft::make_chan<int>();
    const weft::chan<int> nil;
    std::array<int, 8> count{};
    for (int i = 0; i < n; ++i) {
      ++count[weft::select(weft::recv(ready), weft::recv(empty), weft::send(empty, 1),
                           weft::recv(nil), weft::recv(empty), weft::recv(empty), weft::recv(ready),
                           weft::recv(ready))];
    }
    for (std::size_t i : {0u, 6u, 7u}) {
      expect_share(count[i], n, 1 / 3.0);
    }
    for (std::size_t i = 1; i < 6; ++i) {
      EXPECT_EQ(count[i], 0);
    }
    std::vector<weft::select_case> cases;
    for (int i = 0; i < 20; ++i) {
      cases.emplace_back(weft::recv(i % 10 == 0 ? ready : empty));
    }
    int first = 0;
    for (int i = 0; i < n; ++i) {
      const std::size_t k = weft::select(cases);
      ASSERT_EQ(k % 10, 0u);
      first += k == 0;
    }
    expect_share(first, n, 1 / 2.0);
  });
}

// SE-2: a choice does not depend on the last one: runs of a fair coin.
TEST_P(GoSelect, ChoicesFollowNoPattern) {
  run([] {
    const int n = 30000;
    auto a = weft::make_chan<int>();
    a.close();
    int same = 0;
    std::size_t last = 0;
    for (int i = 0; i < n; ++i) {
      const std::size_t k = weft::select(weft::recv(a), weft::recv(a));
      same += k == last;
      last = k;
    }
    expect_share(same, n, 1 / 2.0);
  });
}

// SE-2 (TestSelectFairness): two senders that are always ready are both heard, through two
// selects in a row.
TEST_P(GoSelect, BothOfTwoBusySendersAreHeard) {
  run([] {
    const int n = 20000;
    auto a = weft::make_chan<char>(1);
    auto b = weft::make_chan<char>(1);
    auto out1 = weft::make_chan<char>();
    auto out2 = weft::make_chan<char>();
    auto done = weft::make_chan<weft::unit>();
    weft::wait_group all;
    for (auto [c, name] : {std::pair{a, 'a'}, std::pair{b, 'b'}}) {
      all.go([to = c, letter = name, done] {
        while (weft::select(weft::send(to, letter), weft::recv(done)) == 0) {
        }
      });
    }
    all.go([=] {
      for (bool on = true; on;) {
        std::optional<char> v;
        weft::select(weft::recv(a, v), weft::recv(b, v), weft::recv(done, [&] { on = false; }));
        if (on) {
          weft::select(weft::send(out1, *v), weft::send(out2, *v),
                       weft::recv(done, [&] { on = false; }));
        }
      }
    });
    std::array<int, 2> by_sender{};
    for (int i = 0; i < n; ++i) {
      weft::select(weft::recv(out1, [&](std::optional<char> v) { ++by_sender[*v == 'b']; }),
                   weft::recv(out2, [&](std::optional<char> v) { ++by_sender[*v == 'b']; }));
    }
    done.close();
    all.wait();
    EXPECT_GT(by_sender[0], n / 10);
    EXPECT_GT(by_sender[1], n / 10);
  });
}

// SE-2, SE-3 (TestPseudoRandomSend): both values of one channel are sent.
TEST_P(GoSelect, SendsOnOneChannelAreBothChosen) {
  run([] {
    const int n = 20000;
    for (int capacity : {0, 1, 100}) {
      auto c = weft::make_chan<int>(capacity);
      auto sum = weft::make_chan<int>();
      weft::go([=] {
        int ones = 0;
        for (int v : c) {
          ones += v;
        }
        sum.send(ones);
      });
      for (int i = 0; i < n; ++i) {
        weft::select(weft::send(c, 0), weft::send(c, 1));
      }
      c.close();
      expect_share(*sum.recv(), n, 1 / 2.0);
    }
  });
}

// SE-3
TEST_P(GoSelect, AChannelListedTwiceCountsTwice) {
  run([] {
    const int n = 30000;
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    a.close();
    b.close();
    int from_a = 0;
    std::array<int, 3> count{};
    for (int i = 0; i < n; ++i) {
      const std::size_t k = weft::select(weft::recv(a), weft::recv(b), weft::recv(a));
      ++count[k];
      from_a += k != 1;
    }
    expect_share(from_a, n, 2 / 3.0);
    for (int k : count) {
      expect_share(k, n, 1 / 3.0);
    }
  });
}

// ---- SE-4 ----

// SE-4, T5 (TestNonblockSelectRace): one of two is ready at every instant, so the default is
// never taken.
TEST_P(GoSelect, TheDefaultIsNotTakenWhileOneOfTwoIsAlwaysReady) {
  run([] {
    const int n = scaled(20000);
    std::atomic<int> defaults = 0;
    for (int i = 0; i < n; ++i) {
      auto a = weft::make_chan<int>(1);
      auto b = weft::make_chan<int>(1);
      a.send(1);
      weft::wait_group other;
      other.go([&, a, b] {
        defaults += weft::select(weft::recv(a), weft::recv(b), weft::otherwise()) == 2;
      });
      b.send(1);
      if (i % 2 == 0) {
        weft::yield();
      }
      weft::select(weft::recv(a), weft::otherwise());
      other.wait();
    }
    EXPECT_EQ(defaults, 0);
  });
}

// SE-4, T5 (TestNonblockSelectRace2): the same with a close in place of the second value.
TEST_P(GoSelect, TheDefaultIsNotTakenWhileAValueOrACloseIsThere) {
  run([] {
    const int n = scaled(20000);
    std::atomic<int> defaults = 0;
    for (int i = 0; i < n; ++i) {
      auto a = weft::make_chan<int>(1);
      auto b = weft::make_chan<int>();
      a.send(1);
      weft::wait_group other;
      other.go([&, a, b] {
        defaults += weft::select(weft::recv(a), weft::recv(b), weft::otherwise()) == 2;
      });
      b.close();
      if (i % 2 == 0) {
        weft::yield();
      }
      weft::select(weft::recv(a), weft::otherwise());
      other.wait();
    }
    EXPECT_EQ(defaults, 0);
  });
}

// SE-4, T5: one value walks to and fro between two channels: the second gets its copy before the
// first loses it.
TEST_P(GoSelect, TheDefaultIsNotTakenWhileAValueMovesBetweenTheCases) {
  run([] {
    const int n = scaled(20000);
    auto a = weft::make_chan<int>(1);
    auto b = weft::make_chan<int>(1);
    std::atomic<bool> stop = false;
    a.send(0);
    weft::wait_group mover;
    mover.go([&] {
      for (int i = 0; !stop; ++i) {
        int v = 0;
        (void)(i % 2 == 0 ? b : a).try_send(1);
        (void)(i % 2 == 0 ? a : b).try_recv(v);
        weft::yield();
      }
    });
    int defaults = 0;
    for (int i = 0; i < n; ++i) {
      // What was taken is given back at once: at each select there is a value.
      const std::size_t k = weft::select(weft::recv(a), weft::recv(b), weft::otherwise());
      defaults += k == 2;
      if (k != 2) {
        (void)(k == 0 ? a : b).try_send(1);
      }
      if (i % 8 == 0) {
        weft::yield();
      }
    }
    stop = true;
    mover.wait();
    EXPECT_EQ(defaults, 0);
  });
}

// ---- SE-5, SE-6, SE-7 ----

// SE-5 (select3)
TEST_P(GoSelect, NoCasesAndOnlyNilCasesBlockForEver) {
  run_and_abandon([] {
    weft::go([] { weft::select(); });
    weft::go([] { weft::select(weft::send(weft::chan<int>(), 1)); });
    weft::go([] { weft::select(weft::recv(weft::chan<int>()), weft::recv(weft::chan<char>())); });
    wait_until_parked(3, "select (no cases)");
    EXPECT_EQ(weft::num_goroutines(), 4u);
  });
}

// SE-6: a send on a closed channel is a ready case like others, and throws when it is chosen.
TEST_P(GoSelect, ASendOnClosedCompetes) {
  run([] {
    const int n = 20000;
    auto closed = weft::make_chan<int>();
    closed.close();
    auto ready = weft::make_chan<int>(1);
    int threw = 0;
    for (int i = 0; i < n; ++i) {
      try {
        EXPECT_EQ(weft::select(weft::send(closed, 1), weft::send(ready, 1)), 1u);
        ready.recv();
      } catch (const weft::closed_channel&) {
        ++threw;
      }
      EXPECT_EQ(ready.len(), 0u);
    }
    expect_share(threw, n, 1 / 2.0);
  });
}

// SE-6: a default does not save it.
TEST_P(GoSelect, ASendOnClosedBeatsTheDefault) {
  run([] {
    auto closed = weft::make_chan<int>(1);
    closed.send(1);
    closed.close();
    const auto empty = weft::make_chan<int>();
    for (int i = 0; i < 1000; ++i) {
      EXPECT_THROW(weft::select(weft::send(closed, 1), weft::otherwise()), weft::closed_channel);
      EXPECT_THROW(weft::select(weft::recv(empty), weft::send(closed, 1), weft::otherwise()),
                   weft::closed_channel);
    }
    EXPECT_EQ(closed.len(), 1u);
  });
}

// SE-7
TEST_P(GoSelect, AReceiveOnClosedCompetes) {
  run([] {
    const int n = 20000;
    auto closed = weft::make_chan<int>();
    closed.close();
    auto ready = weft::make_chan<int>(1);
    int ends = 0;
    for (int i = 0; i < n; ++i) {
      ready.send(1);
      std::optional<int> v = 5;
      if (weft::select(weft::recv(ready, v), weft::recv(closed, v)) == 1) {
        EXPECT_EQ(v, std::nullopt);
        ++ends;
        ready.recv();
      } else {
        EXPECT_EQ(v, 1);
      }
    }
    expect_share(ends, n, 1 / 2.0);
  });
}

// ---- SE-8, SE-9 ----

// SE-8, T4 (doubleselect): each number arrives once, although every send waits on four channels
// and several receivers are ready together.
TEST_P(GoSelect, EachSendTakesEffectOnce) {
  run([] {
    const int n = scaled(30000);
    std::array<weft::chan<int>, 4> c;
    for (auto& x : c) {
      x = weft::make_chan<int>();
    }
    auto merged = weft::make_chan<int>();
    weft::go([=] {
      for (int i = 0; i < n; ++i) {
        weft::select(weft::send(c[0], i), weft::send(c[1], i), weft::send(c[2], i),
                     weft::send(c[3], i));
      }
      for (const auto& x : c) {
        x.close();
      }
    });
    weft::wait_group receivers;
    for (int r = 0; r < 4; ++r) {
      receivers.go([&, r] {
        for (int v : c[static_cast<std::size_t>(r)]) {
          merged.send(v);
        }
      });
    }
    weft::go([&] {
      receivers.wait();
      merged.close();
    });
    std::vector<int> seen(static_cast<std::size_t>(n));
    for (int v : merged) {
      ++seen[static_cast<std::size_t>(v)];
    }
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int k) { return k == 1; }));
  });
}

// SE-8: both cases become ready before the select runs; one has an effect.
TEST_P(GoSelect, TheLosingCaseConsumesNothing) {
  run([] {
    for (int i = 0; i < 200; ++i) {
      auto a = weft::make_chan<int>(1);
      auto b = weft::make_chan<int>(1);
      auto out = weft::make_chan<std::size_t>(1);
      weft::go([=] { out.send(weft::select(weft::recv(a), weft::recv(b))); });
      wait_until_parked(1, "select");
      a.send(1);
      b.send(2);
      EXPECT_EQ(out.recv(), 0u);
      EXPECT_EQ(a.len(), 0u);
      EXPECT_EQ(b.recv(), 2);
    }
  });
}

// SE-9, T4 (select6): whoever finds the select won already goes on to the one behind it.
TEST_P(GoSelect, ALostClaimIsPassedOnToTheNextReceiver) {
  run([] {
    for (int i = 0; i < 200; ++i) {
      auto a = weft::make_chan<int>();
      auto b = weft::make_chan<int>();
      auto out = weft::make_chan<int>(2);
      weft::go([=] { weft::select(weft::recv(a), weft::recv(b)); });
      wait_until_parked(1, "select");
      weft::go([=] { out.send(*b.recv()); });
      wait_until_parked(1, "chan receive");
      a.send(1);
      // The select may not have left b's queue yet.
      EXPECT_EQ(b.try_send(2), chan_status::ok);
      EXPECT_EQ(out.recv(), 2);
      wait_until_goroutines(1);
    }
  });
}

// SE-9
TEST_P(GoSelect, ALostClaimIsPassedOnToTheNextSender) {
  run([] {
    for (int i = 0; i < 200; ++i) {
      for (int capacity : {0, 1}) {
        auto a = weft::make_chan<int>();
        auto b = weft::make_chan<int>(capacity);
        if (capacity == 1) {
          b.send(0);
        }
        weft::go([=] { weft::select(weft::send(a, 1), weft::send(b, 1)); });
        wait_until_parked(1, "select");
        weft::go([=] { b.send(2); });
        wait_until_parked(1, "chan send");
        EXPECT_EQ(a.recv(), 1);
        for (int want = capacity == 1 ? 0 : 2; want <= 2; want += 2) {
          int v = -1;
          EXPECT_EQ(b.try_recv(v), chan_status::ok);
          EXPECT_EQ(v, want);
        }
        wait_until_goroutines(1);
      }
    }
  });
}

// SE-9: many selects that were won elsewhere stand before the one who waits.
TEST_P(GoSelect, ManyLostClaimsArePassedOver) {
  run([] {
    auto b = weft::make_chan<int>();
    std::vector<weft::chan<int>> own;
    auto out = weft::make_chan<int>(1);
    for (int i = 0; i < 50; ++i) {
      own.push_back(weft::make_chan<int>());
      weft::go([=, a = own.back()] { weft::select(weft::recv(a), weft::recv(b)); });
    }
    wait_until_parked(50, "select");
    weft::go([=] { out.send(*b.recv()); });
    wait_until_parked(1, "chan receive");
    for (auto& a : own) {
      EXPECT_EQ(a.try_send(1), chan_status::ok);
    }
    EXPECT_EQ(b.try_send(7), chan_status::ok);
    EXPECT_EQ(out.recv(), 7);
  });
}

// SE-9, SE-3 (TestSelectDuplicateChannel): a select that waits twice on one channel leaves both
// places; those behind and before it are still served.
TEST_P(GoSelect, AChannelListedTwiceIsLeftTwice) {
  run([] {
    for (int i = 0; i < 200; ++i) {
      auto c = weft::make_chan<int>();
      auto d = weft::make_chan<int>();
      auto e = weft::make_chan<int>();
      auto out = weft::make_chan<int>(2);
      weft::go([=] {
        EXPECT_EQ(weft::select(weft::recv(c), weft::recv(c), weft::recv(d)), 2u);
        e.send(9);
      });
      wait_until_parked(1, "select");
      weft::go([=] { out.send(*c.recv()); });
      wait_until_parked(1, "chan receive");
      d.send(7);
      EXPECT_EQ(e.recv(), 9);
      EXPECT_EQ(c.try_send(8), chan_status::ok);
      EXPECT_EQ(out.recv(), 8);
      wait_until_goroutines(1);
    }
  });
}

// SE-9: a close also passes over those who were won elsewhere.
TEST_P(GoSelect, CloseDoesNotTakeBackAClaim) {
  run([] {
    for (int i = 0; i < 200; ++i) {
      auto a = weft::make_chan<int>();
      auto b = weft::make_chan<int>();
      auto out = weft::make_chan<std::size_t>(1);
      weft::go([=] {
        std::optional<int> v;
        const std::size_t k = weft::select(weft::recv(a, v), weft::send(b, 1));
        EXPECT_EQ(v, 5);
        out.send(k);
      });
      wait_until_parked(1, "select");
      a.send(5);
      b.close();
      a.close();
      EXPECT_EQ(out.recv(), 0u);
    }
  });
}

// ---- SE-10, SE-11 ----

// SE-10 (TestSelfSelect): never with itself; two such goroutines pair with each other.
TEST_P(GoSelect, ASelectNeverMeetsItself) {
  run([] {
    const int n = scaled(20000);
    for (int capacity : {0, 10}) {
      auto c = weft::make_chan<int>(capacity);
      weft::wait_group both;
      for (int p = 0; p < 2; ++p) {
        both.go([=] {
          const auto check = [=](std::optional<int> v) {
            if (capacity == 0) {
              EXPECT_NE(v, p) << "received what it sent itself";
            }
          };
          for (int i = 0; i < n; ++i) {
            if (p == 0 || i % 2 == 0) {
              weft::select(weft::send(c, p), weft::recv(c, check));
            } else {
              weft::select(weft::recv(c, check), weft::send(c, p));
            }
          }
        });
      }
      both.wait();
    }
  });
}

// SE-10
TEST_P(GoSelect, ASelectAloneOnBothEndsOfAChannelWaits) {
  run([] {
    auto c = weft::make_chan<int>();
    EXPECT_EQ(weft::select(weft::send(c, 1), weft::recv(c), weft::otherwise()), 2u);
    auto out = weft::make_chan<std::size_t>(1);
    weft::go([=] { out.send(weft::select(weft::send(c, 1), weft::recv(c))); });
    wait_until_parked(1, "select");
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(out.recv(), 0u);
    weft::go([=] { out.send(weft::select(weft::send(c, 1), weft::recv(c))); });
    wait_until_parked(1, "select");
    c.send(2);
    EXPECT_EQ(out.recv(), 1u);
  });
}

// SE-10, SE-11, T7: two channels crossed, listed in opposite orders.
TEST_P(GoSelect, CrossedSelectsMeetWithoutDeadlock) {
  run([] {
    const int n = scaled(20000);
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    std::atomic<int> from_self = 0;
    std::atomic<int> receives = 0;
    weft::wait_group both;
    for (int p = 0; p < 2; ++p) {
      both.go([&, p] {
        const auto got = [&, p](std::optional<int> v) {
          from_self += *v == p;
          ++receives;
        };
        for (int i = 0; i < n; ++i) {
          if (p == 0) {
            weft::select(weft::send(a, p), weft::recv(a, got), weft::send(b, p),
                         weft::recv(b, got));
          } else {
            weft::select(weft::recv(b, got), weft::send(b, p), weft::recv(a, got),
                         weft::send(a, p));
          }
        }
      });
    }
    both.wait();
    EXPECT_EQ(from_self, 0);
    EXPECT_EQ(receives, n);
  });
}

// SE-11: the woken select ends and its frame is gone at once, while the parker's last unlock may
// still be under way on another worker.
TEST_P(GoSelect, AWokenSelectMayLeaveItsFrameAtOnce) {
  run([] {
    const int n = scaled(20000);
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    auto c = weft::make_chan<int>();
    weft::wait_group all;
    all.go([=] {
      for (int i = 0; i < n; ++i) {
        weft::select(weft::recv(a), weft::recv(b), weft::recv(c));
        std::array<volatile char, 1024> overwrite;
        for (auto& x : overwrite) {
          x = static_cast<char>(0xee);
        }
      }
    });
    for (int i = 0; i < n; ++i) {
      (i % 3 == 0 ? a : i % 3 == 1 ? b : c).send(i);
    }
    all.wait();
  });
}

// ---- SE-12 to SE-16 ----

// SE-12
TEST_P(GoSelect, ThereMayBe65536Cases) {
  run([] {
    auto c = weft::make_chan<int>(1);
    std::vector<weft::select_case> cases;
    cases.reserve(65537);
    for (int i = 0; i < 65536; ++i) {
      cases.emplace_back(weft::recv(i == 40000 ? c : weft::chan<int>()));
    }
    c.send(1);
    EXPECT_EQ(weft::select(cases), 40000u);
    cases.emplace_back(weft::recv(c));
    EXPECT_THROW(weft::select(cases), weft::misuse);
  });
}

// SE-13: break leaves the select; in weft the index carries the decision out of it.
TEST_P(GoSelect, ALoopOverASelectCanBeLeftAndContinued) {
  run([] {
    auto c = weft::make_chan<int>(10);
    auto stop = weft::make_chan<int>();
    for (int i = 0; i < 10; ++i) {
      c.send(i);
    }
    int sum = 0;
    bool over = false;
    while (!over) {
      std::optional<int> v;
      switch (weft::select_biased(weft::recv(stop), weft::recv(c, v))) {
        case 0:
          over = true;
          break;
        case 1:
          if (*v % 2 == 0) {
            continue;
          }
          sum += *v;
          if (*v == 9) {
            stop.close();
          }
          break;
      }
    }
    EXPECT_EQ(sum, 25);
  });
}

// SE-14: the rules of the static form hold for a list: nil, closed, default, shares.
TEST_P(GoSelect, AListFollowsTheSameRules) {
  run([] {
    const int n = 20000;
    auto closed = weft::make_chan<int>();
    closed.close();
    auto ready = weft::make_chan<int>(1);
    const weft::chan<int> nil;
    std::vector<weft::select_case> cases;
    cases.emplace_back(weft::send(nil, 1));
    cases.emplace_back(weft::otherwise());
    cases.emplace_back(weft::recv(nil));
    EXPECT_EQ(weft::select(cases), 1u);
    cases.emplace_back(weft::recv(closed));
    cases.emplace_back(weft::recv(closed));
    std::array<int, 5> count{};
    for (int i = 0; i < n; ++i) {
      ++count[weft::select(cases)];
    }
    EXPECT_EQ(count[0] + count[1] + count[2], 0);
    expect_share(count[3], n, 1 / 2.0);
    cases.clear();
    int value = 3;
    cases.emplace_back(weft::send(closed, 1));
    cases.emplace_back(weft::send(ready, value));
    int threw = 0;
    for (int i = 0; i < n; ++i) {
      try {
        weft::select(cases);
        EXPECT_EQ(ready.recv(), 3);
      } catch (const weft::closed_channel&) {
        ++threw;
      }
    }
    expect_share(threw, n, 1 / 2.0);
    cases.emplace_back(weft::otherwise());
    cases.emplace_back(weft::otherwise());
    EXPECT_THROW(weft::select(cases), weft::misuse);
  });
}

// SE-14: a list of waiting cases pairs with a static select and with another list.
TEST_P(GoSelect, ListsMeet) {
  run([] {
    const int n = scaled(5000);
    std::vector<weft::chan<int>> chans;
    for (int i = 0; i < 20; ++i) {
      chans.push_back(weft::make_chan<int>());
    }
    std::int64_t got = 0;
    weft::wait_group sender;
    sender.go([&] {
      int v = 0;
      std::vector<weft::select_case> sends;
      for (auto& c : chans) {
        sends.emplace_back(weft::send(c, v));
      }
      for (v = 1; v <= n; ++v) {
        weft::select(sends);
      }
    });
    std::vector<weft::select_case> receives;
    for (auto& c : chans) {
      receives.emplace_back(weft::recv(c, [&](std::optional<int> v) { got += *v; }));
    }
    for (int i = 0; i < n; ++i) {
      weft::select(receives);
    }
    sender.wait();
    EXPECT_EQ(got, std::int64_t{n} * (n + 1) / 2);
  });
}

// SE-15: position means nothing in select, and all in select_biased.
TEST_P(GoSelect, OnlyTheBiasedFormPrefersTheFirst) {
  run([] {
    const int n = 20000;
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    a.close();
    b.close();
    int first = 0;
    int first_biased = 0;
    for (int i = 0; i < n; ++i) {
      first += weft::select(weft::recv(a), weft::recv(b)) == 0;
      first_biased += weft::select_biased(weft::recv(b), weft::recv(a)) == 0;
    }
    expect_share(first, n, 1 / 2.0);
    EXPECT_EQ(first_biased, n);
  });
}

// SE-16
TEST_P(GoSelect, OneCaseIsThePlainOperationAndWithADefaultTheTryForm) {
  run([] {
    auto c = weft::make_chan<int>();
    auto b = weft::make_chan<int>(1);
    EXPECT_EQ(weft::select(weft::recv(c), weft::otherwise()), 1u);
    EXPECT_EQ(weft::select(weft::send(c, 1), weft::otherwise()), 1u);
    EXPECT_EQ(weft::select(weft::send(b, 1), weft::otherwise()), 0u);
    EXPECT_EQ(weft::select(weft::send(b, 2), weft::otherwise()), 1u);
    std::optional<int> v;
    EXPECT_EQ(weft::select(weft::recv(b, v), weft::otherwise()), 0u);
    EXPECT_EQ(v, 1);
    weft::go([=] { weft::select(weft::send(c, 3)); });
    wait_until_parked(1, "select");
    EXPECT_EQ(weft::select(weft::recv(c, v)), 0u);
    EXPECT_EQ(v, 3);
    c.close();
    EXPECT_THROW(weft::select(weft::send(c, 1)), weft::closed_channel);
    EXPECT_THROW(weft::select(weft::send(c, 1), weft::otherwise()), weft::closed_channel);
    EXPECT_EQ(weft::select(weft::recv(c, v), weft::otherwise()), 0u);
    EXPECT_EQ(v, std::nullopt);
  });
}

// SE-8, SE-9, SE-11, T4, T7 (TestSelectStress): plain and selecting senders and receivers on
// four channels of different capacities; all that is sent is received, and all end.
TEST_P(GoSelect, PlainAndSelectingPartiesShareFourChannels) {
  run([] {
    const int n = scaled(20000);
    const std::array<weft::chan<int>, 4> c = {weft::make_chan<int>(), weft::make_chan<int>(),
                                              weft::make_chan<int>(2), weft::make_chan<int>(3)};
    std::array<std::atomic<std::int64_t>, 4> sum{};
    weft::wait_group all;
    for (std::size_t k = 0; k < 4; ++k) {
      all.go([&, k] {
        for (int i = 0; i < n; ++i) {
          c[k].send(i);
        }
      });
      all.go([&, k] {
        for (int i = 0; i < n; ++i) {
          sum[k] += *c[k].recv();
        }
      });
    }
    all.go([&] {
      auto left = c;
      std::array<int, 4> sent{};
      for (int i = 0; i < 4 * n; ++i) {
        const std::size_t k =
            weft::select(weft::send(left[3], sent[3]), weft::send(left[2], sent[2]),
                         weft::send(left[0], sent[0]), weft::send(left[1], sent[1]));
        const std::size_t which = std::array<std::size_t, 4>{3, 2, 0, 1}[k];
        if (++sent[which] == n) {
          left[which] = nullptr;
        }
      }
    });
    all.go([&] {
      auto left = c;
      std::array<int, 4> received{};
      for (int i = 0; i < 4 * n; ++i) {
        std::optional<int> v;
        const std::size_t k = weft::select(weft::recv(left[0], v), weft::recv(left[1], v),
                                           weft::recv(left[2], v), weft::recv(left[3], v));
        sum[k] += *v;
        if (++received[k] == n) {
          left[k] = nullptr;
        }
      }
    });
    all.wait();
    for (auto& s : sum) {
      EXPECT_EQ(s, std::int64_t{n} * (n - 1));
    }
  });
}

}  // namespace
