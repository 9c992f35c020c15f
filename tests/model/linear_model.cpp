// Small programs under every schedule: each history must be one of a sequential object. Those of
// large programs, under some schedules, are in tests/linear.
#include <weft/chan.hpp>
#include <weft/exceptions.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "linear/check.hpp"
#include "linear/recorder.hpp"
#include "linear/select_of.hpp"
#include "linear/specs.hpp"
#include "model_test.hpp"

namespace {

using weft::linear::channel_spec;
using weft::linear::select_spec;
using weft::linear::tokens_spec;
using weft::linear::wait_group_spec;
using threads = std::vector<std::function<void()>>;

// An access to the recorder's clock is no step, but orders what the threads know.
class model_clock {
 public:
  explicit model_clock(std::uint64_t now) : now_(now) {}
  std::uint64_t fetch_add(std::uint64_t n) {
    weft::model::adopt(this);
    weft::model::publish(this);
    return std::exchange(now_, now_ + n);
  }

 private:
  std::uint64_t now_;
};
using recorder = weft::linear::basic_recorder<model_clock>;

constexpr weft::model::options deep{.preemptions = 4};

// At the end of each execution its history is explained, or the execution has failed.
template <class Spec>
std::shared_ptr<recorder> recorded(const Spec& spec) {
  auto log = std::make_shared<recorder>();
  weft::model::at_end([log, spec] {
    const auto verdict = weft::linear::check(spec, log->taken());
    static std::string why;
    why = "not linearizable: " + verdict.text;
    weft::model::require(verdict.ok, why.c_str());
  });
  return log;
}

class channel_party {
 public:
  channel_party(std::shared_ptr<recorder> log, weft::chan<std::int64_t> c, int me)
      : log_(std::move(log)), chan_(std::move(c)), me_(me) {}

  void send(std::int64_t v) const {
    log_->record(me_, channel_spec::send, v, [&] {
      try {
        chan_.send(v);
        return channel_spec::done;
      } catch (const weft::closed_channel&) {
        return channel_spec::closed;
      }
    });
  }
  void try_send(std::int64_t v) const {
    log_->record(me_, channel_spec::try_send, v, [&] { return told(chan_.try_send(v)); });
  }
  void recv() const {
    log_->record(me_, channel_spec::recv, 0, [&] {
      const std::optional<std::int64_t> v = chan_.recv();
      return v ? *v : channel_spec::closed;
    });
  }
  void try_recv() const {
    log_->record(me_, channel_spec::try_recv, 0, [&] {
      std::int64_t v = 0;
      const weft::chan_status s = chan_.try_recv(v);
      return s == weft::chan_status::ok ? v : told(s);
    });
  }
  void close() const {
    log_->record(me_, channel_spec::close, 0, [&] {
      chan_.close();
      return channel_spec::done;
    });
  }

 private:
  static std::int64_t told(weft::chan_status s) {
    return s == weft::chan_status::ok       ? channel_spec::done
           : s == weft::chan_status::closed ? channel_spec::closed
                                            : channel_spec::would_block;
  }
  std::shared_ptr<recorder> log_;
  weft::chan<std::int64_t> chan_;
  int me_;
};

TEST(ChanHistoryModel, WithoutABuffer) {
  weft::model::expect_holds(
      [] {
        auto log = recorded(channel_spec{0});
        auto c = weft::make_chan<std::int64_t>();
        return threads{[a = channel_party(log, c, 0)] { a.send(10); },
                       [b = channel_party(log, c, 1)] {
                         b.send(20);
                         b.try_send(21);
                       },
                       [d = channel_party(log, c, 2)] {
                         d.recv();
                         d.recv();
                         d.close();  // whoever is left hears of it
                       }};
      },
      deep);
}

TEST(ChanHistoryModel, WithOnePlace) {
  weft::model::expect_holds(
      [] {
        auto log = recorded(channel_spec{1});
        auto c = weft::make_chan<std::int64_t>(1);
        return threads{[a = channel_party(log, c, 0)] {
                         a.send(10);
                         a.try_recv();
                       },
                       [b = channel_party(log, c, 1)] {
                         b.send(20);
                         b.send(21);
                       },
                       [d = channel_party(log, c, 2)] {
                         d.recv();
                         d.close();
                       }};
      },
      deep);
}

// ---- select ----

// One party of two channels: what it does is a select, with one case too.
class select_party {
 public:
  using objects = std::array<weft::chan<std::int64_t>, 2>;

  select_party(std::shared_ptr<recorder> log, std::shared_ptr<objects> both, int me)
      : log_(std::move(log)), both_(std::move(both)), me_(me) {}

  void close(int cases) const {
    log_->record(me_, cases, 0, [&] {
      (*both_)[cases == select_spec::close_b ? 1 : 0].close();
      return select_spec::result(cases);
    });
  }

  void select(int cases, std::int64_t value = 0) const {
    log_->record(me_, cases, value, [&] { return weft::linear::select_of(cases, *both_, value); });
  }

 private:
  std::shared_ptr<recorder> log_;
  std::shared_ptr<objects> both_;
  int me_;
};

threads select_parties(int capacity, const std::vector<std::function<void(select_party)>>& bodies) {
  auto log = recorded(select_spec{static_cast<std::size_t>(capacity)});
  auto both = std::make_shared<select_party::objects>(select_party::objects{
      weft::make_chan<std::int64_t>(capacity), weft::make_chan<std::int64_t>(capacity)});
  threads all;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    all.emplace_back(
        [body = bodies[i], party = select_party(log, both, static_cast<int>(i))] { body(party); });
  }
  return all;
}

using party = const select_party&;
using cases = select_spec;

// Each select may meet the other one or a plain partner; those that are left hear of the closes.
TEST(SelectHistoryModel, CrossedWithoutABuffer) {
  weft::model::expect_holds(
      [] {
        return select_parties(0, {[](party p) { p.select(cases::send_a | cases::recv_b, 10); },
                                  [](party p) { p.select(cases::send_b | cases::recv_a, 20); },
                                  [](party p) {
                                    p.select(cases::recv_a | cases::recv_b | cases::otherwise);
                                    p.close(cases::close_a);
                                    p.close(cases::close_b);
                                  }});
      },
      {}, {"SelectWithoutSecondPass", "ClaimThatIsLostIsTaken"});
}

TEST(SelectHistoryModel, WithACloseWithoutABuffer) {
  weft::model::expect_holds([] {
    return select_parties(0, {[](party p) { p.select(cases::send_a, 10); },
                              [](party p) {
                                p.select(cases::recv_a | cases::recv_b);
                                p.select(cases::recv_a | cases::recv_b);
                                p.close(cases::close_a);
                              },
                              [](party p) { p.close(cases::close_b); }});
  });
}

// SE-4: from the first send on there is always something in one of both.
TEST(SelectHistoryModel, ADefaultBesideAValueThatMoves) {
  weft::model::expect_holds(
      [] {
        return select_parties(
            1, {[](party p) {
                  p.select(cases::send_a, 10);
                  p.select(cases::send_b, 11);
                  p.select(cases::recv_a | cases::otherwise);
                  p.select(cases::send_a, 12);
                  p.select(cases::recv_b | cases::otherwise);
                },
                [](party p) { p.select(cases::recv_a | cases::recv_b | cases::otherwise); }});
      },
      deep, {"SelectWithoutSecondPass"});
}

TEST(SelectHistoryModel, WithOnePlaceEach) {
  weft::model::expect_holds([] {
    return select_parties(1, {[](party p) {
                                p.select(cases::send_a | cases::send_b, 10);
                                p.select(cases::send_a | cases::send_b, 11);
                                p.close(cases::close_b);
                              },
                              [](party p) {
                                p.select(cases::recv_a | cases::recv_b);
                                p.select(cases::recv_a | cases::recv_b);
                              },
                              [](party p) { p.select(cases::send_a | cases::otherwise, 30); }});
  });
}

// Each party asks twice: at once if it can, then for certain.
template <class Object, class Try, class Take, class Give>
threads users(const std::shared_ptr<recorder>& log, std::shared_ptr<Object> object,
              const std::vector<std::int64_t>& amounts, Try try_to, Take take, Give give) {
  threads all;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    all.emplace_back([=, me = static_cast<int>(i), n = amounts[i]] {
      const auto back = [&] {
        weft::detail::model_step();  // others come while it is held
        log->record(me, tokens_spec::release, n, [&] {
          give(*object, n);
          return 0;
        });
      };
      bool held = false;
      log->record(me, tokens_spec::try_acquire, n, [&] { return held = try_to(*object, n); });
      if (held) {
        back();
        return;
      }
      log->record(me, tokens_spec::acquire, n, [&] {
        take(*object, n);
        return 0;
      });
      back();
    });
  }
  return all;
}

TEST(MutexHistoryModel, OfThreeParties) {
  weft::model::expect_holds(
      [] {
        using weft::mutex;
        return users(
            recorded(tokens_spec{1}), std::make_shared<mutex>(), {1, 1, 1},
            [](mutex& m, std::int64_t) { return m.try_lock(); },
            [](mutex& m, std::int64_t) { m.lock(); }, [](mutex& m, std::int64_t) { m.unlock(); });
      },
      deep);
}

TEST(SemaphoreHistoryModel, OfThreePartiesThatWantDifferentNumbers) {
  weft::model::expect_holds(
      [] {
        using weft::semaphore;
        return users(
            recorded(tokens_spec{2, true}), std::make_shared<semaphore>(2), {1, 2, 1},
            [](semaphore& s, std::int64_t n) { return s.try_acquire(n); },
            [](semaphore& s, std::int64_t n) { s.acquire(n); },
            [](semaphore& s, std::int64_t n) { s.release(n); });
      },
      deep);
}

TEST(WaitGroupHistoryModel, OfTwoThatCountAndOneThatWaits) {
  weft::model::expect_holds(
      [] {
        auto log = recorded(wait_group_spec{});
        auto group = std::make_shared<weft::wait_group>();
        const auto counts = [=](int me) {
          return [=] {
            for (const int by : {1, -1}) {
              log->record(me, wait_group_spec::add, by, [&] {
                group->add(by);
                return 0;
              });
            }
          };
        };
        return threads{counts(0), counts(1), [=] {
                         for (int i = 0; i < 2; ++i) {
                           log->record(2, wait_group_spec::wait, 0, [&] {
                             group->wait();
                             return 0;
                           });
                         }
                       }};
      },
      deep);
}

// The checks above can fail: two tokens are not a mutex.
TEST(SemaphoreHistoryModel, OfTwoTokensAreNotThoseOfOne) {
  weft::model::expect_fails([] {
    using weft::semaphore;
    return users(
        recorded(tokens_spec{1}), std::make_shared<semaphore>(2), {1, 1},
        [](semaphore& s, std::int64_t n) { return s.try_acquire(n); },
        [](semaphore& s, std::int64_t n) { s.acquire(n); },
        [](semaphore& s, std::int64_t n) { s.release(n); });
  });
}

}  // namespace
