// Waits that a deadline or a cancellation may end, too: the real primitives over a stand-in of
// park_limited() in which time comes at any moment. Of each: one outcome; a notification that meets
// a wait that has ended otherwise goes to the next; nothing is left behind, so that the object may
// be destroyed at once. Semaphores and shared mutexes have models of their own.
#include <weft/chan.hpp>
#include <weft/cond_var.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "model_test.hpp"
#include "stand_in.hpp"

namespace {

using threads = std::vector<std::function<void()>>;
using weft::chan_status;
using weft::model::require;
using namespace std::chrono_literals;

struct model_context {
  weft::detail::done_signal signal;
  weft::error err() const { return signal.done() ? weft::canceled : weft::error{}; }
  weft::detail::done_signal* wake_source() const {
    return const_cast<weft::detail::done_signal*>(&signal);
  }
};

// ---- done_signal ----

// Joins as park_limited() does, and waits; true if the signal ended the wait.
bool wait_for(weft::detail::done_signal& signal) {
  using namespace weft::detail;
  goroutine* me = self();
  const wait_limit limit{never, &signal};
  return end_of(park_limited(
             wait_reason::sleep, open_claim(me), limit, [](void*) noexcept {}, nullptr)) ==
         wait_end::cancel;
}

TEST(DoneSignalModel, WhoJoinsIsWokenWheneverItFires) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<weft::detail::done_signal>();
        const auto waits = [s] { require(wait_for(*s) && s->done(), "woken by something else"); };
        return threads{waits, waits, [s] { require(s->fire(), "somebody else fired"); }};
      },
      {.preemptions = 4}, {"DoneSignalIsJoinedTooLate"});
}

TEST(DoneSignalModel, ItFiresOnce) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::detail::done_signal signal;
          int fired = 0;
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] { require(s->fired == 1, "fired twice, or not at all"); });
        const auto fires = [s] { s->fired += s->signal.fire() ? 1 : 0; };
        return threads{fires, fires, [s] { wait_for(s->signal); }};
      },
      {.preemptions = 4}, {"DoneSignalFiresTwice"});
}

// HZ-1: the one who waited may end the context that has woken it.
TEST(DoneSignalModel, MayBeDestroyedByTheOneItHasWoken) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<weft::model::mortal<weft::detail::done_signal>>();
        weft::model::at_end([s] { require(s->intact(), "touched after the wake-up"); });
        return threads{[s] { (*s)->fire(); },
                       [s] {
                         wait_for(**s);
                         s->destroy();
                       }};
      },
      {.preemptions = 4});
}

// A wait that the deadline has ended leaves the signal, before its frame is gone.
TEST(DoneSignalModel, AWaitThatEndedOtherwiseLeavesIt) {
  weft::model::expect_holds(
      [] {
        using namespace weft::detail;
        auto s = std::make_shared<weft::model::mortal<done_signal>>();
        return threads{
            [s] {
              const wait_limit limit{weft::model::time + 1, &**s};
              const wait_end end = end_of(park_limited(
                  wait_reason::sleep, open_claim(self()), limit, [](void*) noexcept {}, nullptr));
              require(end != wait_end::woken, "neither time nor signal");
              require(end == wait_end::timeout || (*s)->done(), "not yet fired");
            },
            [s] { (*s)->fire(); }, [s] { wait_for(**s); }};
      },
      {.preemptions = 4});
}

// ---- channels ----

struct exchange {
  weft::chan<int> c;
  model_context ctx;
  int sent = 0;
  int received = 0;

  explicit exchange(int capacity = 0) : c(weft::make_chan<int>(capacity)) {}
  void send_for(int v) { sent += c.send_for(v, 1ns) == chan_status::ok ? v : 0; }
  void send_with_context(int v) { sent += c.send(ctx, v) == chan_status::ok ? v : 0; }
  void recv_for() {
    int v = 0;
    received += c.recv_for(v, 1ns) == chan_status::ok ? v : 0;
  }
  void recv_with_context() {
    int v = 0;
    received += c.recv(ctx, v) == chan_status::ok ? v : 0;
  }
  // What was sent and not received must be in the buffer, and nobody may be in a queue.
  void check() {
    int v = 0;
    while (c.try_recv(v) == chan_status::ok) {
      received += v;
    }
    require(sent == received, "a value was lost or doubled");
    while (c.try_send(v) == chan_status::ok) {
      require(c.len() != 0, "a receiver that is gone was still in the queue");
    }
  }
};

std::shared_ptr<exchange> make_exchange(int capacity = 0) {
  auto s = std::make_shared<exchange>(capacity);
  weft::model::at_end([s] { s->check(); });
  return s;
}

TEST(ChanLimitModel, BothSidesAgreeWhetherTheyHaveMet) {
  weft::model::expect_holds(
      [] {
        auto s = make_exchange();
        return threads{[s] { s->send_for(1); }, [s] { s->recv_for(); }};
      },
      {.preemptions = 5});
}

TEST(ChanLimitModel, TwoReceiversThatMayGiveUpInTheirOwnWay) {
  weft::model::expect_holds([] {
    auto s = make_exchange();
    return threads{[s] { s->send_for(1); }, [s] { s->recv_for(); }, [s] { s->recv_with_context(); },
                   [s] { s->ctx.signal.fire(); }};
  });
}

TEST(ChanLimitModel, TwoSendersThatMayGiveUpInTheirOwnWay) {
  weft::model::expect_holds([] {
    auto s = make_exchange();
    return threads{[s] { s->send_for(1); }, [s] { s->send_with_context(2); },
                   [s] { s->recv_for(); }, [s] { s->ctx.signal.fire(); }};
  });
}

// CH-5: the refill of the buffer meets a sender that gives up.
TEST(ChanLimitModel, AFullBufferAndSendersThatMayGiveUp) {
  weft::model::expect_holds([] {
    auto s = make_exchange(1);
    s->c.send(4);
    s->sent = 4;
    return threads{[s] { s->send_for(1); }, [s] { s->send_with_context(2); },
                   [s] { s->recv_for(); }, [s] { s->ctx.signal.fire(); }};
  });
}

// T13: the value goes to the receiver behind the one that has given up.
TEST(ChanLimitModel, AValueThatMeetsOneWhoGaveUpGoesToTheNext) {
  weft::model::expect_holds([] {
    auto s = make_exchange();
    return threads{[s] {
                     int v = 0;
                     const chan_status got = s->c.recv_for(v, 1ns);
                     if (got == chan_status::ok) {
                       s->c.send(v);
                     }
                   },
                   [s] { s->received += *s->c.recv(); },
                   [s] {
                     s->c.send(1);
                     s->sent += 1;
                   }};
  });
}

TEST(ChanLimitModel, AReceiverThatMeetsASenderThatGaveUpTakesTheNext) {
  weft::model::expect_holds([] {
    auto s = make_exchange();
    return threads{[s] {
                     if (s->c.send_for(1, 1ns) == chan_status::ok) {
                       s->sent += 1;
                       s->received += *s->c.recv();
                     }
                   },
                   [s] {
                     s->c.send(2);
                     s->sent += 2;
                   },
                   [s] { s->received += *s->c.recv(); }};
  });
}

// T2: close, time and cancellation.
TEST(ChanLimitModel, CloseMeetsThoseWhoMayGiveUp) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::chan<int> c = weft::make_chan<int>();
          model_context ctx;
          bool closed = false;
        };
        auto s = std::make_shared<state>();
        const auto check = [s](chan_status end, chan_status other) {
          require(end == chan_status::closed || end == other, "an outcome that nobody made");
          require(end != chan_status::closed || s->closed, "closed before it was closed");
        };
        return threads{[s, check] {
                         int v = 0;
                         check(s->c.recv_for(v, 1ns), chan_status::timeout);
                       },
                       [s, check] {
                         int v = 0;
                         check(s->c.recv(s->ctx, v), chan_status::canceled);
                       },
                       [s] {
                         s->closed = true;
                         s->c.close();
                       },
                       [s] { s->ctx.signal.fire(); }};
      },
      {.preemptions = 3, .most_executions = 2'000'000});
}

// [limit.4] Who gives up alone has nobody who would find it in the queue later.
TEST(ChanLimitModel, AWaitThatEndedOtherwiseIsInNoQueue) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::chan<int> a = weft::make_chan<int>();
          weft::chan<int> b = weft::make_chan<int>();
          model_context ctx;
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] {
          for (const auto* c : {&s->a, &s->b}) {
            require(c->core()->senders().empty() && c->core()->receivers().empty(),
                    "who has given up is still in a queue");
          }
        });
        return threads{[s] {
                         require(s->a.send(s->ctx, 1) == chan_status::canceled, "nobody receives");
                         require(s->a.send_for(1, 1ns) == chan_status::timeout, "nobody receives");
                       },
                       [s] {
                         int v = 0;
                         require(s->b.recv(s->ctx, v) == chan_status::canceled, "nobody sends");
                         require(s->b.recv_for(v, 1ns) == chan_status::timeout, "nobody sends");
                       },
                       [s] { s->ctx.signal.fire(); }};
      },
      {}, {"ChanLimitSenderStaysInTheQueue", "ChanLimitReceiverStaysInTheQueue"});
}

// HZ-1: the handles of both are the last ones.
TEST(ChanLimitModel, MayBeDestroyedByEitherSide) {
  weft::model::expect_holds(
      [] {
        weft::model::keep_freed();
        auto sends = std::make_shared<weft::chan<int>>(weft::make_chan<int>());
        auto receives = std::make_shared<weft::chan<int>>(*sends);
        return threads{[sends] {
                         static_cast<void>(sends->send_for(1, 1ns));
                         *sends = {};
                       },
                       [receives] {
                         int v = 0;
                         static_cast<void>(receives->recv_for(v, 1ns));
                         *receives = {};
                       }};
      },
      {.preemptions = 5});
}

// ---- select ----

// SE-8: the timeout and a sender on each channel: one of them.
TEST(SelectLimitModel, ATimeoutAndTwoSendersHaveOneWinner) {
  weft::model::expect_holds([] {
    struct state {
      weft::chan<int> a = weft::make_chan<int>();
      weft::chan<int> b = weft::make_chan<int>();
      int sent = 0;
      int received = 0;
    };
    auto s = std::make_shared<state>();
    weft::model::at_end([s] {
      require(s->sent == s->received, "a value was lost or doubled");
      require(s->a.try_send(1) == chan_status::would_block &&
                  s->b.try_send(1) == chan_status::would_block,
              "the select is still in a queue");
    });
    return threads{[s] {
                     std::optional<int> v;
                     const std::size_t i =
                         weft::select(weft::recv(s->a, v), weft::recv(s->b, v), weft::timeout(1ns));
                     require((i == 2) == !v.has_value(), "timed out with a value");
                     s->received += v.value_or(0);
                   },
                   [s] { s->sent += s->a.send_for(1, 1ns) == chan_status::ok ? 1 : 0; },
                   [s] { s->sent += s->b.send_for(2, 1ns) == chan_status::ok ? 2 : 0; }};
  });
}

// SE-9: what a select that has timed out does not take is taken by the receiver behind it.
TEST(SelectLimitModel, AReceiverBehindATimedOutSelectIsServed) {
  weft::model::expect_holds([] {
    auto s = make_exchange();
    return threads{[s] {
                     std::optional<int> v;
                     if (weft::select(weft::recv(s->c, v), weft::timeout(1ns)) == 0) {
                       s->c.send(*v);
                     }
                   },
                   [s] { s->received += *s->c.recv(); },
                   [s] {
                     s->c.send(1);
                     s->sent += 1;
                   }};
  });
}

// ---- channels of timers ----

struct timed {
  static constexpr std::int64_t due = 10;
  weft::detail::chan_core* core;
  model_context ctx;
  int received = 0;
  int prevented = 0;

  explicit timed(std::int64_t period = 0) {
    weft::model::time = 0;
    core = weft::detail::chan_core::make_timed({true, due, period});
  }
  ~timed() { core->drop(); }
  // The time of the value, or 0.
  std::int64_t receive(std::int64_t until) {
    weft::time_point v{};
    const chan_status s = core->recv_limited(&v, {until, &ctx.signal});
    if (s != chan_status::ok) {
      return 0;
    }
    ++received;
    require(v.time_since_epoch().count() <= weft::model::time, "received before it was due");
    return v.time_since_epoch().count();
  }
  void set(bool active, std::int64_t when) {
    prevented += core->set_timer({active, when, 0}) ? 1 : 0;
  }
};

// T8, TM-4: the result of stop() and what the receiver has got agree.
TEST(ChanTimerModel, AStoppedTimerGivesNothing) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<timed>();
        weft::model::at_end([s] {
          require(s->received + s->prevented == 1, "received and prevented, or neither");
        });
        const auto receive = [s] { s->receive(weft::detail::never); };
        return threads{receive, receive, [s] {
                         s->set(false, 0);
                         const int before = s->received;
                         weft::time_point v{};
                         require(s->core->try_recv(&v) == chan_status::would_block,
                                 "a value after stop()");
                         s->ctx.signal.fire();
                         require(before + s->prevented <= 1, "prevented after it was received");
                       }};
      },
      {.preemptions = 3}, {"ChanTimerStopLeavesTheValue"});
}

// T8, TM-5: after reset() has returned nobody gets a value of the former setting.
TEST(ChanTimerModel, AfterAResetNoValueOfTheFormerSettingIsReceived) {
  weft::model::expect_holds(
      [] {
        struct scene : timed {
          bool reset = false;
        };
        auto s = std::make_shared<scene>();
        weft::model::at_end([s] {
          s->core->set_timer({});
          require(s->received + s->prevented == 2, "each setting ends in exactly one way");
        });
        const auto receive = [s] {
          const bool after = s->reset;
          const std::int64_t v = s->receive(3 * timed::due);
          require(!after || v != timed::due, "a value of the former setting");
        };
        return threads{receive, [s, receive] {
                         s->set(true, 2 * timed::due);
                         s->reset = true;
                         receive();
                       }};
      },
      {.preemptions = 4});
}

// TM-16: one that waits for a late time is told of the earlier one; its own limit is between them.
TEST(ChanTimerModel, AnEarlierTimeEndsAWaitThatHasBegun) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<timed>();
        s->core->set_timer({true, weft::detail::never, 0});
        return threads{[s] { require(s->receive(weft::detail::never) == 3, "another time"); },
                       [s] { s->set(true, 3); }};
      },
      {.preemptions = 5}, {"ChanTimerIsSetAndNobodyLooksAgain"});
}

// TM-17: several receivers, one value.
TEST(ChanTimerModel, OneOfTwoReceiversGetsTheValue) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<timed>();
        weft::model::at_end([s] { require(s->received == 1, "not exactly one value"); });
        const auto receive = [s] { s->receive(2 * timed::due); };
        return threads{receive, receive};
      },
      {.preemptions = 4}, {"ChanTimerGivesOneValueTwice"});
}

// TM-9: the grid is kept however receivers meet.
TEST(ChanTimerModel, TicksAreOnTheGridAndGivenOnce) {
  weft::model::expect_holds(
      [] {
        struct scene : timed {
          scene() : timed(timed::due) {}
          std::vector<std::int64_t> ticks;
        };
        auto s = std::make_shared<scene>();
        weft::model::at_end([s] {
          std::sort(s->ticks.begin(), s->ticks.end());
          require(std::adjacent_find(s->ticks.begin(), s->ticks.end()) == s->ticks.end(),
                  "one tick was given twice");
          for (std::int64_t t : s->ticks) {
            require(t % timed::due == 0, "off the grid");
          }
        });
        const auto receive = [s] { s->ticks.push_back(s->receive(weft::detail::never)); };
        return threads{[receive] {
                         receive();
                         receive();
                       },
                       receive};
      },
      {.preemptions = 4});
}

// A select over a timer's channel and a timeout, and a stop: the timer's value, or the timeout.
TEST(ChanTimerModel, ASelectLooksAgainWhenItsTimerIsSet) {
  weft::model::expect_holds([] {
    auto s = std::make_shared<timed>();
    weft::model::at_end(
        [s] { require(s->received + s->prevented == 1, "received and prevented, or neither"); });
    return threads{
        [s] {
          weft::time_point v{};
          const weft::detail::select_entry cases[2] = {
              {s->core, &v, weft::detail::select_op::recv, 0},
              {nullptr, nullptr, weft::detail::select_op::timeout_at, 30}};
          weft::detail::waiter waiters[2];
          std::uint32_t order[2];
          weft::detail::chan_core* locks[2];
          const auto r = weft::detail::select_core(cases, 2, {}, {order, locks, waiters});
          s->received += r.index() == 0 ? 1 : 0;
          require(r.index() == 0 || s->prevented == 1, "timed out beside a timer");
        },
        [s] { s->set(false, 0); }};
  });
}

// ---- mutex ----

struct guarded {
  weft::model::mortal<weft::mutex> lock;
  model_context ctx;
  int inside = 0;

  void use() {
    require(++inside == 1, "two holders");
    weft::detail::model_step();
    --inside;
    lock->unlock();
  }
};

std::shared_ptr<guarded> make_guarded() {
  auto s = std::make_shared<guarded>();
  weft::model::at_end([s] {
    require(s->lock->try_lock(), "not free at the end");
    s->lock->unlock();
  });
  return s;
}

void mutex_and_those_who_give_up() {
  weft::model::expect_holds([] {
    auto s = make_guarded();
    return threads{[s] {
                     s->lock->lock();
                     s->use();
                   },
                   [s] {
                     if (s->lock->try_lock_for(1ns)) {
                       s->use();
                     }
                   },
                   [s] {
                     if (!s->lock->lock(s->ctx)) {
                       s->use();
                     }
                   },
                   [s] { s->ctx.signal.fire(); }};
  });
}

TEST(MutexLimitModel, ItIsFreeAfterAllHaveLeftOrGivenUp) { mutex_and_those_who_give_up(); }

// MU-3: with every waiter starved, ownership is handed over; nobody who gave up gets it.
TEST(MutexLimitModel, AStarvingMutexIsNotHandedToOneWhoGaveUp) {
  weft::model::patience = weft::detail::impatience::yes;
  mutex_and_those_who_give_up();
  weft::model::patience = weft::detail::impatience::by_clock;
}

// T13: the wake-up of unlock() goes to the one behind.
TEST(MutexLimitModel, TheOneBehindAWaiterThatGaveUpGetsTheMutex) {
  for (const auto patience : {weft::detail::impatience::no, weft::detail::impatience::yes}) {
    weft::model::patience = patience;
    weft::model::expect_holds([] {
      auto s = make_guarded();
      s->lock->lock();
      ++s->inside;
      return threads{[s] {
                       if (s->lock->try_lock_for(1ns)) {
                         s->use();
                       }
                     },
                     [s] {
                       s->lock->lock();
                       s->use();
                     },
                     [s] {
                       --s->inside;
                       s->lock->unlock();
                     },
                     [s] {
                       s->lock->lock();
                       s->use();
                     }};
    });
  }
  weft::model::patience = weft::detail::impatience::by_clock;
}

// ---- cond_var ----

// T13: a notification is for somebody who waits.
TEST(CondLimitModel, ANotificationThatMeetsOneWhoGaveUpGoesToTheNext) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::mutex lock;
          weft::cond_var cond;
          model_context ctx;
          bool set = false;
        };
        auto s = std::make_shared<state>();
        return threads{[s] {
                         std::unique_lock hold(s->lock);
                         if (s->cond.wait_for(hold, 1ns) == std::cv_status::no_timeout) {
                           s->cond.notify_one();
                         }
                       },
                       [s] {
                         std::unique_lock hold(s->lock);
                         s->cond.wait(hold, [&] { return s->set; });
                       },
                       [s] {
                         {
                           std::lock_guard hold(s->lock);
                           s->set = true;
                         }
                         s->cond.notify_one();
                       }};
      },
      {}, {"CondLimitNotificationIsForOneWhoGaveUp"});
}

TEST(CondLimitModel, ACancelledWaitHoldsTheLockAndLeavesTheQueue) {
  weft::model::expect_holds([] {
    struct state {
      weft::mutex lock;
      weft::cond_var cond;
      model_context ctx;
      bool set = false;
      int inside = 0;
    };
    auto s = std::make_shared<state>();
    weft::model::at_end([s] {
      s->cond.notify_all();  // of those that have left nobody is touched
      require(s->lock.try_lock(), "the lock is held at the end");
      s->lock.unlock();
    });
    return threads{[s] {
                     std::unique_lock hold(s->lock);
                     const weft::error e = s->cond.wait(hold, s->ctx, [&] { return s->set; });
                     require(!e || s->ctx.err(), "cancelled by nobody");
                     require(e || s->set, "neither condition nor error");
                     require(++s->inside == 1, "without the lock");
                     weft::detail::model_step();
                     --s->inside;
                   },
                   [s] { s->ctx.signal.fire(); },
                   [s] {
                     {
                       std::lock_guard hold(s->lock);
                       require(++s->inside == 1, "without the lock");
                       s->set = true;
                       --s->inside;
                     }
                     s->cond.notify_all();
                   }};
  });
}

// HZ-1: who waits last destroys it.
TEST(CondLimitModel, MayBeDestroyedByTheOneThatWaited) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::mutex lock;
          weft::model::mortal<weft::cond_var> cond;
          bool set = false;
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] { require(s->cond.intact(), "touched after its end"); });
        return threads{[s] {
                         std::unique_lock hold(s->lock);
                         if (s->cond->wait_for(hold, 1ns) == std::cv_status::timeout) {
                           s->cond->wait(hold, [&] { return s->set; });
                         }
                         s->cond.destroy();
                       },
                       [s] {
                         std::lock_guard hold(s->lock);
                         s->set = true;
                         s->cond->notify_one();
                       }};
      },
      {.preemptions = 3});
}

// ---- wait_group ----

TEST(WaitGroupLimitModel, ZeroTimeAndCancellationHaveOneOutcome) {
  weft::model::expect_holds([] {
    struct state {
      weft::wait_group group;
      model_context ctx;
      bool done = false;
    };
    auto s = std::make_shared<state>();
    s->group.add(1);
    weft::model::at_end([s] {
      s->group.add(1);  // the count of waiters is right: the next round is an ordinary one
      s->group.done();
      require(s->group.wait_for(1ns), "not at zero at the end");
    });
    return threads{[s] { require(!s->group.wait_for(1ns) || s->done, "returned before zero"); },
                   [s] {
                     const weft::error e = s->group.wait(s->ctx);
                     require(e ? static_cast<bool>(s->ctx.err()) : s->done,
                             "an outcome that nobody made");
                   },
                   [s] { s->ctx.signal.fire(); },
                   [s] {
                     s->done = true;
                     s->group.done();
                   },
                   [s] {
                     s->group.wait();
                     require(s->done, "returned before zero");
                   }};
  });
}

// HZ-1
TEST(WaitGroupLimitModel, MayBeDestroyedWhenALimitedWaitHasReturnedAtZero) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<weft::model::mortal<weft::wait_group>>();
        (*s)->add(1);
        weft::model::at_end([s] { require(s->intact(), "touched after wait() had returned"); });
        return threads{[s] { (*s)->done(); },
                       [s] {
                         if (!(*s)->wait_for(1ns)) {
                           (*s)->wait();
                         }
                         s->destroy();
                       }};
      },
      {.preemptions = 4});
}

// T11: a wait that gave up in one round is not counted in the next.
TEST(WaitGroupLimitModel, RoundsDoNotMixWhenAWaitGivesUp) {
  weft::model::expect_holds([] {
    auto s = std::make_shared<weft::wait_group>();
    s->add(1);
    return threads{[s] { static_cast<void>(s->wait_for(1ns)); },
                   [s] {
                     s->done();
                     s->add(1);
                     s->done();
                   },
                   [s] { s->wait(); }};
  });
}

// ---- once ----

// Whoever runs the function; one may give up, the other stays.
TEST(OnceLimitModel, TheOneWhoStaysIsServedAndTheOneWhoGivesUpLeaves) {
  weft::model::expect_holds([] {
    struct state {
      weft::once once;
      model_context ctx;
      int calls = 0;
    };
    auto s = std::make_shared<state>();
    weft::model::at_end([s] {
      require(s->calls == 1, "not called once");
      s->once.do_([] { require(false, "called again"); });
    });
    return threads{[s] {
                     const weft::error e = s->once.do_(s->ctx, [&] { ++s->calls; });
                     require(e ? static_cast<bool>(s->ctx.err()) : s->calls == 1,
                             "an outcome that nobody made");
                   },
                   [s] { s->ctx.signal.fire(); },
                   [s] {
                     s->once.do_([&] { ++s->calls; });
                     require(s->calls == 1, "returned before its end");
                   },
                   [s] {
                     s->once.do_([&] { ++s->calls; });
                     require(s->calls == 1, "returned before its end");
                   }};
  });
}

}  // namespace
