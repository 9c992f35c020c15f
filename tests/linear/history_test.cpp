// Histories of the real thing: random programs of a few parties on one object, on 1, 2 and 4
// workers and under seeds, each explained by a sequential object.
#include <weft/chan.hpp>
#include <weft/exceptions.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <string>

#include "linear/check.hpp"
#include "linear/recorder.hpp"
#include "linear/select_of.hpp"
#include "linear/specs.hpp"
#include "support/fixture.hpp"
#include "support/idle.hpp"

namespace {

using weft::linear::channel_spec;
using weft::linear::recorder;
using weft::linear::select_spec;
using weft::linear::tokens_spec;
using weft::linear::wait_group_spec;

constexpr int parties = 4;
constexpr int operations = 6;  // of each party

// One random program: how many parties have nothing more to do, and the history.
struct program {
  recorder log;
  std::atomic<int> ended{0};
};

/// Starts the parties, each with numbers of its own, and waits until all have ended or are parked.
template <class F>
void run_parties(const std::shared_ptr<program>& p, std::uint64_t seed, F party) {
  for (int i = 0; i < parties; ++i) {
    weft::go([p, party, i, seed] {
      std::mt19937_64 draw(seed * parties + static_cast<std::uint64_t>(i));
      for (int n = 0; n < operations; ++n) {
        party(*p, i, n, draw);
        if (draw() % 4 == 0) {
          weft::yield();
        }
      }
      ++p->ended;
    });
  }
  // With nothing written down during the look: it meets the parties at different moments, and one
  // that was woken by another meanwhile would be taken for one that waits.
  std::uint64_t then = 0;
  do {
    then = p->log.now();
    while (p->ended + static_cast<int>(weft::testing::parked_goroutines()) < parties) {
      weft::yield();
    }
  } while (then != p->log.now());
}

std::int64_t sent_or_closed(weft::chan_status s) {
  return s == weft::chan_status::ok       ? channel_spec::done
         : s == weft::chan_status::closed ? channel_spec::closed
                                          : channel_spec::would_block;
}

/// A channel under sends, receives, their try forms, the same as cases of a select, and a close.
void one_channel_program(std::size_t capacity, std::uint64_t seed) {
  auto c = weft::make_chan<std::int64_t>(static_cast<int>(capacity));
  auto p = std::make_shared<program>();
  const bool may_close = seed % 3 == 0;
  run_parties(p, seed, [c, may_close](program& prog, int me, int n, std::mt19937_64& draw) {
    const std::int64_t value = me * 100 + n;
    const auto receive = [](auto&& how) {
      const std::optional<std::int64_t> v = how();
      return v ? *v : channel_spec::closed;
    };
    switch (draw() % (may_close ? 17 : 16)) {
      case 0:
      case 1:
      case 2:
        prog.log.record(me, channel_spec::send, value, [&] {
          try {
            c.send(value);
            return channel_spec::done;
          } catch (const weft::closed_channel&) {
            return channel_spec::closed;
          }
        });
        break;
      case 3:
      case 4:
      case 5:
        prog.log.record(me, channel_spec::recv, 0,
                        [&] { return receive([&] { return c.recv(); }); });
        break;
      case 6:
      case 7:
        prog.log.record(me, channel_spec::try_send, value,
                        [&] { return sent_or_closed(c.try_send(value)); });
        break;
      case 8:
      case 9:
        prog.log.record(me, channel_spec::try_recv, 0, [&] {
          std::int64_t v = 0;
          const weft::chan_status s = c.try_recv(v);
          return s == weft::chan_status::ok ? v : sent_or_closed(s);
        });
        break;
      case 10:
      case 11:
      case 12:
        prog.log.record(me, channel_spec::send, value, [&] {
          try {
            weft::select(weft::recv(weft::chan<int>()), weft::send(c, value), weft::send(c, value));
            return channel_spec::done;
          } catch (const weft::closed_channel&) {
            return channel_spec::closed;
          }
        });
        break;
      case 13:
      case 14:
      case 15:
        prog.log.record(me, channel_spec::recv, 0, [&] {
          return receive([&] {
            std::optional<std::int64_t> v;
            weft::select(weft::recv(c, v), weft::recv(weft::chan<int>()), weft::recv(c, v));
            return v;
          });
        });
        break;
      default:
        prog.log.record(me, channel_spec::close, 0, [&] {
          try {
            c.close();
            return channel_spec::done;
          } catch (const weft::closed_channel&) {
            return channel_spec::closed;
          }
        });
    }
  });
  const auto verdict = check(channel_spec{capacity}, p->log.taken());
  EXPECT_TRUE(verdict.ok) << "capacity " << capacity << ", program " << seed << ": "
                          << verdict.text;
}

/// Two channels under selects of up to four cases, with and without a default, and closes.
void one_select_program(std::size_t capacity, std::uint64_t seed) {
  auto p = std::make_shared<program>();
  const std::array<weft::chan<std::int64_t>, 2> both = {
      weft::make_chan<std::int64_t>(static_cast<int>(capacity)),
      weft::make_chan<std::int64_t>(static_cast<int>(capacity))};
  const bool may_close = seed % 3 == 0;
  run_parties(p, seed, [both, may_close](program& prog, int me, int n, std::mt19937_64& draw) {
    using spec = select_spec;
    const std::int64_t value = me * 100 + n;
    if (may_close && draw() % 16 == 0) {
      const int x = draw() % 2 == 0 ? 0 : 1;
      prog.log.record(me, spec::close_a << x, 0, [&]() -> std::int64_t {
        try {
          both[static_cast<std::size_t>(x)].close();
          return spec::result(spec::close_a << x);
        } catch (const weft::closed_channel&) {
          return spec::threw;
        }
      });
      return;
    }
    int kind = 0;
    while (kind == 0) {
      kind = static_cast<int>(draw() % 16);  // some of receive and send on both
    }
    kind |= draw() % 3 == 0 ? spec::otherwise : 0;
    prog.log.record(me, kind, value, [&] { return weft::linear::select_of(kind, both, value); });
  });
  const auto verdict = check(select_spec{capacity}, p->log.taken());
  EXPECT_TRUE(verdict.ok) << "capacity " << capacity << ", program " << seed << ": "
                          << verdict.text;
}

void one_semaphore_program(std::int64_t tokens, std::uint64_t seed) {
  auto p = std::make_shared<program>();
  auto s = std::make_shared<weft::semaphore>(tokens);
  run_parties(p, seed, [s, tokens](program& prog, int me, int, std::mt19937_64& draw) {
    const auto n = static_cast<std::int64_t>(draw() % static_cast<std::uint64_t>(tokens)) + 1;
    bool held = true;
    if (draw() % 3 == 0) {
      prog.log.record(me, tokens_spec::try_acquire, n, [&] { return held = s->try_acquire(n); });
    } else {
      prog.log.record(me, tokens_spec::acquire, n, [&] {
        s->acquire(n);
        return 0;
      });
    }
    if (draw() % 2 == 0) {
      weft::yield();
    }
    if (held) {
      prog.log.record(me, tokens_spec::release, n, [&] {
        s->release(n);
        return 0;
      });
    }
  });
  const auto verdict = check(tokens_spec{tokens, true}, p->log.taken());
  EXPECT_TRUE(verdict.ok) << "tokens " << tokens << ", program " << seed << ": " << verdict.text;
}

void one_mutex_program(std::uint64_t seed) {
  auto p = std::make_shared<program>();
  auto m = std::make_shared<weft::mutex>();
  run_parties(p, seed, [m](program& prog, int me, int, std::mt19937_64& draw) {
    bool held = true;
    if (draw() % 3 == 0) {
      prog.log.record(me, tokens_spec::try_acquire, 1, [&] { return held = m->try_lock(); });
    } else {
      prog.log.record(me, tokens_spec::acquire, 1, [&] {
        m->lock();
        return 0;
      });
    }
    if (draw() % 2 == 0) {
      weft::yield();
    }
    if (held) {
      prog.log.record(me, tokens_spec::release, 1, [&] {
        m->unlock();
        return 0;
      });
    }
  });
  const auto verdict = check(tokens_spec{1}, p->log.taken());
  EXPECT_TRUE(verdict.ok) << "program " << seed << ": " << verdict.text;
}

void one_wait_group_program(std::uint64_t seed) {
  auto p = std::make_shared<program>();
  auto g = std::make_shared<weft::wait_group>();
  g->add(1);  // its first round is over: add() beside wait() is no mistake any more (WG-2, OB-10)
  g->add(-1);
  run_parties(p, seed, [g](program& prog, int me, int, std::mt19937_64& draw) {
    if (draw() % 2 == 0) {
      prog.log.record(me, wait_group_spec::wait, 0, [&] {
        g->wait();
        return 0;
      });
      return;
    }
    for (const int by : {1, -1}) {
      prog.log.record(me, wait_group_spec::add, by, [&] {
        g->add(by);
        return 0;
      });
      weft::yield();
    }
  });
  const auto verdict = check(wait_group_spec{}, p->log.taken());
  EXPECT_TRUE(verdict.ok) << "program " << seed << ": " << verdict.text;
}

int programs() { return std::max(10, static_cast<int>(2000 * weft::testing::scale())); }

// For tools/prove.
void record_histories(int n) { ::testing::Test::RecordProperty("histories", n); }

// On one thread, where the seed decides who goes on before each operation, and within them.
template <class F>
void each_simulated_program(F f) {
  record_histories(programs());
  for (int i = 0; i < programs() && !::testing::Test::HasFailure(); ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    weft::runtime_options o;
    o.on_deadlock = weft::deadlock_action::ignore;
    o.deterministic = true;
    o.seed = seed + 1;
    weft::run(o, [&] { f(seed); });
  }
}

class Histories : public weft::testing::Procs {
 protected:
  // Parties may be left blocked: each program has a run of its own. A quarter of the runs is
  // seeded, whatever else the programs draw by their numbers modulo 3.
  template <class F>
  void each_program(F f) {
    record_histories(programs());
    for (int i = 0; i < programs() && !HasFailure(); ++i) {
      const auto seed = static_cast<std::uint64_t>(i);
      weft::runtime_options o{.max_procs = procs()};
      o.on_deadlock = weft::deadlock_action::ignore;
      o.seed = i % 4 == 1 ? seed : 0;
      weft::run(o, [&] { f(seed); });
    }
  }
};
WEFT_PROCS(Histories);

TEST_P(Histories, OfAnUnbufferedChannelAreLinearizable) {
  each_program([](std::uint64_t seed) { one_channel_program(0, seed); });
}
TEST_P(Histories, OfAChannelWithOnePlaceAreLinearizable) {
  each_program([](std::uint64_t seed) { one_channel_program(1, seed); });
}
TEST_P(Histories, OfAChannelWithThreePlacesAreLinearizable) {
  each_program([](std::uint64_t seed) { one_channel_program(3, seed); });
}
TEST_P(Histories, OfSelectsAreLinearizable) {
  each_program([](std::uint64_t seed) { one_select_program(seed % 3, seed / 3); });
}
TEST_P(Histories, OfASemaphoreAreLinearizable) {
  each_program([](std::uint64_t seed) { one_semaphore_program(3, seed); });
}
TEST_P(Histories, OfAMutexAreLinearizable) {
  each_program([](std::uint64_t seed) { one_mutex_program(seed); });
}
TEST_P(Histories, OfAWaitGroupAreLinearizable) {
  each_program([](std::uint64_t seed) { one_wait_group_program(seed); });
}

TEST(SimulatedHistories, OfChannelsAreLinearizable) {
  for (const std::size_t capacity : {0u, 1u, 3u}) {
    each_simulated_program([=](std::uint64_t seed) { one_channel_program(capacity, seed); });
  }
  record_histories(3 * programs());
}
TEST(SimulatedHistories, OfSelectsAreLinearizable) {
  each_simulated_program([](std::uint64_t seed) { one_select_program(seed % 3, seed / 3); });
}
TEST(SimulatedHistories, OfASemaphoreAreLinearizable) {
  each_simulated_program([](std::uint64_t seed) { one_semaphore_program(3, seed); });
}
TEST(SimulatedHistories, OfAMutexAreLinearizable) {
  each_simulated_program([](std::uint64_t seed) { one_mutex_program(seed); });
}
TEST(SimulatedHistories, OfAWaitGroupAreLinearizable) {
  each_simulated_program([](std::uint64_t seed) { one_wait_group_program(seed); });
}

}  // namespace
