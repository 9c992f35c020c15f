#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/elements.hpp"
#include "support/fixture.hpp"

namespace {

using weft::chan_status;
using weft::testing::counted;
using weft::testing::wait_until_parked;

class Select : public weft::testing::Procs {};
WEFT_PROCS(Select);

// ---- forms ----

// SE-13: the index says which case went; a switch on it is Go's form.
TEST_P(Select, ReturnsTheIndexOfTheCaseThatWent) {
  run([] {
    auto a = weft::make_chan<int>(1);
    auto b = weft::make_chan<int>(1);
    b.send(5);
    std::optional<int> v;
    switch (weft::select(weft::recv(a, v), weft::recv(b, v))) {
      case 0:
        ADD_FAILURE() << "a was empty";
        break;
      case 1:
        EXPECT_EQ(v, 5);
        break;
      default:
        ADD_FAILURE();
    }
    EXPECT_EQ(weft::select(weft::recv(b), weft::send(a, 1)), 1u);
    EXPECT_EQ(a.len(), 1u);
    EXPECT_EQ(weft::select(weft::send(a, 1), weft::recv(b), weft::otherwise()), 2u);
  });
}

// SE-1
TEST_P(Select, HandlersTakeTheValueOrNothing) {
  run([] {
    auto c = weft::make_chan<std::unique_ptr<int>>(1);
    int calls = 0;
    c.send(std::make_unique<int>(1));
    weft::select(weft::recv(c, [&](std::optional<std::unique_ptr<int>> v) { calls += **v; }));
    c.send(std::make_unique<int>(1));
    weft::select(weft::recv(c, [&](std::optional<std::unique_ptr<int>>&& v) { calls += **v; }));
    c.send(std::make_unique<int>(1));
    weft::select(weft::recv(c, [&](auto v) { calls += **v; }));
    c.send(std::make_unique<int>(1));
    weft::select(weft::recv(c, [&] { ++calls; }));
    weft::select(weft::send(c, std::make_unique<int>(1), [&] { ++calls; }));
    weft::select(weft::recv(c));
    weft::select(weft::recv(c), weft::otherwise([&] { ++calls; }));
    EXPECT_EQ(calls, 6);
    EXPECT_EQ(c.len(), 0u);
  });
}

// SE-8: one handler, once.
TEST_P(Select, RunsTheHandlerOfTheChosenCaseOnly) {
  run([] {
    auto a = weft::make_chan<int>(1);
    auto b = weft::make_chan<int>(1);
    for (int i = 0; i < 100; ++i) {
      a.send(1);
      b.send(2);
      int ran = 0;
      const std::size_t index =
          weft::select(weft::recv(a, [&] { ran += 1; }), weft::recv(b, [&] { ran += 10; }),
                       weft::otherwise([&] { ran += 100; }));
      EXPECT_EQ(ran, index == 0 ? 1 : 10);
      EXPECT_EQ(a.len() + b.len(), 1u);
      (index == 0 ? b : a).recv();
    }
  });
}

// SE-1
TEST_P(Select, NamedHandlersAreUsedWhereTheyAre) {
  run([] {
    struct counting {
      int calls = 0;
      void operator()(std::optional<int>) { ++calls; }
    } h;
    auto c = weft::make_chan<int>(2);
    c.send(1);
    c.send(1);
    weft::select(weft::recv(c, h));
    weft::select(weft::recv(c, h));
    EXPECT_EQ(h.calls, 2);
  });
}

// SE-1, SE-7
TEST_P(Select, AnOptionalTargetIsWrittenOnlyWhenChosen) {
  run([] {
    auto a = weft::make_chan<std::string>(1);
    auto b = weft::make_chan<std::string>(1);
    std::optional<std::string> va = "a";
    std::optional<std::string> vb = "b";
    b.send("new");
    EXPECT_EQ(weft::select(weft::recv(a, va), weft::recv(b, vb)), 1u);
    EXPECT_EQ(va, "a");
    EXPECT_EQ(vb, "new");
    EXPECT_EQ(weft::select(weft::recv(a, va), weft::recv(b, vb), weft::otherwise()), 2u);
    EXPECT_EQ(va, "a");
    EXPECT_EQ(vb, "new");
    a.close();
    EXPECT_EQ(weft::select(weft::recv(a, va), weft::recv(b, vb)), 0u);
    EXPECT_EQ(va, std::nullopt);
    EXPECT_EQ(vb, "new");
  });
}

// CH-13
TEST_P(Select, AnOptionalElementIsNotTheEnd) {
  run([] {
    auto c = weft::make_chan<std::optional<int>>(3);
    for (int i = 0; i < 3; ++i) {
      c.send(std::nullopt);
    }
    std::optional<std::optional<int>> v;
    weft::select(weft::recv(c, v));
    ASSERT_TRUE(v.has_value());
    EXPECT_FALSE(v->has_value());
    weft::select(
        weft::recv(c, [](std::optional<std::optional<int>> w) { EXPECT_TRUE(w.has_value()); }));
    c.close();
    weft::select(weft::recv(c, v));
    EXPECT_TRUE(v.has_value());
    weft::select(weft::recv(c, v));
    EXPECT_FALSE(v.has_value());
  });
}

// CH-12: the views are channels for their direction.
TEST_P(Select, TakesViewsAndTemporaries) {
  run([] {
    auto c = weft::make_chan<int>(1);
    const weft::send_chan<int> in = c;
    const weft::recv_chan<int> out = c;
    const auto temporary = [&] { return c; };
    EXPECT_EQ(weft::select(weft::send(in, 1), weft::recv(out)), 0u);
    EXPECT_EQ(weft::select(weft::send(in, 1), weft::recv(out)), 1u);
    EXPECT_EQ(weft::select(weft::send(temporary(), 2)), 0u);
    std::optional<int> v;
    EXPECT_EQ(weft::select(weft::recv(weft::recv_chan<int>(temporary()), v)), 0u);
    EXPECT_EQ(v, 2);
  });
}

// SE-1: a value that converts is converted once, at the call.
TEST_P(Select, ConvertsWhatItSends) {
  run([] {
    auto c = weft::make_chan<std::string>(1);
    weft::select(weft::send(c, "text"));
    EXPECT_EQ(c.recv(), "text");
    const std::string constant = "constant";
    weft::select(weft::send(c, constant));
    EXPECT_EQ(constant, "constant");
    EXPECT_EQ(c.recv(), "constant");
  });
}

// SE-1
TEST_P(Select, MovesOnlyWhenChosen) {
  run([] {
    auto a = weft::make_chan<std::unique_ptr<int>>(1);
    auto b = weft::make_chan<std::unique_ptr<int>>(1);
    b.send(nullptr);
    auto va = std::make_unique<int>(1);
    auto vb = std::make_unique<int>(2);
    EXPECT_EQ(weft::select(weft::send(b, vb), weft::send(a, va)), 1u);
    EXPECT_EQ(va, nullptr);
    ASSERT_NE(vb, nullptr);
    EXPECT_EQ(*vb, 2);
    EXPECT_EQ(weft::select(weft::send(b, vb), weft::otherwise()), 1u);
    ASSERT_NE(vb, nullptr);
    b.close();
    EXPECT_THROW(weft::select(weft::send(b, vb)), weft::closed_channel);
    ASSERT_NE(vb, nullptr);
    EXPECT_EQ(**a.recv(), 1);
  });
}

// SE-1: the same for a select that had to wait.
TEST_P(Select, MovesOnlyWhenChosenAfterAWait) {
  run([] {
    auto a = weft::make_chan<std::unique_ptr<int>>();
    auto b = weft::make_chan<std::unique_ptr<int>>();
    weft::go([&] {
      auto va = std::make_unique<int>(1);
      auto vb = std::make_unique<int>(2);
      EXPECT_EQ(weft::select(weft::send(a, va), weft::send(b, vb)), 1u);
      EXPECT_NE(va, nullptr);
      EXPECT_EQ(vb, nullptr);
    });
    wait_until_parked(1, "select");
    EXPECT_EQ(**b.recv(), 2);
    weft::testing::wait_until_goroutines(1);
  });
}

// ---- waiting ----

// SE-8
TEST_P(Select, WaitsUntilACaseCanGo) {
  run([] {
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    auto out = weft::make_chan<std::size_t>(1);
    std::optional<int> v;
    weft::go([&] { out.send(weft::select(weft::recv(a, v), weft::send(b, 2))); });
    wait_until_parked(1, "select");
    a.send(1);
    EXPECT_EQ(out.recv(), 0u);
    EXPECT_EQ(v, 1);
    weft::go([&] { out.send(weft::select(weft::recv(a, v), weft::send(b, 2))); });
    wait_until_parked(1, "select");
    EXPECT_EQ(b.recv(), 2);
    EXPECT_EQ(out.recv(), 1u);
    EXPECT_EQ(v, 1);
    // It has left both queues.
    EXPECT_EQ(a.try_send(1), chan_status::would_block);
    int w = 0;
    EXPECT_EQ(b.try_recv(w), chan_status::would_block);
  });
}

// CH-5: a waiting select is a waiting sender like any other.
TEST_P(Select, AParkedSendCaseFillsTheBuffer) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.send(1);
    weft::go([c] { weft::select(weft::send(c, 2), weft::recv(weft::make_chan<int>())); });
    wait_until_parked(1, "select");
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.len(), 1u);
    EXPECT_EQ(c.recv(), 2);
  });
}

// SE-10
TEST_P(Select, TwoSelectsMeet) {
  run([] {
    auto c = weft::make_chan<int>();
    auto d = weft::make_chan<int>();
    std::atomic<int> got = 0;
    weft::go([&] {
      weft::select(weft::recv(d), weft::recv(c, [&](std::optional<int> v) { got = *v; }));
    });
    wait_until_parked(1, "select");
    EXPECT_EQ(weft::select(weft::send(c, 7), weft::recv(d)), 0u);
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(got, 7);
  });
}

// ---- nil ----

// CH-7
TEST_P(Select, NilCasesAreNeverReady) {
  run([] {
    weft::chan<int> nil;
    auto c = weft::make_chan<int>(1);
    std::optional<int> v = 1;
    EXPECT_EQ(weft::select(weft::recv(nil, v), weft::send(nil, 1), weft::otherwise()), 2u);
    EXPECT_EQ(weft::select(weft::recv(nil, v), weft::send(c, 1), weft::send(nil, 1)), 1u);
    EXPECT_EQ(v, 1);
    EXPECT_EQ(weft::select(weft::recv(nil, v), weft::recv(c, v)), 1u);
  });
}

// CH-7: the idiom: a channel set to nil disables its case.
TEST_P(Select, SettingAChannelToNilDisablesItsCase) {
  run([] {
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    weft::go([=] {
      a.send(1);
      a.close();
    });
    weft::go([=] {
      b.send(2);
      b.close();
    });
    int sum = 0;
    while (a || b) {
      weft::select(
          weft::recv(a, [&](std::optional<int> v) { v ? void(sum += *v) : void(a = nullptr); }),
          weft::recv(b, [&](std::optional<int> v) { v ? void(sum += *v) : void(b = nullptr); }));
    }
    EXPECT_EQ(sum, 3);
  });
}

// SE-5
TEST_P(Select, WithNothingThatCanGoItBlocksForEver) {
  run_and_abandon([] {
    weft::go([] { weft::select(); });
    weft::go([] { weft::select(weft::recv(weft::chan<int>()), weft::send(weft::chan<int>(), 1)); });
    weft::go([] {
      std::vector<weft::select_case> none;
      weft::select(none);
    });
    weft::go([] { weft::select_biased(weft::recv(weft::chan<int>())); });
    wait_until_parked(4, "select (no cases)");
    EXPECT_EQ(weft::num_goroutines(), 5u);
  });
}

// SE-5
TEST_P(Select, OnlyADefaultIsTaken) {
  run([] {
    int calls = 0;
    EXPECT_EQ(weft::select(weft::otherwise([&] { ++calls; })), 0u);
    EXPECT_EQ(calls, 1);
  });
}

// ---- closed ----

// SE-7
TEST_P(Select, ReceiveOnClosedIsReadyAndGivesTheEnd) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.send(1);
    c.close();
    std::optional<int> v;
    EXPECT_EQ(weft::select(weft::recv(c, v), weft::otherwise()), 0u);
    EXPECT_EQ(v, 1);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(weft::select(weft::recv(c, v), weft::otherwise()), 0u);
      EXPECT_EQ(v, std::nullopt);
    }
    bool ended = false;
    weft::select(weft::recv(c, [&](std::optional<int> w) { ended = !w; }));
    EXPECT_TRUE(ended);
  });
}

// SE-6
TEST_P(Select, SendOnClosedThrowsWithoutRunningItsHandler) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.close();
    bool ran = false;
    EXPECT_THROW(weft::select(weft::send(c, 1, [&] { ran = true; })), weft::closed_channel);
    EXPECT_THROW(weft::select(weft::send(c, 1), weft::otherwise([&] { ran = true; })),
                 weft::closed_channel);
    EXPECT_FALSE(ran);
  });
}

// CH-10, CH-11
TEST_P(Select, CloseWakesAWaitingSelect) {
  run([] {
    auto c = weft::make_chan<int>();
    auto d = weft::make_chan<int>();
    const weft::recv_chan<int> never = weft::make_chan<int>();
    std::atomic<int> ended = 0;
    std::atomic<int> threw = 0;
    weft::go([&] {
      std::optional<int> v = 1;
      EXPECT_EQ(weft::select(weft::recv(never), weft::recv(c, v)), 1u);
      ended += !v;
    });
    weft::go([&] {
      auto v = std::make_unique<int>(5);
      auto to = weft::make_chan<std::unique_ptr<int>>();
      weft::go([&] {
        wait_until_parked(2, "select");
        to.close();
      });
      try {
        weft::select(weft::send(to, v), weft::recv(d));
      } catch (const weft::closed_channel&) {
        ++threw;
      }
      EXPECT_NE(v, nullptr);
      d.recv();
    });
    wait_until_parked(1, "chan receive");
    c.close();
    d.close();
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(threw, 1);
  });
}

// ---- otherwise, lists ----

// SE-14
TEST_P(Select, AListActsAsTheStaticForm) {
  run([] {
    auto a = weft::make_chan<int>(1);
    auto b = weft::make_chan<std::string>(1);
    std::optional<int> v;
    int handled = 0;
    std::vector<weft::select_case> cases;
    cases.push_back(weft::recv(a, v));
    cases.push_back(weft::recv(b, [&](std::optional<std::string> s) { handled += *s == "x"; }));
    cases.push_back(weft::otherwise([&] { handled += 10; }));
    EXPECT_EQ(weft::select(cases), 2u);
    a.send(3);
    EXPECT_EQ(weft::select(cases), 0u);
    EXPECT_EQ(v, 3);
    b.send("x");
    EXPECT_EQ(weft::select(std::span(cases)), 1u);
    EXPECT_EQ(weft::select_biased(cases), 2u);
    EXPECT_EQ(handled, 21);
  });
}

// SE-14: a list keeps its channels, and constants; a value that was sent is gone.
TEST_P(Select, AListKeepsItsChannels) {
  run([] {
    std::vector<weft::select_case> cases;
    weft::recv_chan<std::string> out;
    {
      auto c = weft::make_chan<std::string>(1);
      out = c;
      std::string text = "a string that is too long for the small buffer";
      cases.push_back(weft::send(c, std::move(text)));
      cases.push_back(weft::recv(weft::make_chan<int>()));
    }
    EXPECT_EQ(weft::select(cases), 0u);
    EXPECT_EQ(out.recv(), "a string that is too long for the small buffer");
  });
}

// SE-14
TEST_P(Select, AListOfWaitingCasesIsWoken) {
  run([] {
    for (std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{16}, std::size_t{17},
                          std::size_t{100}, std::size_t{1000}}) {
      std::vector<weft::chan<std::size_t>> chans;
      std::vector<weft::select_case> cases;
      std::optional<std::size_t> v;
      for (std::size_t i = 0; i < n; ++i) {
        chans.push_back(weft::make_chan<std::size_t>());
        cases.push_back(weft::recv(chans[i], v));
      }
      for (std::size_t i : {std::size_t{0}, n / 2, n - 1}) {
        auto out = weft::make_chan<std::size_t>(1);
        weft::go([&] { out.send(weft::select(cases)); });
        wait_until_parked(1, "select");
        chans[i].send(i + 1);
        EXPECT_EQ(out.recv(), i);
        EXPECT_EQ(v, i + 1);
        weft::testing::wait_until_goroutines(1);
      }
      for (auto& c : chans) {
        EXPECT_EQ(c.try_send(0), chan_status::would_block);  // it left every queue
      }
    }
  });
}

// SE-12
TEST_P(Select, AListHasAtMost65536Cases) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.send(1);
    std::vector<weft::select_case> cases;
    for (int i = 0; i < 65535; ++i) {
      cases.push_back(weft::recv(weft::chan<int>()));
    }
    cases.push_back(weft::recv(c));
    EXPECT_EQ(weft::select(cases), 65535u);
    c.send(1);
    cases.push_back(weft::recv(c));
    EXPECT_THROW(weft::select(cases), weft::misuse);
    EXPECT_THROW(weft::select_biased(cases), weft::misuse);
    EXPECT_EQ(c.len(), 1u);
  });
}

// SE-14
TEST_P(Select, AListHasAtMostOneDefault) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.send(1);
    std::vector<weft::select_case> cases;
    cases.push_back(weft::otherwise());
    cases.push_back(weft::recv(c));
    cases.push_back(weft::otherwise());
    try {
      weft::select(cases);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const weft::misuse& e) {
      EXPECT_EQ(std::string(e.what()),
                "weft: select: cases 0 and 2 are both otherwise(); at most one is possible");
    }
    EXPECT_EQ(c.len(), 1u);
  });
}

// SE-15, with a case that must be asked each time: a timer's channel.
TEST_P(Select, OfTwoCasesInOneQueueTheFirstGoesIfBiased) {
  run([] {
    for (int i = 0; i < 200; ++i) {
      auto c = weft::make_chan<int>();
      const auto never = weft::after(std::chrono::hours(1));
      weft::go([c] { c.send(1); });
      ASSERT_EQ(weft::select_biased(weft::recv(c), weft::recv(c), weft::recv(never)), 0u);
    }
  });
}

// SE-15
TEST_P(Select, BiasedTakesTheFirstThatIsReady) {
  run([] {
    auto a = weft::make_chan<int>(1000);
    auto b = weft::make_chan<int>(1000);
    for (int i = 0; i < 1000; ++i) {
      a.send(i);
      b.send(i);
    }
    for (int i = 0; i < 1000; ++i) {
      ASSERT_EQ(weft::select_biased(weft::recv(b), weft::recv(a)), 0u);
    }
    for (int i = 0; i < 1000; ++i) {
      ASSERT_EQ(weft::select_biased(weft::recv(b), weft::recv(a), weft::otherwise()), 1u);
    }
    EXPECT_EQ(weft::select_biased(weft::recv(b), weft::recv(a), weft::otherwise()), 2u);
    // otherwise() is the last resort, wherever it stands.
    a.send(1);
    EXPECT_EQ(weft::select_biased(weft::otherwise(), weft::recv(a)), 1u);
  });
}

// SE-15
TEST_P(Select, BiasedWaitsLikeTheOther) {
  run([] {
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    auto out = weft::make_chan<std::size_t>(1);
    weft::go([=] { out.send(weft::select_biased(weft::recv(a), weft::recv(b))); });
    wait_until_parked(1, "select");
    b.send(1);
    EXPECT_EQ(out.recv(), 1u);
  });
}

// ---- exceptions, elements ----

// SE-11: handlers run with no lock held, so what they throw passes through and all goes on.
TEST_P(Select, AnExceptionLeavesAHandlerAfterTheOperation) {
  run([] {
    auto c = weft::make_chan<int>(1);
    const auto bad = [](auto&&...) { throw std::runtime_error("handler"); };
    c.send(1);
    EXPECT_THROW(weft::select(weft::recv(c, bad)), std::runtime_error);
    EXPECT_EQ(c.len(), 0u);
    EXPECT_THROW(weft::select(weft::send(c, 2, bad)), std::runtime_error);
    EXPECT_EQ(c.len(), 1u);
    EXPECT_THROW(weft::select(weft::send(c, 3), weft::otherwise(bad)), std::runtime_error);
    std::vector<weft::select_case> cases;
    cases.push_back(weft::recv(c, bad));
    EXPECT_THROW(weft::select(cases), std::runtime_error);
    EXPECT_EQ(c.len(), 0u);
    c.send(4);
    EXPECT_EQ(c.recv(), 4);
  });
}

// SE-11: a handler may use every channel of its own select.
TEST_P(Select, HandlersMayUseTheirChannels) {
  run([] {
    auto a = weft::make_chan<int>(1);
    auto b = weft::make_chan<int>(1);
    a.send(1);
    weft::select(weft::recv(a,
                            [&](std::optional<int> v) {
                              a.send(*v + 1);
                              weft::select(weft::recv(a, [&](std::optional<int> w) { b.send(*w); }),
                                           weft::recv(b));
                            }),
                 weft::recv(b));
    EXPECT_EQ(b.recv(), 2);
  });
}

// CH-18
TEST_P(Select, NoElementLeaks) {
  const std::int64_t before = counted::alive();
  run([] {
    auto a = weft::make_chan<counted>();
    auto b = weft::make_chan<counted>(1);
    const auto bad = [](std::optional<counted>) { throw std::runtime_error("handler"); };
    weft::go([=] {
      for (std::uint64_t i = 0; i < 100; ++i) {
        weft::select(weft::send(a, counted(i)), weft::send(b, counted(i)));
      }
    });
    for (int i = 0; i < 100; ++i) {
      std::optional<counted> v;
      switch (i % 4) {
        case 0:
          weft::select(weft::recv(a), weft::recv(b));
          break;
        case 1:
          weft::select(weft::recv(a, v), weft::recv(b, v));
          EXPECT_NE(v->value(), counted::nothing);
          break;
        case 2:
          EXPECT_THROW(weft::select(weft::recv(a, bad), weft::recv(b, bad)), std::runtime_error);
          break;
        case 3: {
          std::vector<weft::select_case> cases;
          cases.push_back(weft::recv(a));
          cases.push_back(weft::recv(b, v));
          cases.push_back(weft::send(weft::chan<counted>(), counted(1)));
          weft::select(cases);
        }
      }
    }
  });
  EXPECT_EQ(counted::alive(), before);
}

struct alignas(64) over_aligned {
  explicit over_aligned(int v) noexcept : n(v) {}
  over_aligned(over_aligned&& o) noexcept : n(o.aligned() && aligned() ? o.n : -1) {}
  bool aligned() const noexcept { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
  int n;
};

// HZ-8
TEST_P(Select, CarriesOverAlignedAndHugeElements) {
  run([] {
    auto c = weft::make_chan<over_aligned>();
    auto h = weft::make_chan<std::array<int, 2048>>();
    weft::go([=] {
      std::array<int, 2048> big{};
      big[2047] = 9;
      int left = 2;
      while (left > 0) {
        left -= weft::select(weft::send(left == 2 ? c : nullptr, over_aligned(3)),
                             weft::send(left == 1 ? h : nullptr, big)) < 2;
      }
    });
    weft::select(weft::recv(c, [](std::optional<over_aligned> v) { EXPECT_EQ(v->n, 3); }),
                 weft::recv(weft::chan<int>()));
    std::vector<weft::select_case> cases;
    cases.push_back(weft::recv(
        h, [](const std::optional<std::array<int, 2048>>& v) { EXPECT_EQ((*v)[2047], 9); }));
    cases.push_back(weft::recv(c));
    weft::select(cases);
  });
}

// HZ-11
TEST_P(Select, ForeignThreadsSelect) {
  weft::run(
      weft::runtime_options{.max_procs = procs(), .on_deadlock = weft::deadlock_action::ignore},
      [] {
        auto a = weft::make_chan<int>();
        auto b = weft::make_chan<int>();
        auto stop = weft::make_chan<weft::unit>();
        std::atomic<int> sum = 0;
        std::thread t([&] {
          for (bool on = true; on;) {
            const auto add = [&](std::optional<int> v) { sum += *v; };
            weft::select(weft::recv(a, add), weft::recv(b, add),
                         weft::recv(stop, [&] { on = false; }));
          }
        });
        for (int i = 0; i < 1000; ++i) {
          (i % 2 != 0 ? a : b).send(1);
        }
        stop.close();
        t.join();
        EXPECT_EQ(sum, 1000);
      });
}

}  // namespace
