// Lost waits: random programs that always finish are never disturbed, and every wait that is truly
// lost is found, once, whatever races. The exceptions of lost_wait_action::wake are the history.
#include <weft/chan.hpp>
#include <weft/select.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/fixture.hpp"
#include "support/stderr_text.hpp"
#include "support/think.hpp"

namespace {

using weft::chan;
using weft::go;
using weft::make_chan;
using weft::testing::stderr_text;

class LostWaitStress : public weft::testing::Procs {
 protected:
  int rounds(int all) const { return static_cast<int>(all * weft::testing::scale()) + 3; }
  template <class F>
  void waking(F&& f) {
    weft::run(
        weft::runtime_options{.max_procs = procs(), .on_lost_wait = weft::lost_wait_action::wake},
        [&] {
          f();
          weft::testing::wait_until_goroutines(1);
        });
  }
};
WEFT_PROCS(LostWaitStress);

// What one round counts; goroutines hold it, not a reference.
struct tally {
  std::atomic<std::uint64_t> sent{0}, received{0};
  std::atomic<int> ended{0}, abandoned{0};
};

// A tree of pipelines: each stage has handles of its own, sends what it gets on, by plain
// operations or a select over two channels, and leaves when it has seen the end. Handles are
// copied, moved and dropped all the time. Nothing is ever lost.
TEST_P(LostWaitStress, ProgramsThatFinishAreNotDisturbed) {
  stderr_text err;
  waking([&] {
    for (int r = 0; r < rounds(300); ++r) {
      std::mt19937_64 random(static_cast<std::uint64_t>(r) * 3 +
                             static_cast<std::uint64_t>(procs()));
      auto t = std::make_shared<tally>();
      const auto stages = 1 + random() % 4;
      auto first = make_chan<std::uint64_t>(random() % 3);
      chan<std::uint64_t> last = first;
      for (std::uint64_t s = 0; s < stages; ++s) {
        auto next = make_chan<std::uint64_t>(random() % 3);
        auto other = make_chan<std::uint64_t>(random() % 2);
        const int width = 1 + static_cast<int>(random() % 3);
        auto all_left = make_chan<weft::unit>(width);
        for (int w = 0; w < width; ++w) {
          go([from = last, next, other, all_left, seed = random(), procs = procs()]() mutable {
            weft::testing::thinker think(procs, seed);
            for (std::uint64_t v : from) {
              think();
              const chan<std::uint64_t> copy = next;  // and dropped at the end of the turn
              if (v % 2 == 0) {
                copy.send(v);
              } else {
                weft::select(weft::send(copy, v), weft::send(other, v));
              }
            }
            from = nullptr;
            all_left.send({});
          });
        }
        // Who joins the two ways again.
        auto joined = make_chan<std::uint64_t>();
        go([next, other, all_left = std::move(all_left), width] {
          for (int w = 0; w < width; ++w) {
            all_left.recv();
          }
          next.close();
          other.close();
        });
        go([next = std::move(next), other = std::move(other), joined]() mutable {
          while (next || other) {
            std::optional<std::uint64_t> v;
            const std::size_t which = weft::select(weft::recv(next, v), weft::recv(other, v));
            if (v) {
              joined.send(*v);
            } else {
              (which == 0 ? next : other) = nullptr;
            }
          }
          joined.close();
        });
        last = std::move(joined);
      }
      const std::uint64_t values = random() % 20;
      go([first = std::move(first), values, t] {
        for (std::uint64_t v = 0; v < values; ++v) {
          first.send(v);
          t->sent += v + 1;
        }
        first.close();
      });
      for (std::uint64_t v : last) {
        t->received += v + 1;
      }
      last = nullptr;
      weft::testing::wait_until_goroutines(1);
      ASSERT_EQ(t->received.load(), values * (values + 1) / 2);
      ASSERT_EQ(t->received.load(), t->sent.load());
    }
  });
  EXPECT_EQ(err.text(), "");
}

// Senders and receivers that take a random number of turns each, on one channel: what cannot pair
// up is lost when all the others have left. Every goroutine ends, and says how; what was sent was
// received.
TEST_P(LostWaitStress, EveryWaitThatIsLostIsFound) {
  stderr_text err;
  std::size_t abandoned = 0;
  waking([&] {
    for (int r = 0; r < rounds(2000); ++r) {
      std::mt19937_64 random(static_cast<std::uint64_t>(r) * 5 +
                             static_cast<std::uint64_t>(procs()));
      auto t = std::make_shared<tally>();
      auto c = make_chan<std::uint64_t>(random() % 2);
      const int parties = 2 + static_cast<int>(random() % 4);
      for (int p = 0; p < parties; ++p) {
        go([c, t, turns = random() % 6, sends = random() % 2 == 0, seed = random(),
            procs = procs()] {
          weft::testing::thinker think(procs, seed);
          try {
            for (std::uint64_t k = 0; k < turns; ++k) {
              if (sends) {
                c.send(k + 1);
                t->sent += k + 1;
              } else {
                t->received += *c.recv();
              }
              think();
            }
          } catch (const weft::abandoned_channel&) {
            ++t->abandoned;
          }
          ++t->ended;
        });
      }
      auto rest = c;
      c = nullptr;
      // What is left in the buffer counts; main is a party that never waits.
      rest = nullptr;
      weft::testing::wait_until_goroutines(1);
      ASSERT_EQ(t->ended.load(), parties);
      ASSERT_GE(t->sent.load(), t->received.load());
      abandoned += static_cast<std::size_t>(t->abandoned.load());
    }
  });
  EXPECT_GT(abandoned, 0u);
  EXPECT_EQ(err.count("weft: lost wait: "), abandoned);  // each once
}

// The same with selects over several channels, which drop out in a random order.
TEST_P(LostWaitStress, SelectsThatAreLostAreFoundOnce) {
  stderr_text err;
  std::size_t abandoned = 0;
  waking([&] {
    for (int r = 0; r < rounds(1000); ++r) {
      std::mt19937_64 random(static_cast<std::uint64_t>(r) * 7 +
                             static_cast<std::uint64_t>(procs()));
      auto t = std::make_shared<tally>();
      std::vector<chan<int>> channels;
      for (int i = 0; i < 3; ++i) {
        channels.push_back(make_chan<int>());
      }
      for (int g = 0; g < 3; ++g) {
        go([a = channels[random() % 3], b = channels[random() % 3], t] {
          try {
            for (;;) {
              weft::select(weft::recv(a), weft::recv(b));
              ++t->received;
            }
          } catch (const weft::abandoned_channel&) {
            ++t->abandoned;
          }
        });
      }
      for (chan<int>& c : channels) {
        go([c = std::exchange(c, nullptr), n = random() % 3, seed = random(), t, procs = procs()] {
          weft::testing::thinker think(procs, seed);
          try {
            for (std::uint64_t k = 0; k < n; ++k) {
              c.send(1);
              ++t->sent;
              think();
            }
          } catch (const weft::abandoned_channel&) {
            ++t->ended;  // nobody receives from this one
          }
        });
      }
      weft::testing::wait_until_goroutines(1);
      ASSERT_EQ(t->abandoned.load(), 3);
      ASSERT_EQ(t->sent.load(), t->received.load());
      abandoned += static_cast<std::size_t>(t->abandoned.load() + t->ended.load());
    }
  });
  EXPECT_EQ(err.count("weft: lost wait: "), abandoned);
}

}  // namespace
