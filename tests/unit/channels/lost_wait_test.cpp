// DL-5, CH-23: waits on channels that nobody else has a handle of. The rules of lost_wait_action.
#include <weft/chan.hpp>
#include <weft/context.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fixture.hpp"
#include "support/idle.hpp"
#include "support/stderr_text.hpp"

namespace {

using weft::chan;
using weft::go;
using weft::make_chan;
using weft::testing::stderr_text;
using weft::testing::wait_until_parked;
using namespace std::chrono_literals;

constexpr const char* report = "weft: lost wait: ";

class LostWait : public weft::testing::Procs {
 protected:
  template <class F>
  void run_with(weft::lost_wait_action a, F&& f) {
    weft::run(weft::runtime_options{.max_procs = procs(), .on_lost_wait = a}, std::forward<F>(f));
  }
  // Goroutines stay behind: nobody wakes them.
  template <class F>
  void reporting(F&& f) {
    run_with(weft::lost_wait_action::report, std::forward<F>(f));
  }
  template <class F>
  void waking(F&& f) {
    run_with(weft::lost_wait_action::wake, [&] {
      f();
      weft::testing::wait_until_goroutines(1);
    });
  }
};
WEFT_PROCS(LostWait);

// How an operation ended.
enum class end { none, value, closed, abandoned };

template <class F>
end end_of(F f) {
  try {
    return f() ? end::value : end::closed;
  } catch (const weft::abandoned_channel&) {
    return end::abandoned;
  } catch (const weft::closed_channel&) {
    return end::closed;
  }
}

// ---- reports ----

TEST_P(LostWait, AReceiverIsReportedWhenTheLastOtherHandleIsDropped) {
  stderr_text err;
  reporting([&] {
    auto c = make_chan<std::pair<int, char>>(3);
    go({.name = "reader"}, [c] { c.recv(); });
    wait_until_parked(1, "chan receive");
    auto other = c;
    c = nullptr;
    EXPECT_EQ(err.count(report), 0u);
    other = nullptr;
    const std::string text = err.text();
    EXPECT_EQ(err.count(report), 1u) << text;
    EXPECT_NE(text.find("chan receive: chan 0x"), std::string::npos) << text;
    EXPECT_NE(text.find("of std::pair<int, char>, capacity 3, 0 values in it"), std::string::npos)
        << text;
    EXPECT_NE(text.find("dropped by goroutine 1 [running]:\n\tmain, started at "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("[chan receive] \"reader\":\n\tcreated at "), std::string::npos) << text;
    EXPECT_NE(text.find("lost_wait_test.cpp:"), std::string::npos) << text;
  });
}

TEST_P(LostWait, ASenderOnAFullChannelIsReported) {
  stderr_text err;
  reporting([&] {
    auto c = make_chan<int>(1);
    c.send(1);
    go([c] { c.send(2); });
    wait_until_parked(1, "chan send");
    c = nullptr;
    EXPECT_EQ(err.count(report), 1u);
    EXPECT_EQ(err.count("chan send: chan 0x"), 1u);
    EXPECT_EQ(err.count("of int, capacity 1, 1 value in it"), 1u);
  });
}

TEST_P(LostWait, TheLastPartyThatBeginsToWaitIsReportedWithThoseThatWaitAlready) {
  stderr_text err;
  reporting([&] {
    auto c = make_chan<int>();
    go([c] { c.recv(); });
    go([c] { c.recv(); });
    go([c = std::move(c)] {
      wait_until_parked(2, "chan receive");
      EXPECT_EQ(std::as_const(c).len(), 0u);
      c.recv();
    });
    wait_until_parked(3, "chan receive");
    err.wait_for(3, "came just now");
    EXPECT_EQ(err.count(report), 3u);
  });
}

TEST_P(LostWait, AThreadThatDropsTheLastHandleIsNamedAsSuch) {
  stderr_text err;
  reporting([&] {
    auto c = make_chan<int>();
    go([c] { c.recv(); });
    wait_until_parked(1, "chan receive");
    std::thread([c = std::move(c)] {}).join();
    EXPECT_EQ(err.count("dropped by a thread that runs no goroutine"), 1u);
  });
}

TEST_P(LostWait, NothingIsSaidUnlessAskedFor) {
  stderr_text err;
  weft::run(weft::runtime_options{.max_procs = procs()}, [&] {
    auto c = make_chan<int>();
    go([c] { c.recv(); });
    wait_until_parked(1, "chan receive");
    c = nullptr;
  });
  EXPECT_EQ(err.text(), "");
}

// A channel that was made while a run watched, in one that does not.
TEST_P(LostWait, AChannelOfAnEarlierRunIsNotReportedInOneThatDoesNotWatch) {
  stderr_text err;
  chan<int> c;
  reporting([&] { c = make_chan<int>(); });
  weft::run(weft::runtime_options{.max_procs = procs()}, [&] {
    go([c] { c.recv(); });
    wait_until_parked(1, "chan receive");
    c = nullptr;
  });
  EXPECT_EQ(err.text(), "");
}

// GR-2: whoever was abandoned waits no more.
TEST_P(LostWait, AGoroutineOfAnEarlierRunIsNotReported) {
  stderr_text err;
  chan<int> c;
  reporting([&] {
    c = make_chan<int>();
    go([c] { c.recv(); });
    wait_until_parked(1, "chan receive");
  });
  reporting([&] { c = nullptr; });
  EXPECT_EQ(err.text(), "");
}

// ---- wakes ----

TEST_P(LostWait, AReceiverIsWokenWithAnException) {
  stderr_text err;
  waking([&] {
    auto how = std::make_shared<end>(end::none);
    auto c = make_chan<int>();
    go([c, how] { *how = end_of([&] { return c.recv().has_value(); }); });
    wait_until_parked(1, "chan receive");
    c = nullptr;
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(*how, end::abandoned);
    EXPECT_EQ(err.count(report), 1u);  // and it says so
  });
}

// PN-3: no lock is held, the value is there, the channel works.
TEST_P(LostWait, ASenderKeepsItsValueAndItsChannel) {
  stderr_text err;
  waking([] {
    auto c = make_chan<std::string>(1);
    c.send("first");
    std::string second = "a string that is not short enough to be stored inside";
    EXPECT_THROW(c.send(std::move(second)), weft::abandoned_channel);
    EXPECT_EQ(second, "a string that is not short enough to be stored inside");  // NOLINT
    EXPECT_EQ(*c.recv(), "first");
    c.send("third");
    EXPECT_EQ(c.len(), 1u);
  });
}

TEST_P(LostWait, ALoopOverAChannelIsWoken) {
  stderr_text err;
  waking([] {
    auto how = std::make_shared<end>(end::none);
    auto sum = std::make_shared<int>(0);
    auto c = make_chan<int>();
    go([c, how, sum] {
      *how = end_of([&] {
        for (int v : c) {
          *sum += v;
        }
        return false;
      });
    });
    c.send(1);
    c.send(2);
    c = nullptr;
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(*how, end::abandoned);
    EXPECT_EQ(*sum, 3);
  });
}

TEST_P(LostWait, ALoopOverATemporaryHandleIsWoken) {
  stderr_text err;
  waking([] {
    auto c = make_chan<int>();
    EXPECT_THROW(
        for (int v
             : std::exchange(c, nullptr)) { ADD_FAILURE() << v; },
        weft::abandoned_channel);
  });
}

TEST_P(LostWait, ViewsCountAsHandles) {
  stderr_text err;
  waking([] {
    auto how = std::make_shared<end>(end::none);
    auto c = make_chan<int>();
    weft::send_chan<int> to = c;
    go([from = weft::recv_chan<int>(std::move(c)), how] {
      *how = end_of([&] { return from.recv().has_value(); });
    });
    wait_until_parked(1, "chan receive");
    to.send(1);
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(*how, end::value);
  });
}

TEST_P(LostWait, AWaitWithALimitThatNeverComesIsWoken) {
  stderr_text err;
  waking([] {
    auto c = make_chan<int>();
    int v = 0;
    EXPECT_THROW((void)c.recv(weft::background(), v), weft::abandoned_channel);
    EXPECT_THROW((void)c.send(weft::background(), 1), weft::abandoned_channel);
    EXPECT_THROW((void)c.recv_for(v, std::chrono::hours::max()), weft::abandoned_channel);
  });
}

// SE: a select is lost when each of its channels is; the last drop says so, once.
TEST_P(LostWait, ASelectIsWokenWhenTheLastOfItsChannelsIsLost) {
  stderr_text err;
  waking([&] {
    auto how = std::make_shared<end>(end::none);
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    go([a, b, how] {
      int v = 7;
      *how = end_of([&] {
        weft::select(weft::recv(a), weft::send(b, v), weft::recv(a));
        return true;
      });
      EXPECT_EQ(v, 7);
    });
    wait_until_parked(1, "select");
    a = nullptr;
    EXPECT_EQ(err.count(report), 0u);
    b = nullptr;
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(*how, end::abandoned);
    EXPECT_EQ(err.count(report), 1u);
    EXPECT_EQ(err.count("\tselect: chan"), 1u);
  });
}

// A plain receiver beside a select that may come back by another channel is not lost; when the
// select is, both are.
TEST_P(LostWait, SelectsJoinTheFatesOfTheirChannels) {
  stderr_text err;
  waking([&] {
    auto plain = std::make_shared<end>(end::none);
    auto selecting = std::make_shared<end>(end::none);
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    go([a, plain] { *plain = end_of([&] { return a.recv().has_value(); }); });
    go([a, b, selecting] {
      *selecting = end_of([&] {
        weft::select(weft::recv(a), weft::recv(b));
        return true;
      });
    });
    wait_until_parked(1, "chan receive");
    wait_until_parked(1, "select");
    a = nullptr;
    EXPECT_EQ(err.count(report), 0u);
    b = nullptr;
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(*plain, end::abandoned);
    EXPECT_EQ(*selecting, end::abandoned);
    EXPECT_EQ(err.count(report), 2u);
  });
}

TEST_P(LostWait, ASelectThatComesLastIsWokenWithTheOthers) {
  stderr_text err;
  waking([] {
    auto plain = std::make_shared<end>(end::none);
    auto a = make_chan<int>();
    auto b = make_chan<int>();
    go([a, plain] { *plain = end_of([&] { return a.recv().has_value(); }); });
    wait_until_parked(1, "chan receive");
    EXPECT_THROW(weft::select(weft::recv(a), weft::recv(b)), weft::abandoned_channel);
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(*plain, end::abandoned);
    EXPECT_EQ(b.len(), 0u);
  });
}

// ---- silence ----

TEST_P(LostWait, WhoMayStillComeKeepsItSilent) {
  static chan<int> global;
  stderr_text err;
  waking([] {
    auto on_heap = std::make_shared<chan<int>>(make_chan<int>());
    go([on_heap] { EXPECT_EQ(on_heap->recv(), 1); });  // one handle, two users
    global = make_chan<int>();
    go([] { EXPECT_EQ(global.recv(), 2); });
    auto c = make_chan<int>();
    auto in_buffer = make_chan<chan<int>>(1);
    in_buffer.send(c);  // a handle that waits in a channel
    go([c] { EXPECT_EQ(c.recv(), 3); });
    wait_until_parked(3, "chan receive");
    c = nullptr;
    on_heap->send(1);
    global.send(2);
    in_buffer.recv()->send(3);
    weft::testing::wait_until_goroutines(1);
    global = nullptr;
  });
  EXPECT_EQ(err.text(), "");
}

TEST_P(LostWait, WaitsThatEndByThemselvesAreNotLost) {
  stderr_text err;
  waking([] {
    auto c = make_chan<int>();
    int v = 0;
    EXPECT_EQ(c.recv_for(v, 1ms), weft::chan_status::timeout);
    EXPECT_EQ(c.send_for(1, 1ms), weft::chan_status::timeout);
    EXPECT_EQ(weft::select(weft::recv(c), weft::timeout(1ms)), 1u);
    EXPECT_EQ(weft::select(weft::recv(c), weft::otherwise()), 1u);
    EXPECT_EQ(weft::select(weft::recv(c), weft::recv(weft::after(1ms))), 1u);
    EXPECT_TRUE(weft::after(1ms).recv().has_value());
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
    EXPECT_EQ(c.recv(ctx, v), weft::chan_status::canceled);
    EXPECT_EQ(weft::select(weft::recv(c), weft::recv(ctx.done())), 1u);
  });
  EXPECT_EQ(err.text(), "");
}

// A second handle of the same goroutine cannot be told from somebody else's.
TEST_P(LostWait, ASecondCopyKeepsItSilent) {
  stderr_text err;
  reporting([&] {
    auto c = make_chan<int>();
    go([c] {
      auto mine = c;
      mine.recv();
    });
    wait_until_parked(1, "chan receive");
    c = nullptr;
  });
  EXPECT_EQ(err.text(), "");
}

// The rules are kept by pipelines, worker pools and the like: nothing is reported.
TEST_P(LostWait, AProgramThatKeepsTheRulesIsNotDisturbed) {
  stderr_text err;
  waking([] {
    auto jobs = make_chan<int>(4);
    auto results = make_chan<int>();
    for (int w = 0; w < 8; ++w) {
      go([jobs, results] {
        for (int j : jobs) {
          results.send(j * j);
        }
      });
    }
    go([jobs = std::move(jobs)] {
      for (int j = 0; j < 100; ++j) {
        jobs.send(j);
      }
      jobs.close();
    });
    int sum = 0;
    for (int i = 0; i < 100; ++i) {
      sum += *results.recv();
    }
    EXPECT_EQ(sum, 328350);
  });
  EXPECT_EQ(err.text(), "");
}

}  // namespace
