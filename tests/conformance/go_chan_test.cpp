// Go's channels, row by row. What is checked follows the behaviours that Go's own tests check:
// test/chan/{fifo,perm,nonblock,sieve1,doubleselect,select3}.go, test/{closedchan,chancap,
// chanlinear}.go and runtime/chan_test.go.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "support/elements.hpp"
#include "support/fixture.hpp"

namespace {

using weft::chan_status;
using weft::testing::counted;
using weft::testing::wait_until_goroutines;
using weft::testing::wait_until_parked;

class GoChan : public weft::testing::Procs {};
WEFT_PROCS(GoChan);

int scaled(int n) { return std::max(1, static_cast<int>(n * weft::testing::scale())); }

// CH-1 (chancap)
TEST_P(GoChan, MakeTakesZeroAndMoreAndRefusesTheRest) {
  run([] {
    EXPECT_EQ(weft::make_chan<int>().cap(), 0u);
    EXPECT_EQ(weft::make_chan<int>(10).cap(), 10u);
    EXPECT_THROW(weft::make_chan<int>(-1), weft::bad_capacity);
    EXPECT_THROW(weft::make_chan<std::int32_t>(std::int64_t{1} << 62), weft::bad_capacity);
    EXPECT_THROW(weft::make_chan<char>(std::numeric_limits<std::uint64_t>::max()),
                 weft::bad_capacity);
  });
}

// CH-2, MM-3 (TestChan: nothing is sent until somebody receives)
TEST_P(GoChan, UnbufferedSendWaitsForItsReceiver) {
  run([] {
    auto c = weft::make_chan<int>();
    int plain = 0;  // no atomic: the rendezvous orders the accesses
    weft::go([&, c] {
      c.send(1);
      EXPECT_EQ(plain, 1);
      plain = 2;
      c.send(2);
    });
    wait_until_parked(1, "chan send");
    EXPECT_EQ(c.len(), 0u);
    plain = 1;
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.recv(), 2);
    EXPECT_EQ(plain, 2);
  });
}

// CH-3 (TestChan)
TEST_P(GoChan, BufferedSendWaitsIffFullAndReceiveIffEmpty) {
  run([] {
    for (int capacity : {1, 3, 7}) {
      auto c = weft::make_chan<int>(capacity);
      for (int i = 0; i < capacity; ++i) {
        c.send(i);  // does not wait: else this is a deadlock
      }
      weft::go([=] { c.send(capacity); });
      wait_until_parked(1, "chan send");
      for (int i = 0; i <= capacity; ++i) {
        EXPECT_EQ(c.recv(), i);
      }
      auto done = weft::make_chan<int>();
      weft::go([=] { done.send(*c.recv()); });
      wait_until_parked(1, "chan receive");
      c.send(7);
      EXPECT_EQ(done.recv(), 7);
    }
  });
}

// CH-4 (fifo)
TEST_P(GoChan, ValuesAreFifo) {
  run([] {
    auto buffered = weft::make_chan<int>(10);
    for (int i = 0; i < 10; ++i) {
      buffered.send(i);
    }
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(buffered.recv(), i);
    }
    // A chain: each receives from its channel, and lets the next go only then.
    auto c = weft::make_chan<int>();
    weft::chan<int> in = weft::make_chan<int>();
    const auto start = in;
    for (int i = 0; i < 10; ++i) {
      auto out = weft::make_chan<int>();
      weft::go([=] {
        EXPECT_EQ(in.recv(), i);
        EXPECT_EQ(c.recv(), i);
        out.send(i + 1);
      });
      in = out;
    }
    start.send(0);
    for (int i = 0; i < 10; ++i) {
      c.send(i);
    }
    EXPECT_EQ(in.recv(), 10);
  });
}

// CH-4, T3: parked senders are served in the order in which they came.
TEST_P(GoChan, ParkedSendersAreFifo) {
  run([] {
    for (int capacity : {0, 1}) {
      auto c = weft::make_chan<int>(capacity);
      for (int i = 0; i < capacity; ++i) {
        c.send(i);
      }
      for (int i = 0; i < 20; ++i) {
        weft::go([=] { c.send(capacity + i); });
        wait_until_parked(static_cast<std::size_t>(i) + 1, "chan send");
      }
      for (int i = 0; i < 20 + capacity; ++i) {
        EXPECT_EQ(c.recv(), i);
      }
      wait_until_goroutines(1);
    }
  });
}

// CH-4
TEST_P(GoChan, ParkedReceiversAreFifo) {
  run([] {
    for (int capacity : {0, 5}) {
      auto c = weft::make_chan<int>(capacity);
      std::vector<int> got(20, -1);
      for (int i = 0; i < 20; ++i) {
        weft::go([&, i] { got[static_cast<std::size_t>(i)] = *c.recv(); });
        wait_until_parked(static_cast<std::size_t>(i) + 1, "chan receive");
      }
      for (int i = 0; i < 20; ++i) {
        c.send(i);
      }
      wait_until_goroutines(1);
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
      }
    }
  });
}

// CH-5: the parked sender's value enters the buffer in the step that makes the room.
TEST_P(GoChan, NobodyOvertakesAParkedSender) {
  run([] {
    auto c = weft::make_chan<int>(2);
    c.send(1);
    c.send(2);
    weft::go([=] { c.send(3); });
    wait_until_parked(1, "chan send");
    EXPECT_EQ(c.recv(), 1);
    EXPECT_EQ(c.len(), 2u);
    EXPECT_EQ(c.try_send(4), chan_status::would_block);
    EXPECT_EQ(c.recv(), 2);
    EXPECT_EQ(c.try_send(4), chan_status::ok);
    EXPECT_EQ(c.recv(), 3);
    EXPECT_EQ(c.recv(), 4);
  });
}

// CH-6: what was given to a waiting receiver cannot be stolen before it runs.
TEST_P(GoChan, AValueForAWaitingReceiverIsNotInTheBuffer) {
  run([] {
    auto c = weft::make_chan<int>(2);
    std::atomic<int> got = 0;
    weft::go([&] { got = *c.recv(); });
    wait_until_parked(1, "chan receive");
    c.send(1);
    EXPECT_EQ(c.len(), 0u);
    int stolen = 0;
    EXPECT_EQ(c.try_recv(stolen), chan_status::would_block);
    wait_until_goroutines(1);
    EXPECT_EQ(got, 1);
  });
}

// CH-7 (TestChan, select3)
TEST_P(GoChan, NilBlocksForEverAndCannotBeClosed) {
  run_and_abandon([] {
    weft::chan<int> nil;
    EXPECT_EQ(nil.len(), 0u);
    EXPECT_EQ(nil.cap(), 0u);
    EXPECT_THROW(nil.close(), weft::nil_channel);
    int v = 0;
    EXPECT_EQ(nil.try_send(1), chan_status::would_block);
    EXPECT_EQ(nil.try_recv(v), chan_status::would_block);
    EXPECT_EQ(weft::select(weft::send(nil, 1), weft::recv(nil), weft::otherwise()), 2u);
    weft::go([=] { nil.send(1); });
    weft::go([=] { nil.recv(); });
    weft::go([=] {
      for ([[maybe_unused]] int& w : nil) {
        ADD_FAILURE();
      }
    });
    weft::go([=] { weft::select(weft::send(nil, 1), weft::recv(nil)); });
    wait_until_parked(1, "chan send (nil chan)");
    wait_until_parked(2, "chan receive (nil chan)");
    wait_until_parked(1, "select (no cases)");
  });
}

// The ways to receive and to send, each of which must treat a closed channel alike (closedchan).
const std::vector<std::optional<int> (*)(weft::recv_chan<int>)> ways_to_receive = {
    [](weft::recv_chan<int> c) { return c.recv(); },
    [](weft::recv_chan<int> c) {
      std::optional<int> v = 99;
      const chan_status s = c.try_recv(v);
      EXPECT_NE(s, chan_status::would_block);
      return s == chan_status::ok ? v : std::nullopt;
    },
    [](weft::recv_chan<int> c) {
      std::optional<int> v = 99;
      weft::select(weft::recv(c, v));
      return v;
    },
    [](weft::recv_chan<int> c) {
      std::optional<int> v = 99;
      EXPECT_EQ(weft::select(weft::recv(c, v), weft::otherwise()), 0u);
      return v;
    },
    [](weft::recv_chan<int> c) {
      std::optional<int> v = 99;
      const auto never = weft::make_chan<int>();
      EXPECT_EQ(weft::select(weft::send(never, 1), weft::recv(c, v), weft::otherwise()), 1u);
      return v;
    },
    [](weft::recv_chan<int> c) {
      std::optional<int> v;
      for (int w : c) {
        v = w;
        break;
      }
      return v;
    },
};
const std::vector<void (*)(weft::send_chan<int>)> ways_to_send = {
    [](weft::send_chan<int> c) { c.send(1); },
    [](weft::send_chan<int> c) { weft::select(weft::send(c, 1)); },
    [](weft::send_chan<int> c) { weft::select(weft::send(c, 1), weft::otherwise()); },
    [](weft::send_chan<int> c) {
      const auto never = weft::make_chan<int>();
      weft::select(weft::send(c, 1), weft::recv(never));
    },
    [](weft::send_chan<int> c) {
      const auto never = weft::make_chan<int>();
      weft::select(weft::recv(never), weft::send(c, 1), weft::otherwise());
    },
};

// CH-8, T1 (closedchan)
TEST_P(GoChan, ClosedChannelsDrainThenEndForEverAndRefuseSends) {
  run([] {
    for (auto receive : ways_to_receive) {
      auto c = weft::make_chan<int>(2);
      c.send(1);
      c.send(2);
      c.close();
      EXPECT_EQ(receive(c), 1);
      EXPECT_EQ(receive(c), 2);
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(receive(c), std::nullopt);
      }
    }
    for (auto send : ways_to_send) {
      for (int capacity : {0, 1, 2}) {
        auto c = weft::make_chan<int>(capacity);
        if (capacity == 2) {
          c.send(5);
        }
        c.close();
        EXPECT_THROW(send(c), weft::closed_channel);
        EXPECT_THROW(send(c), weft::closed_channel);
        EXPECT_EQ(c.recv(), capacity == 2 ? std::optional(5) : std::nullopt);
        EXPECT_EQ(c.recv(), std::nullopt);
      }
    }
  });
}

// CH-9 (closedchan)
TEST_P(GoChan, CloseOfClosedThrows) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.send(1);
    c.close();
    EXPECT_THROW(c.close(), weft::closed_channel);
    EXPECT_EQ(c.recv(), 1);
    EXPECT_THROW(c.close(), weft::closed_channel);
  });
}

// CH-10, T2
TEST_P(GoChan, CloseMakesEachParkedSenderThrowAndDeliversNothingOfTheirs) {
  run([] {
    for (int capacity : {0, 2}) {
      auto c = weft::make_chan<int>(capacity);
      for (int i = 0; i < capacity; ++i) {
        c.send(i);
      }
      std::atomic<int> threw = 0;
      for (int i = 0; i < 8; ++i) {
        weft::go([&, i] {
          try {
            if (i % 2 == 0) {
              c.send(100 + i);
            } else {
              weft::select(weft::recv(weft::make_chan<int>()), weft::send(c, 100 + i));
            }
            ADD_FAILURE() << "a sender returned";
          } catch (const weft::closed_channel&) {
            ++threw;
          }
        });
      }
      wait_until_parked(4, "chan send");
      wait_until_parked(4, "select");
      c.close();  // does not throw here
      wait_until_goroutines(1);
      EXPECT_EQ(threw, 8);
      for (int i = 0; i < capacity; ++i) {
        EXPECT_EQ(c.recv(), i);
      }
      EXPECT_EQ(c.recv(), std::nullopt);
    }
  });
}

// CH-11, T2
TEST_P(GoChan, CloseEndsEachParkedReceiver) {
  run([] {
    for (int capacity : {0, 2}) {
      auto c = weft::make_chan<int>(capacity);
      std::atomic<int> ended = 0;
      for (int i = 0; i < 9; ++i) {
        weft::go([&, i] {
          std::optional<int> v = 1;
          if (i % 3 == 0) {
            v = c.recv();
          } else if (i % 3 == 1) {
            weft::select(weft::send(weft::chan<int>(), 1), weft::recv(c, v));
          } else {
            for (int w : c) {
              ADD_FAILURE() << w;
            }
            v = std::nullopt;
          }
          ended += !v;
        });
      }
      wait_until_parked(6, "chan receive");
      wait_until_parked(3, "select");
      c.close();
      wait_until_goroutines(1);
      EXPECT_EQ(ended, 9);
    }
  });
}

template <class C>
concept sends = requires(C c) {
  c.send(1);
};
template <class C>
concept try_sends = requires(C c) {
  c.try_send(1);
};
template <class C>
concept closes = requires(C c) {
  c.close();
};
template <class C>
concept receives = requires(C c) {
  c.recv();
};
template <class C>
concept ranges = requires(C c) {
  c.begin();
  c.end();
};
template <class C>
concept selects_send = requires(C c) {
  weft::send(c, 1);
};
template <class C>
concept selects_recv = requires(C c) {
  weft::recv(c);
};

// CH-12 (perm); that each is an error with an understandable text: tests/compile_fail.
TEST_P(GoChan, DirectionsAllowTheirHalfOnly) {
  using C = weft::chan<int>;
  using S = weft::send_chan<int>;
  using R = weft::recv_chan<int>;
  static_assert(sends<C> && try_sends<C> && closes<C> && receives<C> && ranges<C>);
  static_assert(selects_send<C> && selects_recv<C>);
  static_assert(sends<S> && try_sends<S> && closes<S> && selects_send<S>);
  static_assert(!receives<S> && !ranges<S> && !selects_recv<S>);
  static_assert(receives<R> && ranges<R> && selects_recv<R>);
  static_assert(!sends<R> && !try_sends<R> && !closes<R> && !selects_send<R>);
  static_assert(std::is_convertible_v<C, S> && std::is_convertible_v<C, R>);
  static_assert(!std::is_convertible_v<S, C> && !std::is_convertible_v<R, C>);
  static_assert(!std::is_convertible_v<S, R> && !std::is_convertible_v<R, S>);
  run([] {
    C c = weft::make_chan<int>();
    EXPECT_TRUE(S(c) == c && R(c) == c && S(c) == R(c));
  });
}

// CH-13
TEST_P(GoChan, OnlyClosedAndDrainedIsTheEnd) {
  run([] {
    auto c = weft::make_chan<int>(1);
    c.send(0);  // Go's zero value is a value
    EXPECT_TRUE(c.recv().has_value());
    auto o = weft::make_chan<std::optional<int>>(1);
    o.send(std::nullopt);
    o.close();
    EXPECT_TRUE(o.recv().has_value());
    EXPECT_FALSE(o.recv().has_value());
  });
}

// CH-14
TEST_P(GoChan, RangeDrainsAndAnEarlyBreakTakesNoExtraValue) {
  run([] {
    for (int capacity : {0, 1, 10}) {
      auto c = weft::make_chan<int>(capacity);
      weft::go([=] {
        for (int i = 0; i < 10; ++i) {
          c.send(i);
        }
        c.close();
      });
      int next = 0;
      for (int v : c) {
        EXPECT_EQ(v, next++);
        if (v == 4) {
          break;
        }
      }
      EXPECT_EQ(c.recv(), 5);
      next = 6;
      for (int v : c) {
        EXPECT_EQ(v, next++);
      }
      EXPECT_EQ(next, 10);
    }
  });
}

// CH-15 (TestChan)
TEST_P(GoChan, LenIsWhatIsBuffered) {
  run([] {
    auto c = weft::make_chan<int>(10);
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(c.len(), i);
      c.send(0);
    }
    weft::go([=] { c.send(0); });
    wait_until_parked(1, "chan send");
    EXPECT_EQ(c.len(), 10u);
    EXPECT_EQ(c.cap(), 10u);
    c.recv();
    EXPECT_EQ(c.len(), 10u);
    auto u = weft::make_chan<int>();
    weft::go([=] { u.send(0); });
    wait_until_parked(1, "chan send");
    EXPECT_EQ(u.len(), 0u);
    u.recv();
  });
}

// CH-16
TEST_P(GoChan, ElementsWithoutSizeCountAndBlock) {
  run([] {
    auto c = weft::make_chan<weft::unit>(std::int64_t{1} << 60);
    for (std::size_t i = 0; i < 100; ++i) {
      c.send({});
      EXPECT_EQ(c.len(), i + 1);
    }
    auto two = weft::make_chan<weft::unit>(2);
    two.send({});
    two.send({});
    weft::go([=] { two.send({}); });
    wait_until_parked(1, "chan send");
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(two.recv().has_value());
    }
    weft::unit none;
    EXPECT_EQ(two.try_recv(none), chan_status::would_block);
  });
}

// CH-18
TEST_P(GoChan, TheValueIsTakenAtTheSendAndItsSlotIsClearedAtTheReceive) {
  run([] {
    auto c = weft::make_chan<std::shared_ptr<int>>(1);
    auto p = std::make_shared<int>(1);
    c.send(p);
    weft::go([&, c, q = p]() mutable {
      c.send(q);
      q = nullptr;
    });
    wait_until_parked(1, "chan send");
    *p = 2;
    EXPECT_EQ(**c.recv(), 2);
    EXPECT_EQ(**c.recv(), 2);
    wait_until_goroutines(1);
    EXPECT_EQ(p.use_count(), 1);
    c.send(p);
    c.close();
    EXPECT_EQ(p.use_count(), 2);
    c = nullptr;
    EXPECT_EQ(p.use_count(), 1);
  });
}

struct peer {
  weft::chan<peer> back;
  int hops = 0;
};

// CH-19
TEST_P(GoChan, ChannelsAreValuesKeysAndElements) {
  run([] {
    std::unordered_map<weft::chan<int>, int> names;
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    names[a] = 1;
    names[b] = 2;
    const auto copy = a;
    EXPECT_EQ(names[copy], 1);
    EXPECT_NE(a, b);
    // A channel of something that has a channel of the same type.
    auto c = weft::make_chan<peer>();
    weft::go([=] {
      peer p = *c.recv();
      p.back.send({nullptr, p.hops + 1});
    });
    auto back = weft::make_chan<peer>();
    c.send({back, 1});
    EXPECT_EQ(back.recv()->hops, 2);
  });
}

// CH-20 (TestMultiConsumer and more): every operation at once.
TEST_P(GoChan, AnyNumberOfGoroutinesUseEachOperation) {
  run([] {
    const int n = scaled(20000);
    auto c = weft::make_chan<std::uint64_t>(23);
    auto results = weft::make_chan<std::uint64_t>(23 * 3);
    std::atomic<std::uint64_t> sent = 0;
    weft::wait_group senders;
    for (int s = 0; s < 5; ++s) {
      senders.go([&, s] {
        for (int i = 0; i < n; ++i) {
          const auto v = static_cast<std::uint64_t>(i) * 7 + static_cast<std::uint64_t>(s);
          sent += v;
          if (i % 5 == s) {
            while (c.try_send(v) != chan_status::ok) {
              weft::yield();
            }
          } else {
            c.send(v);
          }
        }
      });
    }
    std::atomic<bool> over = false;
    weft::wait_group watcher;
    watcher.go([&] {
      while (!over) {
        EXPECT_LE(c.len(), c.cap());
        weft::yield();
      }
    });
    weft::wait_group receivers;
    for (int r = 0; r < 23; ++r) {
      receivers.go([&, r] {
        std::uint64_t sum = 0;
        if (r % 2 == 0) {
          for (std::uint64_t v : c) {
            sum += v;
          }
        } else {
          std::uint64_t v = 0;
          for (chan_status s = c.try_recv(v); s != chan_status::closed; s = c.try_recv(v)) {
            if (s == chan_status::ok) {
              sum += v;
            } else {
              weft::yield();
            }
          }
        }
        results.send(sum);
      });
    }
    senders.wait();
    c.close();
    receivers.wait();
    over = true;
    watcher.wait();
    results.close();
    std::uint64_t received = 0;
    for (std::uint64_t v : results) {
      received += v;
    }
    EXPECT_EQ(received, sent);
  });
}

// CH-21, T1 (TestNonblockRecvRace): the value is there, or the close is: never neither.
TEST_P(GoChan, ATryReceiveRacingWithCloseFindsTheValueOrTheClose) {
  run([] {
    const int n = scaled(20000);
    for (int i = 0; i < n; ++i) {
      auto c = weft::make_chan<int>(1);
      c.send(1);
      std::atomic<bool> done = false;
      weft::go([&done, c] {
        int v = 0;
        EXPECT_NE(c.try_recv(v), chan_status::would_block);
        done = true;
      });
      if (i % 2 == 0) {
        weft::yield();
      }
      c.close();
      c.recv();
      while (!done) {
        weft::yield();
      }
    }
  });
}

// CH-21 (nonblock)
TEST_P(GoChan, TryOperationsDecideAtOneInstant) {
  run([] {
    auto c = weft::make_chan<int>();
    auto b = weft::make_chan<int>(1);
    int v = 0;
    EXPECT_EQ(c.try_recv(v), chan_status::would_block);
    EXPECT_EQ(c.try_send(1), chan_status::would_block);
    EXPECT_EQ(b.try_recv(v), chan_status::would_block);
    EXPECT_EQ(b.try_send(2), chan_status::ok);
    EXPECT_EQ(b.try_send(3), chan_status::would_block);
    EXPECT_EQ(b.try_recv(v), chan_status::ok);
    EXPECT_EQ(v, 2);
    weft::go([=] { c.send(4); });
    wait_until_parked(1, "chan send");
    EXPECT_EQ(c.try_recv(v), chan_status::ok);
    EXPECT_EQ(v, 4);
  });
}

// CH-22 (chanlinear): a select leaves a queue of thousands as quickly as an empty one. A linear
// search would follow thousands of pointers, each to another stack: some 100 times slower. The
// best of several tries is compared, since the machine may be busy with something else.
TEST_P(GoChan, LeavingALongQueueCostsNoMoreThanLeavingAShortOne) {
  run([] {
    using clock = std::chrono::steady_clock;
    const auto crowded = weft::make_chan<int>();
    const auto stop = weft::make_chan<int>();
    const int rounds = std::max(500, scaled(5000));
    const auto measure = [&] {
      auto ping = weft::make_chan<int>();
      auto pong = weft::make_chan<int>();
      weft::go([=] {
        for (int i = 0; i < rounds; ++i) {
          weft::select(weft::recv(crowded), weft::recv(ping));
          pong.send(i);
        }
      });
      const auto begin = clock::now();
      for (int i = 0; i < rounds; ++i) {
        ping.send(i);
        pong.recv();
      }
      return clock::now() - begin;
    };
    const auto best = [&] {
      auto least = measure();
      for (int i = 0; i < 4; ++i) {
        least = std::min(least, measure());
      }
      return least;
    };
    const auto alone = best();
    constexpr int crowd = 4000;
    for (int i = 0; i < crowd; ++i) {
      weft::go([=] { weft::select(weft::recv(crowded), weft::recv(stop)); });
    }
    wait_until_parked(crowd, "select");
    const auto in_the_crowd = best();
    EXPECT_LT(in_the_crowd, 10 * alone)
        << "alone " << alone.count() << " ns, in the crowd " << in_the_crowd.count() << " ns";
    stop.close();
  });
}

// MM-3, HZ-1 (TestChanSendBarrier): what is handed to a parked stack arrives whole.
TEST_P(GoChan, PointersArriveThroughParkedStacks) {
  const std::int64_t before = counted::alive();
  run([] {
    weft::wait_group all;
    const int n = scaled(2000);
    for (int g = 0; g < 16; ++g) {
      all.go([=] {
        for (int i = 0; i < n; ++i) {
          auto c = weft::make_chan<std::unique_ptr<counted>>(g % 2);
          weft::go([=] {
            weft::yield();
            c.send(std::make_unique<counted>(static_cast<std::uint64_t>(i)));
          });
          std::optional<std::unique_ptr<counted>> v;
          if (g % 4 < 2) {
            v = c.recv();
          } else {
            weft::select(weft::recv(c, v), weft::recv(weft::chan<int>()));
          }
          ASSERT_TRUE(v && *v);
          EXPECT_EQ((*v)->value(), static_cast<std::uint64_t>(i));
        }
      });
    }
    all.wait();
  });
  EXPECT_EQ(counted::alive(), before);
}

// CH-2 (sieve1): a chain of goroutines that grows.
TEST_P(GoChan, ThePrimeSieveFindsThePrimes) {
  run_and_abandon([] {
    weft::chan<int> numbers = weft::make_chan<int>();
    weft::go([=] {
      for (int i = 2;; ++i) {
        numbers.send(i);
      }
    });
    std::vector<int> primes;
    weft::recv_chan<int> from = numbers;
    for (int i = 0; i < 100; ++i) {
      const int prime = *from.recv();
      primes.push_back(prime);
      auto to = weft::make_chan<int>(i % 3);
      weft::go([=] {
        for (int v : from) {
          if (v % prime != 0) {
            to.send(v);
          }
        }
      });
      from = to;
    }
    EXPECT_EQ(primes[0], 2);
    EXPECT_EQ(primes[9], 29);
    EXPECT_EQ(primes[24], 97);
    EXPECT_EQ(primes[99], 541);
  });
}

}  // namespace
