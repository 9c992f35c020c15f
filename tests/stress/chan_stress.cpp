// Channels under load. Each test asserts a history: nothing lost, nothing twice, each sender's
// values in its order.
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
#include <vector>

#include "support/elements.hpp"
#include "support/fixture.hpp"
#include "support/think.hpp"

namespace {

using weft::chan_status;
using weft::testing::counted;
using weft::testing::thinker;

class ChanStress : public weft::testing::Procs {};
WEFT_PROCS(ChanStress);

// One for each goroutine.
thinker pause(int procs, int who) { return {procs, static_cast<std::uint64_t>(who)}; }

int scaled(int n) { return std::max(1, static_cast<int>(n * weft::testing::scale())); }

// A value that says who sent it, and as which of its values.
constexpr std::uint64_t value_of(int sender, int number) {
  return static_cast<std::uint64_t>(sender) << 32 | static_cast<std::uint32_t>(number);
}
constexpr std::size_t sender_of(std::uint64_t v) { return static_cast<std::size_t>(v >> 32); }
constexpr int number_of(std::uint64_t v) { return static_cast<int>(v & 0xffff'ffff); }

// What one receiver has seen: each sender's numbers must rise.
class order_check {
 public:
  explicit order_check(int senders) : last_(static_cast<std::size_t>(senders), -1) {}
  void received(std::uint64_t v) {
    int& last = last_.at(sender_of(v));
    if (number_of(v) <= last) {
      ADD_FAILURE() << "sender " << sender_of(v) << ": " << number_of(v) << " after " << last;
    }
    last = number_of(v);
  }

 private:
  std::vector<int> last_;
};

// Which values have arrived, over all receivers.
class once_check {
 public:
  once_check(int senders, int each)
      : each_(static_cast<std::size_t>(each)),
        seen_(static_cast<std::size_t>(senders) * static_cast<std::size_t>(each)) {}
  void received(std::uint64_t v) {
    ++seen_.at(sender_of(v) * each_ + static_cast<std::size_t>(number_of(v)));
  }
  void expect_each_once() const {
    std::size_t lost = 0;
    std::size_t twice = 0;
    for (const auto& n : seen_) {
      lost += n == 0;
      twice += n > 1;
    }
    EXPECT_EQ(lost, 0u);
    EXPECT_EQ(twice, 0u);
  }
  bool arrived(int sender, int number) const {
    return seen_.at(static_cast<std::size_t>(sender) * each_ + static_cast<std::size_t>(number)) ==
           1;
  }

 private:
  std::size_t each_;
  std::vector<std::atomic<int>> seen_;
};

// CH-2, CH-3, CH-4, CH-20: 4 senders, 4 receivers, capacities 0, 1, 3, 128. 1.2 million
// operations.
TEST_P(ChanStress, ManySendersAndReceivers) {
  run([this] {
    const int each = scaled(37500);
    for (int capacity : {0, 1, 3, 128}) {
      auto c = weft::make_chan<std::uint64_t>(capacity);
      once_check once(4, each);
      weft::wait_group senders;
      weft::wait_group receivers;
      for (int s = 0; s < 4; ++s) {
        senders.go([&, s] {
          thinker think = pause(procs(), s);
          for (int i = 0; i < each; ++i) {
            c.send(value_of(s, i));
            think();
          }
        });
      }
      for (int r = 0; r < 4; ++r) {
        receivers.go([&, r] {
          thinker think = pause(procs(), 4 + r);
          order_check order(4);
          for (std::uint64_t v : c) {
            order.received(v);
            once.received(v);
            think();
          }
        });
      }
      senders.wait();
      c.close();
      receivers.wait();
      once.expect_each_once();
    }
  });
}

// CH-4: with one receiver the order of each sender is exact, value by value.
TEST_P(ChanStress, OneReceiverSeesEachSendersExactOrder) {
  run([this] {
    const int each = scaled(40000);
    for (int capacity : {0, 1, 3, 128}) {
      auto c = weft::make_chan<std::uint64_t>(capacity);
      for (int s = 0; s < 3; ++s) {
        weft::go([=, think = pause(procs(), s)]() mutable {
          for (int i = 0; i < each; ++i) {
            c.send(value_of(s, i));
            think();
          }
        });
      }
      std::array<int, 3> next{};
      for (int i = 0; i < 3 * each; ++i) {
        const std::uint64_t v = *c.recv();
        ASSERT_EQ(number_of(v), next.at(sender_of(v))++);
      }
      EXPECT_EQ(c.len(), 0u);
    }
  });
}

// CH-21, T1: the same with operations that do not wait, mixed with ones that do.
TEST_P(ChanStress, TryOperationsLoseNothing) {
  run([this] {
    const int each = scaled(37500);
    for (int capacity : {0, 1, 3, 128}) {
      auto c = weft::make_chan<std::uint64_t>(capacity);
      once_check once(4, each);
      weft::wait_group senders;
      weft::wait_group receivers;
      for (int s = 0; s < 4; ++s) {
        senders.go([&, s] {
          thinker think = pause(procs(), s);
          for (int i = 0; i < each; ++i) {
            think();
            if (s % 2 == 0) {
              c.send(value_of(s, i));
              continue;
            }
            while (c.try_send(value_of(s, i)) != chan_status::ok) {
              weft::yield();
            }
          }
        });
      }
      for (int r = 0; r < 4; ++r) {
        receivers.go([&, r] {
          thinker think = pause(procs(), 4 + r);
          order_check order(4);
          std::uint64_t v = 0;
          for (;;) {
            think();
            if (r % 2 == 0) {
              const auto got = c.recv();
              if (!got) {
                return;
              }
              v = *got;
            } else {
              const chan_status s = c.try_recv(v);
              if (s == chan_status::closed) {
                return;
              }
              if (s == chan_status::would_block) {
                weft::yield();
                continue;
              }
            }
            order.received(v);
            once.received(v);
          }
        });
      }
      senders.wait();
      c.close();
      receivers.wait();
      once.expect_each_once();
    }
  });
}

// CH-8, CH-10, CH-11, CH-18, T2: a close at a random moment, among senders and receivers of each
// kind. What a sender was told is what happened to its value; every object is destroyed.
TEST_P(ChanStress, CloseRacesWithEveryOperation) {
  const std::int64_t before = counted::alive();
  run([this] {
    const int rounds = scaled(12000);
    for (int round = 0; round < rounds; ++round) {
      const int capacity = std::array{0, 1, 3, 128}[static_cast<std::size_t>(round) % 4];
      constexpr int senders = 6;
      constexpr int each = 8;
      auto c = weft::make_chan<counted>(capacity);
      const auto never = weft::make_chan<int>();
      once_check arrived(senders, each);
      std::array<int, senders> delivered{};  // how many the sender knows of; the next one threw
      std::atomic<int> ends = 0;
      weft::wait_group all;
      for (int s = 0; s < senders; ++s) {
        all.go([&, s] {
          thinker think = pause(procs(), round * 10 + s);
          int& n = delivered[static_cast<std::size_t>(s)];
          for (; n < each; ++n) {
            think();
            counted v(value_of(s, n));
            bool sent = true;
            try {
              if (s % 3 == 0) {
                c.send(std::move(v));
              } else if (s % 3 == 1) {
                weft::select(weft::send(c, v), weft::recv(never));
              } else {
                chan_status status = c.try_send(v);
                while (status == chan_status::would_block) {
                  weft::yield();
                  status = c.try_send(v);
                }
                sent = status == chan_status::ok;
              }
            } catch (const weft::closed_channel&) {
              sent = false;
            }
            if (!sent) {
              EXPECT_EQ(v.value(), value_of(s, n));  // still there
              return;
            }
          }
        });
      }
      const auto receive = [&](int kind) {
        thinker think = pause(procs(), round * 10 + 6 + kind);
        order_check order(senders);
        for (;;) {
          think();
          std::optional<counted> v;
          if (kind == 0) {
            v = c.recv();
          } else if (kind == 1) {
            weft::select(weft::recv(never), weft::recv(c, v));
          } else {
            chan_status status = c.try_recv(v);
            while (status == chan_status::would_block) {
              weft::yield();
              status = c.try_recv(v);
            }
            if (status == chan_status::closed) {
              v.reset();
            }
          }
          if (!v) {
            ++ends;
            return;
          }
          order.received(v->value());
          arrived.received(v->value());
        }
      };
      for (int r = 0; r < 3; ++r) {
        all.go([&, r] { receive(r); });
      }
      for (int i = round % 13; i > 0; --i) {
        weft::yield();
      }
      c.close();
      all.wait();
      EXPECT_EQ(ends, 3);
      EXPECT_EQ(c.len(), 0u);
      for (int s = 0; s < senders; ++s) {
        for (int i = 0; i < each; ++i) {
          ASSERT_EQ(arrived.arrived(s, i), i < delivered[static_cast<std::size_t>(s)])
              << "round " << round << ", sender " << s << ", value " << i;
        }
      }
    }
  });
  EXPECT_EQ(counted::alive(), before);
}

// CH-18: the same without anybody who drains it: leftovers die with the channel, and each sender
// knows what became of its values.
TEST_P(ChanStress, WhatNobodyReceivesIsDestroyedOnce) {
  const std::int64_t before = counted::alive();
  run([this] {
    const int rounds = scaled(60000);
    for (int round = 0; round < rounds; ++round) {
      auto c = weft::make_chan<counted>(3);
      std::atomic<std::size_t> sent = 0;
      weft::wait_group all;
      for (int s = 0; s < 3; ++s) {
        all.go([&, s] {
          thinker think = pause(procs(), round * 3 + s);
          try {
            for (int i = 0; i < 3; ++i) {
              think();
              c.send(counted(value_of(s, i)));
              ++sent;
            }
          } catch (const weft::closed_channel&) {
          }
        });
      }
      std::size_t received = 0;
      for (int i = round % 3; i > 0; --i) {
        received += c.recv().has_value();
      }
      c.close();
      all.wait();
      ASSERT_EQ(c.len() + received, sent);
    }
  });
  EXPECT_EQ(counted::alive(), before);
}

// HZ-1: the only handle is on the stack of one party, who ends as soon as it is woken; the other
// one has a reference. Whoever completes an operation last must not touch the channel after it.
TEST_P(ChanStress, AChannelMayBeDestroyedRightAfterTheWake) {
  run([this] {
    const int rounds = scaled(100000);
    thinker think = pause(procs(), -1);
    weft::wait_group others;
    for (int i = 0; i < rounds; ++i) {
      const int kind = i % 6;
      auto c = weft::make_chan<int>(kind == 2 ? 1 : 0);
      // Kind 5: the channel's owner is woken by a close.
      const auto other = [&c, kind, pausing = pause(procs(), i)]() mutable {
        pausing();
        switch (kind) {
          case 0:
          case 2:
            c.send(7);
            break;
          case 1:
            c.recv();
            break;
          case 3:
            weft::select(weft::send(c, 7), weft::recv(weft::chan<int>()));
            break;
          case 4:
            weft::select(weft::recv(weft::chan<int>()), weft::recv(c));
            break;
          case 5:
            c.close();
            break;
        }
      };
      others.go(other);
      if (i % 5 == 0) {
        weft::yield();  // sometimes the other one is there first
      } else {
        think();
      }
      switch (kind) {
        case 0:
        case 2:
        case 3:
          ASSERT_EQ(c.recv(), 7);
          break;
        case 1:
        case 4:
          c.send(7);
          break;
        case 5:
          ASSERT_EQ(c.recv(), std::nullopt);
          break;
      }
    }
    others.wait();
  });
}

// HZ-1: the last handle may be dropped by either side, at the same time.
TEST_P(ChanStress, TheLastHandleMayBeDroppedAnywhere) {
  const std::int64_t before = counted::alive();
  run([this] {
    const int rounds = scaled(100000);
    thinker think = pause(procs(), -1);
    for (int i = 0; i < rounds; ++i) {
      auto c = weft::make_chan<counted>(i % 3);
      weft::go([c, pausing = pause(procs(), i)]() mutable {
        pausing();
        (void)c.try_send(counted(1));
        c = nullptr;
      });
      if (i % 4 == 0) {
        weft::yield();
      } else {
        think();
      }
      std::optional<counted> v;
      (void)c.try_recv(v);
    }
  });
  EXPECT_EQ(counted::alive(), before);
}

// T1, T5, CH-21: values that are in the buffer before the close are found by operations that do
// not wait, and a close that has happened is never reported as "nothing there".
TEST_P(ChanStress, TryReceivesRacingWithCloseMissNothing) {
  run([this] {
    const int rounds = scaled(60000);
    thinker think = pause(procs(), -1);
    for (int round = 0; round < rounds; ++round) {
      const int filled = round % 4;
      auto c = weft::make_chan<int>(4);
      for (int i = 0; i < filled; ++i) {
        c.send(i);
      }
      std::atomic<bool> closed = false;
      std::atomic<int> found = 0;
      weft::wait_group all;
      for (int r = 0; r < 2; ++r) {
        all.go([&, r] {
          thinker pausing = pause(procs(), round * 2 + r);
          for (;;) {
            pausing();
            const bool was_closed = closed;
            std::optional<int> v;
            chan_status s = chan_status::ok;
            if (r == 0) {
              s = c.try_recv(v);
            } else {
              const bool chosen = weft::select(weft::recv(c, v), weft::otherwise()) == 0;
              s = !chosen ? chan_status::would_block : v ? chan_status::ok : chan_status::closed;
            }
            if (s == chan_status::closed) {
              return;
            }
            found += s == chan_status::ok;
            if (s == chan_status::would_block) {
              EXPECT_FALSE(was_closed) << "closed, but reported as empty";
              weft::yield();
            }
          }
        });
      }
      if (round % 2 == 0) {
        weft::yield();
      } else {
        think();
      }
      c.close();
      closed = true;
      all.wait();
      ASSERT_EQ(found, filled);
    }
  });
}

// CH-21: try_send against close: ok means that the value is received, closed that it is not.
TEST_P(ChanStress, TrySendsRacingWithCloseTellTheTruth) {
  run([this] {
    const int rounds = scaled(60000);
    for (int round = 0; round < rounds; ++round) {
      auto c = weft::make_chan<int>(round % 4);
      std::atomic<int> sent = 0;
      weft::wait_group all;
      for (int s = 0; s < 2; ++s) {
        all.go([&, s] {
          thinker think = pause(procs(), round * 2 + s);
          for (;;) {
            think();
            const chan_status status = c.try_send(1);
            if (status == chan_status::closed) {
              return;
            }
            sent += status == chan_status::ok;
            weft::yield();
          }
        });
      }
      int received = 0;
      all.go([&] {
        for ([[maybe_unused]] int& v : c) {
          ++received;
        }
      });
      for (int i = round % 5; i >= 0; --i) {
        weft::yield();
      }
      c.close();
      all.wait();
      ASSERT_EQ(received, sent);
    }
  });
}

// CH-20, HZ-7, HZ-8: the ledger of elements that own memory, through every capacity.
TEST_P(ChanStress, ElementsThatOwnMemoryArriveWhole) {
  const std::int64_t before = counted::alive();
  run([this] {
    const int each = scaled(40000);
    for (int capacity : {0, 1, 3, 128}) {
      auto c = weft::make_chan<std::shared_ptr<counted>>(capacity);
      weft::wait_group senders;
      for (int s = 0; s < 3; ++s) {
        senders.go([=, think = pause(procs(), s)]() mutable {
          for (int i = 0; i < each; ++i) {
            think();
            c.send(std::make_shared<counted>(value_of(s, i)));
          }
        });
      }
      weft::go([&] {
        senders.wait();
        c.close();
      });
      order_check order(3);
      int n = 0;
      for (auto& v : c) {
        ASSERT_NE(v, nullptr);
        order.received(v->value());
        ++n;
      }
      EXPECT_EQ(n, 3 * each);
    }
  });
  EXPECT_EQ(counted::alive(), before);
}

}  // namespace
