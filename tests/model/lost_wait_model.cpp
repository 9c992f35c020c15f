// [lost], [lock_cycle]: the real channels and mutexes, watching, over a stand-in of park and ready.
#include <weft/chan.hpp>
#include <weft/detail/lost_wait.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>

#include <algorithm>
#include <memory>
#include <numeric>

#include "model_test.hpp"
#include "stand_in.hpp"

namespace {

using namespace weft::detail;
using threads = std::vector<std::function<void()>>;
using weft::model::require;

// Scenarios are made within: their channels are watched.
class LostWaitModel : public ::testing::Test {
 protected:
  void SetUp() override { lost_wait_mode.store(lost_waits::woken, relaxed); }
  void TearDown() override { lost_wait_mode.store(lost_waits::ignored, relaxed); }
};

void clear_reports() {
  std::fill(std::begin(weft::model::reports), std::end(weft::model::reports), 0);
}
int all_reports() {
  return std::accumulate(std::begin(weft::model::reports), std::end(weft::model::reports), 0);
}

bool abandoned(const std::function<void()>& f) {
  try {
    f();
  } catch (const weft::abandoned_channel&) {
    return true;
  }
  return false;
}

// The drop against the park: whichever is second finds it.
TEST_F(LostWaitModel, TheLastDropMeetsTheWait) {
  weft::model::expect_holds(
      [] {
        clear_reports();
        auto c = weft::make_chan<int>();
        auto lost = std::make_shared<bool>(false);
        weft::model::at_end([lost] {
          require(*lost, "not woken");
          require(all_reports() == 1, "not reported once");
        });
        return threads{[c, lost] { *lost = abandoned([&] { c.recv(); }); },
                       [c]() mutable { c = nullptr; }};
      },
      {.preemptions = 3}, {"LostWaitIsNotLookedForAtADrop"});
}

// A value that comes is received; only after the sender has left is the second receive lost.
TEST_F(LostWaitModel, NobodyIsLostWhileAPartnerIsLeft) {
  weft::model::expect_holds(
      [] {
        clear_reports();
        auto c = weft::make_chan<int>();
        auto got = std::make_shared<int>(0);
        auto lost = std::make_shared<bool>(false);
        weft::model::at_end([got, lost] {
          require(*got == 1, "the value was lost");
          require(*lost && all_reports() == 1, "not woken and reported once");
        });
        return threads{[c, got, lost] {
                         *got = *c.recv();
                         *lost = abandoned([&] { c.recv(); });
                       },
                       [c]() mutable {
                         c.send(1);
                         c = nullptr;
                       }};
      },
      {.preemptions = 3});
}

TEST_F(LostWaitModel, AllWhoHoldAndWaitAreLost) {
  weft::model::expect_holds([] {
    clear_reports();
    auto c = weft::make_chan<int>();
    auto lost = std::make_shared<int>(0);
    weft::model::at_end([lost] { require(*lost == 2 && all_reports() == 2, "not both"); });
    const auto receiver = [c, lost] { *lost += abandoned([&] { c.recv(); }); };
    return threads{receiver, receiver, [c]() mutable { c = nullptr; }};
  });
}

// Two leave at the same time, by different channels of one select.
TEST_F(LostWaitModel, ASelectIsLostWithTheLastOfItsChannels) {
  weft::model::expect_holds([] {
    clear_reports();
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>();
    auto lost = std::make_shared<int>(0);
    weft::model::at_end([lost] { require(*lost == 1 && all_reports() == 1, "not once"); });
    return threads{
        [a, b, lost] { *lost += abandoned([&] { weft::select(weft::recv(a), weft::recv(b)); }); },
        [a]() mutable { a = nullptr; }, [b]() mutable { b = nullptr; }};
  });
}

// The select comes back by b and serves the plain receiver: that one is not lost though all handles
// of its channel belong to those that wait.
TEST_F(LostWaitModel, ASelectThatMayComeBackSavesTheOthers) {
  weft::model::expect_holds(
      [] {
        clear_reports();
        auto a = weft::make_chan<int>();
        auto b = weft::make_chan<int>();
        auto got = std::make_shared<int>(0);
        weft::model::at_end(
            [got] { require(*got == 5 && all_reports() == 0, "a wait that ended was reported"); });
        const auto not_lost = [](const std::function<void()>& f) {
          require(!abandoned(f), "a wait that could end was abandoned");
        };
        return threads{[a, got, not_lost] { not_lost([&] { *got += *a.recv(); }); },
                       [a, b, not_lost] {
                         not_lost([&] {
                           std::optional<int> v;
                           weft::select(weft::recv(a), weft::recv(b, v));
                           a.send(*v);
                         });
                       },
                       [b]() mutable {
                         b.send(5);
                         b = nullptr;
                       }};
      },
      {}, {"LostWaitOfASelectIsThatOfOneChannel"});
}

// The circle is seen by the one that closes it, whoever that is, once. A third one, which breaks
// the rule about unlocking, lets the execution end.
TEST_F(LostWaitModel, ACircleOfTwoMutexesIsReportedOnce) {
  weft::model::expect_holds([] {
    struct state {
      weft::mutex a, b;
      weft::detail::atomic<int> locked{0};
    };
    clear_reports();
    auto s = std::make_shared<state>();
    weft::model::at_end([] {
      require(weft::model::reports[0] == 1 && weft::model::reports[1] == 1 && all_reports() == 2,
              "not each once");
    });
    const auto both = [s](weft::mutex& first, weft::mutex& second) {
      first.lock();
      s->locked.fetch_add(1, seq_cst);        // seq_cst: a test
      while (s->locked.load(seq_cst) != 2) {  // seq_cst: a test
        model_yield();
      }
      second.lock();
      second.unlock();
    };
    return threads{[s, both] { both(s->a, s->b); },
                   [s, both] {
                     both(s->b, s->a);
                     s->b.unlock();
                   },
                   [s] {
                     while (all_reports() == 0) {
                       model_yield();
                     }
                     s->a.unlock();
                   }};
  });
}

// Waits with a limit, and owners that go on, make no circle.
TEST_F(LostWaitModel, NoCircleIsReportedThatIsNone) {
  weft::model::expect_holds([] {
    struct state {
      weft::mutex a, b;
    };
    clear_reports();
    auto s = std::make_shared<state>();
    weft::model::at_end([] { require(all_reports() == 0, "a wait that ended was reported"); });
    const auto limited = [](weft::mutex& first, weft::mutex& second) {
      first.lock();
      if (second.try_lock_for(std::chrono::nanoseconds(1))) {
        second.unlock();
      }
      first.unlock();
    };
    const auto patient = [](weft::mutex& first, weft::mutex& second) {
      first.lock();
      second.lock();
      second.unlock();
      first.unlock();
    };
    return threads{[=] { limited(s->a, s->b); }, [=] { patient(s->b, s->a); }};
  });
}

}  // namespace
