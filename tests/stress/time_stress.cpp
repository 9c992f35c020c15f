// Timers at the moment at which they are due: a million rounds in all at scale 1. Each setting of a
// timer ends in exactly one of received and prevented, each wait in exactly one of woken and timed
// out, and no value is lost between the two (T8, HZ-13).
#include <weft/blocking.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "support/fixture.hpp"
#include "support/think.hpp"

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using weft::chan_status;
using weft::testing::thinker;

class TimeStress : public weft::testing::Procs {};
WEFT_PROCS(TimeStress);

int rounds(int n) { return std::max(20, static_cast<int>(n * weft::testing::scale())); }

thinker pause(int procs, int who) { return {procs, static_cast<std::uint64_t>(who)}; }

// Short times, of which many are due at once, some soon, some while somebody looks.
class jitter {
 public:
  explicit jitter(int seed) : state_(static_cast<std::uint32_t>(seed) * 2654435761u + 1) {}
  std::chrono::nanoseconds operator()(std::uint32_t most_ns) {
    state_ = state_ * 1664525u + 1013904223u;
    return std::chrono::nanoseconds((state_ >> 8) % most_ns);
  }

 private:
  std::uint32_t state_;
};

// T8, TM-4, TM-5, TM-17
TEST_P(TimeStress, EachSettingOfATimerIsReceivedOrPrevented) {
  run([this] {
    constexpr int setters = 2, receivers = 3;
    const int each = rounds(60'000);
    weft::timer t(1h);
    std::atomic<std::int64_t> received = 0, prevented = 0, settings = 1;
    std::atomic<bool> done = false;
    weft::wait_group receiving, setting;
    for (int i = 0; i < receivers; ++i) {
      receiving.go([&, i, jit = jitter(i), think = pause(procs(), i)]() mutable {
        weft::chan<int> nil;
        std::optional<weft::time_point> v;
        while (!done) {
          bool got = false;
          if (i == 0) {
            got = weft::select(weft::recv(t.chan(), v), weft::recv(nil),
                               weft::timeout(jit(20'000))) == 0;
          } else if (i == 1) {
            got = t.chan().recv_for(v, jit(20'000)) == chan_status::ok;
          } else {
            got = t.chan().try_recv(v) == chan_status::ok;
            weft::yield();
          }
          received += got ? 1 : 0;
          if (got && *v > clock::now()) {
            ADD_FAILURE() << "received before it was due";
          }
          think();
        }
      });
    }
    for (int i = 0; i < setters; ++i) {
      setting.go([&, jit = jitter(10 + i), think = pause(procs(), 10 + i)]() mutable {
        for (int k = 0; k < each; ++k) {
          if (k % 4 == 3) {
            prevented += t.stop() ? 1 : 0;
          } else {
            ++settings;
            prevented += t.reset(jit(10'000)) ? 1 : 0;
          }
          think();
          if (k % 8 == 0) {
            weft::sleep(jit(10'000));
          } else {
            weft::yield();
          }
        }
      });
    }
    setting.wait();
    done = true;
    receiving.wait();
    prevented += t.stop() ? 1 : 0;
    EXPECT_EQ(received + prevented, settings);
  });
}

// HZ-13, SE-8: a select's timeout against a send that comes at about the same time.
TEST_P(TimeStress, ASelectThatTimesOutTakesNoValue) {
  run([this] {
    const int n = rounds(60'000);
    auto c = weft::make_chan<int>();
    std::int64_t received = 0, sum_received = 0;
    std::atomic<std::int64_t> sent = 0, sum_sent = 0;
    std::atomic<bool> done = false;
    weft::wait_group senders;
    for (int i = 0; i < 2; ++i) {
      senders.go([&, i, jit = jitter(i), think = pause(procs(), i)]() mutable {
        for (int k = 1; !done; ++k) {
          const int value = 2 * k + i;
          if (c.send_for(value, jit(15'000)) == chan_status::ok) {
            ++sent;
            sum_sent += value;
          }
          think();
        }
      });
    }
    jitter jit(7);
    thinker think = pause(procs(), 7);
    for (int k = 0; k < n; ++k) {
      std::optional<int> v;
      const std::size_t i = weft::select(weft::timeout(jit(15'000)), weft::recv(c, v));
      EXPECT_EQ(i == 1, v.has_value());
      received += v.has_value() ? 1 : 0;
      sum_received += v.value_or(0);
      think();
    }
    done = true;
    senders.wait();
    EXPECT_EQ(sent, received);
    EXPECT_EQ(sum_sent, sum_received);
  });
}

// TM-7: it runs, or stop() says that it will not.
TEST_P(TimeStress, AFunctionRunsOrIsStopped) {
  run([this] {
    constexpr int users = 4;
    const int each = rounds(20'000);
    std::atomic<std::int64_t> ran = 0, prevented = 0, settings = 0;
    weft::wait_group all;
    for (int i = 0; i < users; ++i) {
      all.go([&, jit = jitter(i), think = pause(procs(), i)]() mutable {
        auto t = weft::after_func(1h, [&] { ++ran; });
        ++settings;
        for (int k = 0; k < each; ++k) {
          prevented += t.reset(jit(10'000)) ? 1 : 0;
          ++settings;
          think();
          if (k % 3 == 0) {
            weft::sleep(jit(10'000));
          } else {
            weft::yield();
          }
        }
        prevented += t.stop() ? 1 : 0;
      });
    }
    all.wait();
    // stop() is too late as soon as a worker has taken the timer out, a moment before the
    // goroutine.
    while (ran + prevented < settings) {
      weft::yield();
    }
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(ran + prevented, settings);
  });
}

// HZ-13: the deadline is the time at which the partner comes, give or take a little. Partners are
// goroutines and threads of the user's.
TEST_P(TimeStress, AValueAtTheDeadlineIsTakenOrStaysWithItsSender) {
  run([] {
    const int each = rounds(20'000);
    auto c = weft::make_chan<std::unique_ptr<int>>();
    std::atomic<std::int64_t> sent = 0, received = 0, torn = 0;
    const auto send_some = [&](int who) {
      jitter jit(who);
      for (int k = 0; k < each; ++k) {
        auto v = std::make_unique<int>(k);
        const auto at = clock::now() + 20us;
        const chan_status s =
            k % 2 == 0 ? c.send_until(v, at + jit(4'000)) : c.send_for(v, jit(9'000));
        sent += s == chan_status::ok ? 1 : 0;
        torn += (s == chan_status::ok) != (v == nullptr) ? 1 : 0;
      }
    };
    const auto receive_some = [&](int who) {
      jitter jit(who);
      for (int k = 0; k < each; ++k) {
        std::unique_ptr<int> v;
        const auto at = clock::now() + 20us;
        const chan_status s =
            k % 2 == 0 ? c.recv_until(v, at + jit(4'000)) : c.recv_for(v, jit(9'000));
        received += s == chan_status::ok ? 1 : 0;
        torn += (s == chan_status::ok) != (v != nullptr) ? 1 : 0;
      }
    };
    weft::wait_group all;
    for (int i = 0; i < 2; ++i) {
      all.go([&, i] { send_some(i); });
      all.go([&, i] { receive_some(10 + i); });
    }
    std::thread sender([&] { send_some(20); });
    std::thread receiver([&] { receive_some(21); });
    all.wait();
    weft::blocking([&] {
      sender.join();
      receiver.join();
    });
    EXPECT_EQ(sent, received);
    EXPECT_EQ(torn, 0);
  });
}

// TM-1, TM-15, TM-16: sleepers, while timeouts that never come are added and dropped beside them.
TEST_P(TimeStress, SleepersAmongTimeoutsThatNeverCome) {
  run([this] {
    constexpr int sleepers = 20, churners = 4;
    const int naps = rounds(2'500);
    const int turns = rounds(10'000);
    std::atomic<std::int64_t> early = 0;
    weft::wait_group all;
    for (int i = 0; i < sleepers; ++i) {
      all.go([&, jit = jitter(i)]() mutable {
        for (int k = 0; k < naps; ++k) {
          const auto d = jit(100'000);
          const auto begin = clock::now();
          weft::sleep(d);
          early += clock::now() - begin < d ? 1 : 0;
        }
      });
    }
    for (int i = 0; i < churners; ++i) {
      auto ping = weft::make_chan<int>();
      all.go([=, think = pause(procs(), i)]() mutable {
        for (int k = 0; k < turns; ++k) {
          EXPECT_EQ(ping.send_for(k, 1h), chan_status::ok);
          think();
        }
      });
      all.go([=] {
        for (int k = 0; k < turns; ++k) {
          std::optional<int> v;
          EXPECT_EQ(weft::select(weft::recv(ping, v), weft::timeout(1h)), 0u);
          EXPECT_EQ(v, k);
        }
      });
    }
    all.wait();
    EXPECT_EQ(early, 0);
  });
}

// TM-16: all workers go to sleep and are woken for a time, again and again; none is overslept.
TEST_P(TimeStress, NobodyOversleepsAmongFewTimers) {
  run([] {
    const int n = rounds(4'000);
    std::atomic<std::int64_t> overslept = 0;
    weft::wait_group all;
    for (int i = 0; i < 3; ++i) {
      all.go([&, jit = jitter(i)]() mutable {
        for (int k = 0; k < n; ++k) {
          weft::timer late(1h);
          weft::time_point v;
          EXPECT_EQ(late.chan().recv_for(v, jit(60'000)), chan_status::timeout);
          late.reset(jit(60'000));
          const auto begin = clock::now();
          EXPECT_TRUE(late.chan().recv());
          overslept += clock::now() - begin > 5s ? 1 : 0;
        }
      });
    }
    all.wait();
    EXPECT_EQ(overslept, 0);
  });
}

// DL-1: certain or silent. A main goroutine that sleeps briefly, again and again, and then ends,
// leaves all workers asleep each time, with nothing in a heap at the moment when a timer comes.
TEST_P(TimeStress, ShortSleepsAndAnEndAreNoDeadlock) {
  const int n = rounds(500);
  for (int i = 0; i < n; ++i) {
    run_and_abandon([jit = jitter(i)]() mutable {
      for (int k = 0; k < 20; ++k) {
        weft::sleep(jit(60'000));
      }
    });
  }
}

}  // namespace
