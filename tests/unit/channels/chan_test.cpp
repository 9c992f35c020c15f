#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "support/elements.hpp"
#include "support/fixture.hpp"

namespace {

using weft::chan_status;
using weft::testing::counted;
using weft::testing::wait_until_parked;

class Chan : public weft::testing::Procs {};
WEFT_PROCS(Chan);

// ---- make ----

// CH-1, CH-15
TEST_P(Chan, HasTheCapacityItWasMadeWith) {
  run([] {
    EXPECT_EQ(weft::make_chan<int>().cap(), 0u);
    EXPECT_EQ(weft::make_chan<int>(0).cap(), 0u);
    EXPECT_EQ(weft::make_chan<int>(3).cap(), 3u);
    EXPECT_EQ(weft::make_chan<int>(std::size_t{17}).cap(), 17u);
    EXPECT_EQ(weft::make_chan<int>(std::int8_t{100}).cap(), 100u);
    EXPECT_EQ(weft::make_chan<int>(3).len(), 0u);
    EXPECT_TRUE(weft::make_chan<int>());
  });
}

// CH-1
TEST_P(Chan, RefusesACapacityThatCannotBe) {
  run([] {
    EXPECT_THROW(weft::make_chan<int>(-1), weft::bad_capacity);
    EXPECT_THROW(weft::make_chan<int>(std::numeric_limits<std::int64_t>::min()),
                 weft::bad_capacity);
    EXPECT_THROW(weft::make_chan<int>(std::numeric_limits<std::int64_t>::max()),
                 weft::bad_capacity);
    EXPECT_THROW(weft::make_chan<int>(std::numeric_limits<std::uint64_t>::max()),
                 weft::bad_capacity);
    EXPECT_THROW(weft::make_chan<char>(std::numeric_limits<std::int64_t>::max()),
                 weft::bad_capacity);
  });
}

// CH-1
TEST_P(Chan, SaysWhichCapacityItRefused) {
  run([] {
    try {
      weft::make_chan<int>(-7);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const weft::bad_capacity& e) {
      EXPECT_NE(std::string(e.what()).find("-7"), std::string::npos) << e.what();
    }
    try {
      weft::make_chan<int>(std::numeric_limits<std::uint64_t>::max());
      ADD_FAILURE() << "nothing was thrown";
    } catch (const weft::bad_capacity& e) {
      EXPECT_NE(std::string(e.what()).find("18446744073709551615"), std::string::npos) << e.what();
    }
  });
}

// CH-1: a size that would overflow when multiplied must not become a small allocation.
TEST_P(Chan, RefusesACapacityWhoseBytesOverflow) {
  run([] {
    using big = std::array<char, 4096>;
    EXPECT_THROW(weft::make_chan<big>(std::int64_t{1} << 52), weft::bad_capacity);
    EXPECT_THROW(weft::make_chan<big>((std::int64_t{1} << 51) + 1), weft::bad_capacity);
  });
}

// ---- send and receive ----

// CH-2
TEST_P(Chan, UnbufferedSendReturnsOnlyAfterReceive) {
  run([] {
    auto c = weft::make_chan<int>();
    std::atomic<bool> sent = false;
    weft::go([&] {
      c.send(1);
      sent = true;
    });
    wait_until_parked(1, "chan send");
    EXPECT_FALSE(sent);
    EXPECT_EQ(c.recv(), 1);
    weft::testing::wait_until_goroutines(1);
    EXPECT_TRUE(sent);
  });
}

// CH-3
TEST_P(Chan, HoldsExactlyItsCapacity) {
  run([] {
    for (int capacity : {1, 2, 3, 5, 8, 128}) {
      auto c = weft::make_chan<int>(capacity);
      for (int i = 0; i < capacity; ++i) {
        EXPECT_EQ(c.len(), static_cast<std::size_t>(i));
        EXPECT_EQ(c.try_send(i), chan_status::ok);
      }
      EXPECT_EQ(c.len(), c.cap());
      EXPECT_EQ(c.try_send(-1), chan_status::would_block);
      for (int i = 0; i < capacity; ++i) {
        EXPECT_EQ(c.recv(), i);
      }
      int none = 77;
      EXPECT_EQ(c.try_recv(none), chan_status::would_block);
      EXPECT_EQ(none, 77);
    }
  });
}

// CH-3, CH-4: the ring keeps its order over its end, at each phase of head and tail.
TEST_P(Chan, KeepsTheOrderAroundTheRing) {
  run([] {
    auto c = weft::make_chan<int>(3);
    int in = 0;
    int out = 0;
    for (int round = 0; round < 20; ++round) {
      const int n = round % 3 + 1;
      for (int i = 0; i < n; ++i) {
        c.send(in++);
      }
      for (int i = 0; i < n; ++i) {
        EXPECT_EQ(c.recv(), out++);
      }
    }
  });
}

// CH-3
TEST_P(Chan, SendToAFullBufferWaits) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.send(1);
    weft::go([c] { c.send(2); });
    wait_until_parked(1, "chan send");
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.recv(), 2);
  });
}

// CH-3
TEST_P(Chan, ReceiveFromAnEmptyBufferWaits) {
  run([] {
    auto c = weft::make_chan<int>(1);
    auto out = weft::make_chan<int>(1);
    weft::go([=] { out.send(*c.recv() + 1); });
    wait_until_parked(1, "chan receive");
    c.send(1);
    EXPECT_EQ(out.recv(), 2);
  });
}

// CH-15
TEST_P(Chan, LenCountsNoParkedSenders) {
  run([] {
    auto c = weft::make_chan<int>();
    auto b = weft::make_chan<int>(1);
    b.send(0);
    weft::go([c] { c.send(1); });
    weft::go([b] { b.send(1); });
    wait_until_parked(2, "chan send");
    EXPECT_EQ(c.len(), 0u);
    EXPECT_EQ(b.len(), 1u);
    c.recv();
    b.recv();
    b.recv();
  });
}

// CH-18: what is sent is a copy of what was given, made before the wait.
TEST_P(Chan, SendsACopyOfALvalue) {
  run([] {
    auto c = weft::make_chan<std::string>();
    auto written = weft::make_chan<weft::unit>();
    std::string v = "a string that is too long for the small buffer";
    weft::go([&, c] {
      c.send(v);
      written.recv();
    });
    wait_until_parked(1, "chan send");
    v = "changed";
    EXPECT_EQ(c.recv(), "a string that is too long for the small buffer");
    written.send({});
    EXPECT_EQ(v, "changed");
  });
}

// CH-18
TEST_P(Chan, MovesARvalue) {
  run([] {
    auto c = weft::make_chan<std::unique_ptr<int>>(1);
    auto p = std::make_unique<int>(5);
    const int* at = p.get();
    c.send(std::move(p));
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(c.recv()->get(), at);
  });
}

// ---- try_send, try_recv ----

// CH-21
TEST_P(Chan, TrySendMeetsAWaitingReceiver) {
  run([] {
    auto c = weft::make_chan<int>();
    auto out = weft::make_chan<int>(1);
    EXPECT_EQ(c.try_send(1), chan_status::would_block);
    weft::go([=] { out.send(*c.recv()); });
    wait_until_parked(1, "chan receive");
    EXPECT_EQ(c.try_send(2), chan_status::ok);
    EXPECT_EQ(c.try_send(3), chan_status::would_block);
    EXPECT_EQ(out.recv(), 2);
  });
}

// CH-21
TEST_P(Chan, TryRecvMeetsAWaitingSender) {
  run([] {
    auto c = weft::make_chan<int>();
    int v = 0;
    EXPECT_EQ(c.try_recv(v), chan_status::would_block);
    weft::go([=] { c.send(4); });
    wait_until_parked(1, "chan send");
    EXPECT_EQ(c.try_recv(v), chan_status::ok);
    EXPECT_EQ(v, 4);
    EXPECT_EQ(c.try_recv(v), chan_status::would_block);
    EXPECT_EQ(v, 4);
  });
}

// CH-18, CH-21
TEST_P(Chan, TrySendMovesOnlyWhenItSends) {
  run([] {
    auto c = weft::make_chan<std::unique_ptr<int>>(1);
    auto p = std::make_unique<int>(1);
    auto q = std::make_unique<int>(2);
    EXPECT_EQ(c.try_send(p), chan_status::ok);
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(c.try_send(q), chan_status::would_block);
    ASSERT_NE(q, nullptr);
    EXPECT_EQ(c.try_send(std::move(q)), chan_status::would_block);
    ASSERT_NE(q, nullptr);
    c.close();
    EXPECT_EQ(c.try_send(q), chan_status::closed);
    ASSERT_NE(q, nullptr);
    EXPECT_EQ(*q, 2);
    EXPECT_EQ(**c.recv(), 1);
  });
}

// CH-21
TEST_P(Chan, TrySendCopiesAConstant) {
  run([] {
    auto c = weft::make_chan<std::string>(1);
    const std::string v = "kept";
    EXPECT_EQ(c.try_send(v), chan_status::ok);
    EXPECT_EQ(v, "kept");
    EXPECT_EQ(c.recv(), "kept");
  });
}

// CH-21
TEST_P(Chan, TryRecvIntoAnOptionalLeavesItAloneUnlessItReceives) {
  run([] {
    auto c = weft::make_chan<std::string>(1);
    std::optional<std::string> v = "before";
    EXPECT_EQ(c.try_recv(v), chan_status::would_block);
    EXPECT_EQ(v, "before");
    c.send("new");
    EXPECT_EQ(c.try_recv(v), chan_status::ok);
    EXPECT_EQ(v, "new");
    c.close();
    EXPECT_EQ(c.try_recv(v), chan_status::closed);
    EXPECT_EQ(v, "new");
  });
}

// ---- nil ----

// CH-7
TEST_P(Chan, NilHasNoLengthAndIsNeverReady) {
  run([] {
    weft::chan<int> c;
    weft::recv_chan<int> r;
    weft::send_chan<int> s = nullptr;
    EXPECT_FALSE(c);
    EXPECT_FALSE(r);
    EXPECT_FALSE(s);
    EXPECT_EQ(c.len(), 0u);
    EXPECT_EQ(c.cap(), 0u);
    int v = 3;
    std::optional<int> o = 4;
    EXPECT_EQ(c.try_send(v), chan_status::would_block);
    EXPECT_EQ(c.try_recv(v), chan_status::would_block);
    EXPECT_EQ(c.try_recv(o), chan_status::would_block);
    EXPECT_EQ(v, 3);
    EXPECT_EQ(o, 4);
    EXPECT_EQ(c, weft::chan<int>());
    EXPECT_EQ(c, r);
  });
}

// CH-7
TEST_P(Chan, CloseOfNilThrows) {
  run([] {
    EXPECT_THROW(weft::chan<int>().close(), weft::nil_channel);
    EXPECT_THROW(weft::send_chan<int>().close(), weft::nil_channel);
  });
}

// CH-7
TEST_P(Chan, NilBlocksForEver) {
  run_and_abandon([] {
    weft::go([] { weft::chan<int>().send(1); });
    weft::go([] { weft::chan<int>().recv(); });
    weft::go([] {
      for (int v : weft::chan<int>()) {
        ADD_FAILURE() << "received " << v;
      }
    });
    wait_until_parked(1, "chan send (nil chan)");
    wait_until_parked(2, "chan receive (nil chan)");
    EXPECT_EQ(weft::num_goroutines(), 4u);
  });
}

// ---- close ----

// CH-8
TEST_P(Chan, ClosedGivesWhatIsBufferedAndThenTheEnd) {
  run([] {
    auto c = weft::make_chan<int>(3);
    c.send(1);
    c.send(2);
    c.close();
    EXPECT_EQ(c.len(), 2u);
    EXPECT_EQ(c.recv(), 1);
    int v = 0;
    EXPECT_EQ(c.try_recv(v), chan_status::ok);
    EXPECT_EQ(v, 2);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(c.recv(), std::nullopt);
      EXPECT_EQ(c.try_recv(v), chan_status::closed);
    }
    EXPECT_EQ(v, 2);
  });
}

// CH-8, CH-9
TEST_P(Chan, SendAndCloseOnClosedThrow) {
  run([] {
    for (int capacity : {0, 1}) {
      auto c = weft::make_chan<int>(capacity);
      c.close();
      EXPECT_THROW(c.send(1), weft::closed_channel);
      EXPECT_THROW(c.close(), weft::closed_channel);
      EXPECT_EQ(c.try_send(1), chan_status::closed);
      EXPECT_EQ(c.len(), 0u);
      EXPECT_EQ(c.recv(), std::nullopt);
    }
  });
}

// CH-8, CH-18
TEST_P(Chan, AFailedSendLeavesTheValueUnchanged) {
  run([] {
    auto closed = weft::make_chan<std::unique_ptr<int>>();
    closed.close();
    auto v = std::make_unique<int>(1);
    EXPECT_THROW(closed.send(std::move(v)), weft::closed_channel);
    ASSERT_NE(v, nullptr);

    auto later = weft::make_chan<std::unique_ptr<int>>();
    weft::go([&] {
      EXPECT_THROW(later.send(std::move(v)), weft::closed_channel);
      EXPECT_NE(v, nullptr);
    });
    wait_until_parked(1, "chan send");
    later.close();
    weft::testing::wait_until_goroutines(1);
  });
}

// CH-10, CH-11
TEST_P(Chan, CloseWakesAllWhoWait) {
  run([] {
    auto empty = weft::make_chan<int>();
    auto full = weft::make_chan<int>(1);
    full.send(0);
    std::atomic<int> ended = 0;
    std::atomic<int> threw = 0;
    for (int i = 0; i < 10; ++i) {
      weft::go([&, empty] { ended += empty.recv() == std::nullopt; });
      weft::go([&, full, i] {
        try {
          full.send(i + 1);
        } catch (const weft::closed_channel&) {
          ++threw;
        }
      });
    }
    wait_until_parked(10, "chan receive");
    wait_until_parked(10, "chan send");
    empty.close();
    full.close();
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(ended, 10);
    EXPECT_EQ(threw, 10);
    EXPECT_EQ(full.recv(), 0);
    EXPECT_EQ(full.recv(), std::nullopt);
  });
}

// PN-3
TEST_P(Chan, ErrorsAreOfOneKindAndExplainThemselves) {
  run([] {
    const auto text = [](auto&& f) -> std::string {
      try {
        f();
      } catch (const weft::channel_error& e) {
        return e.what();
      }
      return "nothing was thrown";
    };
    auto c = weft::make_chan<int>();
    c.close();
    EXPECT_EQ(text([&] { c.send(1); }), "weft: send on closed channel");
    EXPECT_EQ(text([&] { c.close(); }), "weft: close of closed channel");
    EXPECT_EQ(text([&] { weft::chan<int>().close(); }), "weft: close of nil channel");
    static_assert(std::is_base_of_v<weft::misuse, weft::channel_error>);
    static_assert(std::is_base_of_v<weft::channel_error, weft::bad_capacity>);
  });
}

// ---- range ----

// CH-14
TEST_P(Chan, RangeReceivesUntilClosedAndDrained) {
  run([] {
    for (int capacity : {0, 1, 3}) {
      auto c = weft::make_chan<int>(capacity);
      weft::go([c] {
        for (int i = 0; i < 10; ++i) {
          c.send(i);
        }
        c.close();
      });
      int next = 0;
      for (int& v : c) {
        EXPECT_EQ(v, next++);
      }
      EXPECT_EQ(next, 10);
    }
  });
}

// CH-14
TEST_P(Chan, LeavingARangeConsumesNothingMore) {
  run([] {
    auto c = weft::make_chan<int>(4);
    for (int i = 0; i < 4; ++i) {
      c.send(i);
    }
    for (int v : c) {
      if (v == 1) {
        break;
      }
    }
    EXPECT_EQ(c.len(), 2u);
    EXPECT_EQ(c.recv(), 2);
  });
}

// CH-14
TEST_P(Chan, RangeOverAClosedChannelIsEmpty) {
  run([] {
    auto c = weft::make_chan<int>();
    c.close();
    for (int v : weft::recv_chan<int>(c)) {
      ADD_FAILURE() << v;
    }
    EXPECT_TRUE(c.begin() == c.end());
  });
}

// CH-14
TEST_P(Chan, RangeLetsMoveOnlyElementsBeMovedAway) {
  static_assert(std::ranges::input_range<weft::chan<int>>);
  static_assert(std::ranges::input_range<const weft::recv_chan<std::string>>);
  run([] {
    auto c = weft::make_chan<std::unique_ptr<int>>(2);
    c.send(std::make_unique<int>(1));
    c.send(std::make_unique<int>(2));
    c.close();
    std::vector<std::unique_ptr<int>> all;
    for (auto& p : c) {
      all.push_back(std::move(p));
    }
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(*all[0] + *all[1], 3);
  });
}

// CH-14: an algorithm over a channel, through the iterator's arrow and post-increment as well.
TEST_P(Chan, RangeIsAnInputRange) {
  run([] {
    auto c = weft::make_chan<std::string>(3);
    for (const char* text : {"a", "bb", "ccc"}) {
      c.send(text);
    }
    c.close();
    auto it = c.begin();
    EXPECT_EQ(it->size(), 1u);
    it++;
    EXPECT_EQ(it->size(), 2u);
    EXPECT_EQ(*++it, "ccc");
    EXPECT_FALSE(it == c.end());
    ++it;
    EXPECT_TRUE(it == c.end());
  });
}

// ---- handles ----

// CH-12
TEST_P(Chan, ConvertsToViewsOneWay) {
  using C = weft::chan<int>;
  using S = weft::send_chan<int>;
  using R = weft::recv_chan<int>;
  static_assert(std::is_convertible_v<C, S> && std::is_convertible_v<C, R>);
  static_assert(!std::is_constructible_v<C, S> && !std::is_constructible_v<C, R>);
  static_assert(!std::is_constructible_v<S, R> && !std::is_constructible_v<R, S>);
  static_assert(!std::is_assignable_v<C&, S> && !std::is_assignable_v<C&, R>);
  static_assert(!std::is_constructible_v<R, weft::chan<long>>);
  run([] {
    const auto c = weft::make_chan<int>(2);
    const weft::send_chan<int> in = c;
    const weft::recv_chan<int> out = c;
    in.send(1);
    EXPECT_EQ(in.try_send(2), chan_status::ok);
    EXPECT_EQ(in.len(), 2u);
    EXPECT_EQ(out.cap(), 2u);
    EXPECT_EQ(out.recv(), 1);
    in.close();
    int sum = 0;
    for (int v : out) {
      sum += v;
    }
    EXPECT_EQ(sum, 2);
  });
}

// CH-12, CH-19
TEST_P(Chan, ViewsAreEqualToTheirOrigin) {
  run([] {
    auto c = weft::make_chan<int>();
    auto d = weft::make_chan<int>();
    weft::send_chan<int> s = c;
    weft::recv_chan<int> r = c;
    EXPECT_TRUE(s == c && c == s && r == c && s == r);
    EXPECT_TRUE(d != s && d != r && c != d);
    EXPECT_EQ(s.hash(), c.hash());
    EXPECT_EQ(std::hash<weft::recv_chan<int>>{}(r), std::hash<weft::chan<int>>{}(c));
    EXPECT_EQ(std::hash<weft::send_chan<int>>{}(s), std::hash<weft::chan<int>>{}(c));
  });
}

// CH-19
TEST_P(Chan, CopiesAreTheSameChannel) {
  run([] {
    auto a = weft::make_chan<int>(1);
    weft::chan<int> b = a;
    EXPECT_EQ(a, b);
    b.send(1);
    EXPECT_EQ(a.recv(), 1);
    weft::chan<int>& same = a;
    a = same;
    EXPECT_EQ(a, b);
    weft::chan<int> taken = std::move(a);
    EXPECT_EQ(taken, b);
    EXPECT_FALSE(a);  // NOLINT: moved from means nil
    a = nullptr;
    b = nullptr;
    EXPECT_FALSE(b);
    taken.send(2);
    EXPECT_EQ(taken.recv(), 2);
  });
}

// CH-19
TEST_P(Chan, IsAKey) {
  run([] {
    std::unordered_set<weft::chan<int>> set;
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    set.insert(a);
    set.insert(a);
    set.insert(b);
    set.insert(weft::chan<int>());
    EXPECT_EQ(set.size(), 3u);
    EXPECT_TRUE(set.contains(b));
    EXPECT_FALSE(set.contains(weft::make_chan<int>()));
  });
}

// CH-19
TEST_P(Chan, CarriesChannels) {
  run([] {
    auto requests = weft::make_chan<weft::send_chan<std::string>>();
    weft::go([requests] {
      for (auto& reply : requests) {
        reply.send("pong");
      }
    });
    auto reply = weft::make_chan<std::string>();
    requests.send(reply);
    EXPECT_EQ(reply.recv(), "pong");
    requests.close();
  });
}

// ---- what becomes of the elements ----

// CH-18: the slot is emptied when its value is taken, not when it is written again.
TEST_P(Chan, TheBufferKeepsNothingOfWhatWasReceived) {
  run([] {
    auto c = weft::make_chan<std::shared_ptr<int>>(4);
    auto p = std::make_shared<int>(1);
    c.send(p);
    EXPECT_EQ(p.use_count(), 2);
    {
      auto got = c.recv();
      EXPECT_EQ(p.use_count(), 2);
    }
    EXPECT_EQ(p.use_count(), 1);
    std::weak_ptr<int> gone = p;
    c.send(std::move(p));
    c.recv();
    EXPECT_TRUE(gone.expired());
  });
}

// CH-18
TEST_P(Chan, LeftoverValuesAreDestroyedWithTheChannel) {
  run([] {
    auto p = std::make_shared<int>(1);
    {
      auto c = weft::make_chan<std::shared_ptr<int>>(5);
      for (int i = 0; i < 7; ++i) {  // so that the leftovers go around the ring
        c.send(p);
        if (i < 3) {
          c.recv();
        }
      }
      EXPECT_EQ(p.use_count(), 5);
      c.close();
      EXPECT_EQ(p.use_count(), 5);
    }
    EXPECT_EQ(p.use_count(), 1);
  });
}

// CH-18, CH-10: every object that was made was destroyed, whichever way it went.
TEST_P(Chan, NoElementLeaks) {
  const std::int64_t before = counted::alive();
  run([] {
    for (int capacity : {0, 1, 3}) {
      auto c = weft::make_chan<counted>(capacity);
      weft::go([c] {
        for (std::uint64_t i = 0; i < 10; ++i) {
          c.send(counted(i));
        }
      });
      for (std::uint64_t i = 0; i < 10; ++i) {
        EXPECT_EQ(c.recv()->value(), i);
      }
      for (int i = 0; i < 3; ++i) {
        weft::go([c] {
          try {
            for (std::uint64_t k = 0;; ++k) {
              c.send(counted(k));
            }
          } catch (const weft::closed_channel&) {
          }
        });
      }
      wait_until_parked(3, "chan send");
      c.close();
      weft::testing::wait_until_goroutines(1);
    }
  });
  EXPECT_EQ(counted::alive(), before);
}

struct throws_when_copied {
  explicit throws_when_copied(bool armed) noexcept : armed_(armed) {}
  throws_when_copied(const throws_when_copied& o) : armed_(o.armed_) {
    if (armed_) {
      throw std::runtime_error("copy");
    }
  }
  throws_when_copied(throws_when_copied&&) noexcept = default;
  throws_when_copied& operator=(throws_when_copied&&) noexcept = default;
  bool armed_;
};

// HZ-7
TEST_P(Chan, ACopyThatThrowsSendsNothing) {
  run([] {
    auto c = weft::make_chan<throws_when_copied>(1);
    const throws_when_copied bad(true);
    EXPECT_THROW(c.send(bad), std::runtime_error);
    EXPECT_THROW((void)c.try_send(bad), std::runtime_error);
    EXPECT_EQ(c.len(), 0u);
    c.send(throws_when_copied(false));  // no lock was left behind
    EXPECT_FALSE(c.recv()->armed_);
  });
}

struct tells_when_destroyed {
  tells_when_destroyed(weft::chan<int> to, int what) : to_(std::move(to)), what_(what) {}
  tells_when_destroyed(tells_when_destroyed&& o) noexcept = default;
  ~tells_when_destroyed() {
    if (to_) {
      EXPECT_EQ(to_.try_send(what_), chan_status::ok);
    }
  }
  weft::chan<int> to_;
  int what_;
};

// HZ-7: destructors of leftover values may use channels.
TEST_P(Chan, DestructorsOfLeftoversMaySend) {
  run([] {
    auto told = weft::make_chan<int>(4);
    {
      auto c = weft::make_chan<tells_when_destroyed>(4);
      for (int i = 0; i < 3; ++i) {
        c.send(tells_when_destroyed(told, i));
      }
      EXPECT_EQ(told.len(), 0u);
    }
    ASSERT_EQ(told.len(), 3u);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(told.recv(), i);
    }
  });
}

struct sends_back {
  explicit sends_back(int n) noexcept : left(n) {}
  sends_back(sends_back&& o) noexcept : to(std::move(o.to)), left(o.left) {}
  ~sends_back();
  weft::chan<sends_back> to;
  int left;
};
sends_back::~sends_back() {
  if (to && left > 0) {
    EXPECT_EQ(to.try_send(sends_back(left - 1)), chan_status::ok);
  }
}

// HZ-7: the destructor of a received value may use the channel that it came from.
TEST_P(Chan, ADestructorMaySendOnTheSameChannel) {
  run([] {
    auto c = weft::make_chan<sends_back>(1);
    sends_back first(2);
    first.to = c;
    c.send(std::move(first));
    {
      auto got = c.recv();
      EXPECT_EQ(got->left, 2);
    }
    EXPECT_EQ(c.recv()->left, 1);
    EXPECT_EQ(c.len(), 0u);
  });
}

// ---- foreign threads ----

// HZ-11: a thread outside of the runtime blocks as a goroutine does.
TEST_P(Chan, ForeignThreadsSendAndReceive) {
  weft::run(
      weft::runtime_options{.max_procs = procs(), .on_deadlock = weft::deadlock_action::ignore},
      [] {
        auto ping = weft::make_chan<int>();
        auto pong = weft::make_chan<int>(1);
        std::thread t([=] {
          for (int v : ping) {
            pong.send(v + 1);
          }
          pong.close();
        });
        for (int i = 0; i < 1000; ++i) {
          ping.send(i);
          EXPECT_EQ(pong.recv(), i + 1);
        }
        ping.close();
        EXPECT_EQ(pong.recv(), std::nullopt);
        t.join();
      });
}

// ---- element types ----

struct no_default {
  explicit no_default(int v) noexcept : n(v) {}
  int n;
};
struct no_assign {
  explicit no_assign(int v) noexcept : n(v) {}
  no_assign(no_assign&&) noexcept = default;
  no_assign& operator=(no_assign&&) = delete;
  const int n;
};
struct alignas(64) over_aligned {
  explicit over_aligned(int v) noexcept : n(v) {}
  // The address that the value was built at must be aligned, wherever that was.
  over_aligned(over_aligned&& o) noexcept : n(o.aligned() && aligned() ? o.n : -1) {}
  bool aligned() const noexcept { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
  int n;
};
struct huge {
  explicit huge(int n) noexcept { all.fill(n); }
  std::array<int, 2048> all;
};
static_assert(sizeof(huge) == 8192);

template <class T>
struct element;  // make(i), and check(v, i)

template <>
struct element<int> {
  static int make(int i) { return i; }
  static bool check(const int& v, int i) { return v == i; }
};
template <>
struct element<bool> {
  static bool make(int i) { return i % 2 != 0; }
  static bool check(bool v, int i) { return v == (i % 2 != 0); }
};
template <>
struct element<std::string> {
  static std::string make(int i) { return std::string(40, static_cast<char>('a' + i)); }
  static bool check(const std::string& v, int i) { return v == make(i); }
};
template <>
struct element<std::unique_ptr<int>> {
  static std::unique_ptr<int> make(int i) { return std::make_unique<int>(i); }
  static bool check(const std::unique_ptr<int>& v, int i) { return v && *v == i; }
};
template <>
struct element<std::shared_ptr<int>> {
  static std::shared_ptr<int> make(int i) { return std::make_shared<int>(i); }
  static bool check(const std::shared_ptr<int>& v, int i) {
    return v && *v == i && v.use_count() == 1;
  }
};
template <>
struct element<no_default> {
  static no_default make(int i) { return no_default(i); }
  static bool check(const no_default& v, int i) { return v.n == i; }
};
template <>
struct element<no_assign> {
  static no_assign make(int i) { return no_assign(i); }
  static bool check(const no_assign& v, int i) { return v.n == i; }
};
template <>
struct element<over_aligned> {
  static over_aligned make(int i) { return over_aligned(i); }
  static bool check(const over_aligned& v, int i) { return v.n == i && v.aligned(); }
};
template <>
struct element<weft::unit> {
  static weft::unit make(int) { return {}; }
  static bool check(weft::unit, int) { return true; }
};
template <>
struct element<std::optional<int>> {
  static std::optional<int> make(int i) { return i % 2 != 0 ? std::optional(i) : std::nullopt; }
  static bool check(const std::optional<int>& v, int i) { return v == make(i); }
};
template <>
struct element<std::nullptr_t> {
  static std::nullptr_t make(int) { return nullptr; }
  static bool check(std::nullptr_t, int) { return true; }
};
template <>
struct element<huge> {
  static huge make(int i) { return huge(i); }
  static bool check(const huge& v, int i) {
    return std::all_of(v.all.begin(), v.all.end(), [i](int x) { return x == i; });
  }
};
template <>
struct element<counted> {
  static counted make(int i) { return counted(static_cast<std::uint64_t>(i)); }
  static bool check(const counted& v, int i) { return v.value() == static_cast<std::uint64_t>(i); }
};

template <class T>
class ChanOf : public ::testing::Test {
 protected:
  template <class F>
  void at_1_2_4_workers(F&& f) {
    const std::int64_t before = counted::alive();
    for (int procs : {1, 2, 4}) {
      weft::run(weft::runtime_options{.max_procs = procs}, f);
    }
    EXPECT_EQ(counted::alive(), before);
  }
};
using elements = ::testing::Types<int, bool, std::string, std::unique_ptr<int>,
                                  std::shared_ptr<int>, no_default, no_assign, over_aligned,
                                  weft::unit, std::optional<int>, std::nullptr_t, huge, counted>;
TYPED_TEST_SUITE(ChanOf, elements);

// HZ-8, CH-17: through a buffer, and from stack to stack.
TYPED_TEST(ChanOf, SendAndReceiveKeepTheValue) {
  using T = TypeParam;
  this->at_1_2_4_workers([] {
    for (int capacity : {0, 1, 3}) {
      auto c = weft::make_chan<T>(capacity);
      weft::go([c] {
        for (int i = 0; i < 12; ++i) {
          c.send(element<T>::make(i));
        }
        c.close();
      });
      for (int i = 0; i < 12; ++i) {
        auto v = c.recv();
        ASSERT_TRUE(v.has_value());
        EXPECT_TRUE(element<T>::check(*v, i)) << "capacity " << capacity << ", value " << i;
      }
      EXPECT_FALSE(c.recv().has_value());
    }
  });
}

// HZ-8: to a receiver that waits, from a sender that waits, into the buffer from a sender that
// waits, and left over.
TYPED_TEST(ChanOf, EachWayOfHandingOverKeepsTheValue) {
  using T = TypeParam;
  this->at_1_2_4_workers([] {
    auto c = weft::make_chan<T>(2);
    weft::go([c] {
      auto v = c.recv();
      EXPECT_TRUE(v.has_value() && element<T>::check(*v, 1));
    });
    wait_until_parked(1, "chan receive");
    c.send(element<T>::make(1));
    weft::testing::wait_until_goroutines(1);

    c.send(element<T>::make(2));
    c.send(element<T>::make(3));
    weft::go([c] { c.send(element<T>::make(4)); });
    wait_until_parked(1, "chan send");
    std::optional<T> v;
    for (int i = 2; i <= 4; ++i) {
      EXPECT_EQ(c.try_recv(v), chan_status::ok);
      EXPECT_TRUE(v.has_value() && element<T>::check(*v, i));
    }
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(c.try_send(element<T>::make(5)), chan_status::ok);
    EXPECT_EQ(c.len(), 1u);
  });
}

// HZ-8, CH-14
TYPED_TEST(ChanOf, RangeGivesEachValue) {
  using T = TypeParam;
  this->at_1_2_4_workers([] {
    auto c = weft::make_chan<T>(3);
    for (int i = 0; i < 3; ++i) {
      c.send(element<T>::make(i));
    }
    c.close();
    int i = 0;
    for (T& v : c) {
      EXPECT_TRUE(element<T>::check(v, i));
      ++i;
    }
    EXPECT_EQ(i, 3);
  });
}

// CH-13
TEST_P(Chan, AnOptionalElementIsNotTheEnd) {
  run([] {
    auto c = weft::make_chan<std::optional<int>>(2);
    c.send(std::nullopt);
    c.send(1);
    c.close();
    auto first = c.recv();
    ASSERT_TRUE(first.has_value());
    EXPECT_FALSE(first->has_value());
    std::optional<int> v = 7;  // try_recv into a T that is an optional
    EXPECT_EQ(c.try_recv(v), chan_status::ok);
    EXPECT_EQ(v, 1);
    EXPECT_FALSE(c.recv().has_value());
  });
}

// CH-16
TEST_P(Chan, EmptyElementsNeedNoRoom) {
  run([] {
    auto c = weft::make_chan<weft::unit>(std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(c.cap(), static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()));
    for (int i = 0; i < 1000; ++i) {
      c.send({});
    }
    EXPECT_EQ(c.len(), 1000u);
    c.close();
    int n = 0;
    for (weft::unit& u : c) {
      EXPECT_EQ(u, weft::unit{});
      ++n;
    }
    EXPECT_EQ(n, 1000);
  });
}

struct alignas(64) empty_over_aligned {};

// CH-16, HZ-8
TEST_P(Chan, AnEmptyElementMayBeOverAligned) {
  run([] {
    auto c = weft::make_chan<empty_over_aligned>(2);
    c.send({});
    c.send({});
    EXPECT_EQ(c.try_send(empty_over_aligned{}), chan_status::would_block);
    EXPECT_TRUE(c.recv().has_value());
    EXPECT_TRUE(c.recv().has_value());
    c.close();
    EXPECT_FALSE(c.recv().has_value());
  });
}

// HZ-14: what a thread waits with is not another thread's before its last thread_local is
// destroyed.
TEST(ChanForeign, DestructorsOfThreadLocalsMayWait) {
  static constexpr int n = 2000;
  static const auto first = weft::make_chan<int>(), second = weft::make_chan<int>();
  static std::atomic<int> wrong;
  wrong = 0;
  static const auto receive_all = [](const weft::chan<int>& c) {
    for (int i = 0; i < n; ++i) {
      wrong += c.recv() != i;
    }
  };
  static std::atomic<bool> leaving;
  leaving = false;
  struct farewell {
    bool on = false;
    ~farewell() {
      if (on) {
        leaving = true;
        receive_all(first);
      }
    }
  };
  std::thread one([] {
    thread_local farewell last;  // destroyed after what weft makes for this thread's first wait
    last.on = true;
    int v = 0;
    EXPECT_EQ(weft::make_chan<int>().recv_for(v, std::chrono::milliseconds(1)),
              chan_status::timeout);
  });
  while (!leaving) {
    std::this_thread::yield();
  }
  std::thread two([] { receive_all(second); });
  for (int i = 0; i < n; ++i) {
    first.send(i);
    second.send(i);
  }
  one.join();
  two.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
