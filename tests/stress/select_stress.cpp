// Select under load: the histories of parties that wait on several channels at once.
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

#include "support/elements.hpp"
#include "support/fixture.hpp"
#include "support/think.hpp"

namespace {

using weft::chan_status;
using weft::testing::counted;
using weft::testing::thinker;

class SelectStress : public weft::testing::Procs {};
WEFT_PROCS(SelectStress);

// One for each goroutine.
thinker pause(int procs, std::size_t who) { return {procs, who}; }

int scaled(int n) { return std::max(1, static_cast<int>(n * weft::testing::scale())); }

constexpr std::size_t channels = 4;
template <class T>
using four = std::array<T, channels>;

template <class T>
four<weft::chan<T>> make_four(bool buffered) {
  if (!buffered) {
    return {weft::make_chan<T>(), weft::make_chan<T>(), weft::make_chan<T>(), weft::make_chan<T>()};
  }
  return {weft::make_chan<T>(0), weft::make_chan<T>(1), weft::make_chan<T>(3),
          weft::make_chan<T>(128)};
}

// { sender:16, channel:16, number on this channel:32 }
struct stamp {
  static constexpr std::uint64_t pack(std::size_t sender, std::size_t channel, int number) {
    return static_cast<std::uint64_t>(sender) << 48 | static_cast<std::uint64_t>(channel) << 32 |
           static_cast<std::uint32_t>(number);
  }
  explicit stamp(std::uint64_t v)
      : sender(v >> 48), channel(v >> 32 & 0xffff), number(static_cast<int>(v & 0xffff'ffff)) {}
  std::size_t sender;
  std::size_t channel;
  int number;
};

// One receiver's view: the numbers of each sender on each channel rise.
class order_check {
 public:
  explicit order_check(std::size_t senders) : last_(senders, {-1, -1, -1, -1}) {}
  void received(std::uint64_t v, std::size_t on) {
    const stamp s(v);
    EXPECT_EQ(s.channel, on);
    int& last = last_.at(s.sender).at(s.channel);
    if (s.number <= last) {
      ADD_FAILURE() << "sender " << s.sender << " on channel " << s.channel << ": " << s.number
                    << " after " << last;
    }
    last = s.number;
  }

 private:
  std::vector<four<int>> last_;
};

// Every value that was delivered is added up by both sides, with its square, so that neither a
// loss nor a duplicate nor an exchange goes unnoticed.
struct ledger {
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::uint64_t> sum{0};
  std::atomic<std::uint64_t> squares{0};
  void add(std::uint64_t v) {
    ++count;
    sum += v;
    squares += v * v;
  }
};
void expect_equal(const ledger& sent, const ledger& received) {
  EXPECT_EQ(sent.count, received.count);
  EXPECT_EQ(sent.sum, received.sum);
  EXPECT_EQ(sent.squares, received.squares);
}

// SE-8, SE-9, T4: 4 selecting senders, 4 selecting receivers, each over all four channels in an
// order of its own. 1.2 million operations.
TEST_P(SelectStress, SelectingSendersAndReceiversOnFourChannels) {
  run([this] {
    const int each = scaled(75000);
    for (bool buffered : {false, true}) {
      const auto c = make_four<std::uint64_t>(buffered);
      ledger sent;
      ledger received;
      weft::wait_group senders;
      weft::wait_group receivers;
      for (std::size_t s = 0; s < 4; ++s) {
        senders.go([&, s] {
          const auto at = [s](std::size_t i) { return (i + s) % channels; };
          four<int> next{};
          thinker think = pause(procs(), s);
          for (int i = 0; i < each; ++i) {
            think();
            four<std::uint64_t> v;
            for (std::size_t k = 0; k < channels; ++k) {
              v[k] = stamp::pack(s, k, next[k]);
            }
            const std::size_t k =
                at(weft::select(weft::send(c[at(0)], v[at(0)]), weft::send(c[at(1)], v[at(1)]),
                                weft::send(c[at(2)], v[at(2)]), weft::send(c[at(3)], v[at(3)])));
            ++next[k];
            sent.add(v[k]);
          }
        });
      }
      for (std::size_t r = 0; r < 4; ++r) {
        receivers.go([&, r] {
          const auto at = [r](std::size_t i) { return (i * 3 + r) % channels; };
          thinker think = pause(procs(), 4 + r);
          order_check order(4);
          auto open = c;
          for (std::size_t left = channels; left > 0;) {
            think();
            std::optional<std::uint64_t> v;
            const std::size_t k =
                at(weft::select(weft::recv(open[at(0)], v), weft::recv(open[at(1)], v),
                                weft::recv(open[at(2)], v), weft::recv(open[at(3)], v)));
            if (!v) {
              open[k] = nullptr;
              --left;
              continue;
            }
            order.received(*v, k);
            received.add(*v);
          }
        });
      }
      senders.wait();
      for (const auto& x : c) {
        x.close();
      }
      receivers.wait();
      expect_equal(sent, received);
      EXPECT_EQ(sent.count, static_cast<std::uint64_t>(each) * 4);
    }
  });
}

// SE-8: plain parties and selecting ones mixed; static selects, lists, biased and default forms.
TEST_P(SelectStress, EveryFormOfSelectMeetsPlainOperations) {
  run([this] {
    const int each = scaled(60000);
    const auto c = make_four<std::uint64_t>(true);
    ledger sent;
    ledger received;
    weft::wait_group senders;
    weft::wait_group receivers;
    for (std::size_t k = 0; k < channels; ++k) {
      senders.go([&, k] {  // plain, sender k on channel k
        thinker think = pause(procs(), k);
        for (int i = 0; i < each; ++i) {
          think();
          const std::uint64_t v = stamp::pack(k, k, i);
          c[k].send(v);
          sent.add(v);
        }
      });
      receivers.go([&, k] {
        order_check order(6);
        thinker think = pause(procs(), 4 + k);
        for (std::uint64_t v : c[k]) {
          think();
          order.received(v, k);
          received.add(v);
        }
      });
    }
    senders.go([&] {  // sender 4: with a default
      thinker think = pause(procs(), 8);
      four<int> next{};
      for (int i = 0; i < each;) {
        think();
        std::uint64_t v0 = stamp::pack(4, 0, next[0]);
        std::uint64_t v2 = stamp::pack(4, 2, next[2]);
        switch (weft::select(weft::send(c[0], v0), weft::send(c[2], v2), weft::otherwise())) {
          case 0:
            ++next[0];
            ++i;
            sent.add(v0);
            break;
          case 1:
            ++next[2];
            ++i;
            sent.add(v2);
            break;
          default:
            weft::yield();
        }
      }
    });
    senders.go([&] {  // sender 5: a list
      four<int> next{};
      four<std::uint64_t> v;
      std::vector<weft::select_case> cases;
      for (std::size_t k = 0; k < channels; ++k) {
        cases.emplace_back(weft::send(c[k], v[k]));
      }
      thinker think = pause(procs(), 9);
      for (int i = 0; i < each; ++i) {
        think();
        for (std::size_t k = 0; k < channels; ++k) {
          v[k] = stamp::pack(5, k, next[k]);
        }
        const std::size_t k = weft::select(cases);
        ++next[k];
        sent.add(v[k]);
      }
    });
    receivers.go([&] {  // biased
      thinker think = pause(procs(), 10);
      order_check order(6);
      auto open = c;
      for (std::size_t left = channels; left > 0;) {
        think();
        std::optional<std::uint64_t> v;
        const std::size_t k = weft::select_biased(weft::recv(open[0], v), weft::recv(open[1], v),
                                                  weft::recv(open[2], v), weft::recv(open[3], v));
        if (!v) {
          open[k] = nullptr;
          --left;
          continue;
        }
        order.received(*v, k);
        received.add(*v);
      }
    });
    senders.wait();
    for (const auto& x : c) {
      x.close();
    }
    receivers.wait();
    expect_equal(sent, received);
    EXPECT_EQ(sent.count, static_cast<std::uint64_t>(each) * 6);
  });
}

// CH-10, CH-11, SE-6, SE-7, T2: channels close one by one at random moments while everybody
// selects over all of them. Each value was delivered, or its sender was told that it was not.
TEST_P(SelectStress, ClosesRaceWithSelects) {
  const std::int64_t before = counted::alive();
  run([this] {
    const int rounds = scaled(15000);
    for (int round = 0; round < rounds; ++round) {
      const auto c = make_four<counted>(round % 2 == 0);
      ledger sent;
      ledger received;
      weft::wait_group all;
      for (std::size_t s = 0; s < 4; ++s) {
        all.go([&, s] {
          thinker think = pause(procs(), static_cast<std::size_t>(round) * 10 + s);
          four<int> next{};
          for (int i = 0; i < 24; ++i) {
            think();
            four<counted> v = {
                counted(stamp::pack(s, 0, next[0])), counted(stamp::pack(s, 1, next[1])),
                counted(stamp::pack(s, 2, next[2])), counted(stamp::pack(s, 3, next[3]))};
            std::size_t k = channels;
            try {
              k = weft::select(weft::send(c[0], v[0]), weft::send(c[1], v[1]),
                               weft::send(c[2], v[2]), weft::send(c[3], v[3]));
            } catch (const weft::closed_channel&) {
            }
            for (std::size_t x = 0; x < channels; ++x) {
              EXPECT_EQ(v[x].value(), x == k ? counted::nothing : stamp::pack(s, x, next[x]));
            }
            if (k == channels) {
              return;
            }
            sent.add(stamp::pack(s, k, next[k]));
            ++next[k];
          }
        });
      }
      for (int r = 0; r < 3; ++r) {
        all.go([&, r] {
          thinker think = pause(procs(), static_cast<std::size_t>(round * 10 + 4 + r));
          order_check order(4);
          auto open = c;
          for (std::size_t left = channels; left > 0;) {
            think();
            std::optional<counted> v;
            const std::size_t k = weft::select(weft::recv(open[0], v), weft::recv(open[1], v),
                                               weft::recv(open[2], v), weft::recv(open[3], v));
            if (!v) {
              open[k] = nullptr;
              --left;
              continue;
            }
            order.received(v->value(), k);
            received.add(v->value());
          }
        });
      }
      for (std::size_t k = 0; k < channels; ++k) {
        for (int i = (round >> k) % 4; i > 0; --i) {
          weft::yield();
        }
        c[(k + static_cast<std::size_t>(round)) % channels].close();
      }
      all.wait();
      expect_equal(sent, received);
      ASSERT_FALSE(HasFailure()) << "round " << round;
    }
  });
  EXPECT_EQ(counted::alive(), before);
}

// SE-10, SE-11, T7: all goroutines send and receive on the same channels at once, listed in
// different orders; nobody meets itself and nobody hangs.
TEST_P(SelectStress, PartiesThatSendAndReceiveAtOnceMeetInPairs) {
  run([this] {
    const int each = scaled(120000);
    const auto c = make_four<std::uint64_t>(false);
    ledger sent;
    ledger received;
    std::atomic<int> from_self = 0;
    weft::wait_group all;
    std::atomic<int> running = 4;
    auto stop = weft::make_chan<weft::unit>();
    for (std::size_t p = 0; p < 4; ++p) {
      all.go([&, p] {
        const auto& x = c[p % 2];
        const auto& y = c[(p + 1) % 2];
        thinker think = pause(procs(), p);
        int number = 0;
        for (int i = 0; i < each; ++i) {
          think();
          std::uint64_t v = stamp::pack(p, 0, number);
          std::optional<std::uint64_t> got;
          const std::size_t k = weft::select(weft::send(x, v), weft::recv(y, got), weft::send(y, v),
                                             weft::recv(x, got), weft::recv(stop));
          if (k == 4) {
            break;
          }
          if (got) {
            from_self += stamp(*got).sender == p;
            received.add(*got);
          } else {
            sent.add(v);
            ++number;
          }
        }
        if (--running == 1) {
          stop.close();  // the last one has nobody left to meet
        }
      });
    }
    all.wait();
    EXPECT_EQ(from_self, 0);
    expect_equal(sent, received);
  });
}

// HZ-1, SE-11: the channels of a select are on the stack of one party, who ends when woken.
TEST_P(SelectStress, ChannelsMayBeDestroyedRightAfterTheWake) {
  run([this] {
    const int rounds = scaled(100000);
    thinker think = pause(procs(), 1);
    weft::wait_group others;
    for (int i = 0; i < rounds; ++i) {
      auto a = weft::make_chan<int>();
      auto b = weft::make_chan<int>();
      const auto* chosen = i % 2 == 0 ? &a : &b;
      others.go([chosen, i, pausing = pause(procs(), static_cast<std::size_t>(i))]() mutable {
        pausing();
        if (i % 3 == 0) {
          weft::select(weft::send(*chosen, i), weft::recv(weft::chan<int>()));
        } else if (i % 3 == 1) {
          chosen->send(i);
        } else {
          chosen->close();
        }
      });
      if (i % 5 == 0) {
        weft::yield();
      } else {
        think();
      }
      std::optional<int> v;
      const std::size_t k = weft::select(weft::recv(a, v), weft::recv(b, v));
      ASSERT_EQ(k, static_cast<std::size_t>(i % 2));
      ASSERT_EQ(v, i % 3 == 2 ? std::nullopt : std::optional(i));
    }
    others.wait();
  });
}

// SE-9, CH-22: selects that win on a channel of their own leave a queue that others wait in: the
// others must not miss a value for it.
TEST_P(SelectStress, LostClaimsLoseNoWakes) {
  run([this] {
    const int rounds = scaled(100000);
    auto shared = weft::make_chan<int>();
    const auto own = make_four<int>(false);
    std::atomic<int> on_own = 0;
    std::atomic<int> on_shared = 0;
    weft::wait_group all;
    for (std::size_t k = 0; k < channels; ++k) {
      all.go([&, k] {
        thinker think = pause(procs(), k);
        auto mine = own[k];
        auto common = shared;
        while (mine || common) {
          think();
          weft::select(weft::recv(common,
                                  [&](std::optional<int> v) {
                                    v ? void(++on_shared) : void(common = nullptr);
                                  }),
                       weft::recv(mine, [&](std::optional<int> v) {
                         v ? void(++on_own) : void(mine = nullptr);
                       }));
        }
      });
      all.go([&] {  // behind the selects, a plain receiver
        for ([[maybe_unused]] int& v : shared) {
          ++on_shared;
        }
      });
    }
    weft::wait_group feeders;
    feeders.go([&] {
      thinker think = pause(procs(), 4);
      for (int i = 0; i < rounds; ++i) {
        own[static_cast<std::size_t>(i) % channels].send(i);
        think();
      }
    });
    feeders.go([&] {
      thinker think = pause(procs(), 5);
      for (int i = 0; i < rounds; ++i) {
        shared.send(i);
        think();
      }
    });
    feeders.wait();  // a lost wake ends here, as a deadlock
    for (const auto& x : own) {
      x.close();
    }
    shared.close();
    all.wait();
    EXPECT_EQ(on_own, rounds);
    EXPECT_EQ(on_shared, rounds);
  });
}

}  // namespace
