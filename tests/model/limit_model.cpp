// Waits that a deadline or a context may end, against the waker: mutex, cond_var, wait_group and
// done_signal, the real sources. [limit] in docs/protocols.md.
#include <weft/cond_var.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <memory>

#include "model_test.hpp"

namespace {

using threads = std::vector<std::function<void()>>;
using weft::model::at_end;
using weft::model::expect_holds;
using weft::model::require;
using namespace std::chrono_literals;

struct model_context {
  weft::detail::done_signal signal;
  weft::error err() const { return signal.done() ? weft::canceled : weft::error{}; }
  weft::detail::done_signal* wake_source() const {
    return const_cast<weft::detail::done_signal*>(&signal);
  }
};

// T12: a wake-up that a canceller has beaten goes to the next.
TEST(LimitModel, AMutexIsPassedOnWhoeverGivesUp) {
  expect_holds([] {
    struct state {
      weft::mutex lock;
      model_context ctx;
      int inside = 0;
      void use() {
        require(++inside == 1, "two holders");
        weft::detail::model_step();
        --inside;
        lock.unlock();
      }
    };
    auto s = std::make_shared<state>();
    at_end([s] { require(s->lock.try_lock(), "not free at the end"); });
    return threads{[s] {
                     s->lock.lock();
                     s->use();
                   },
                   [s] {
                     if (!s->lock.lock(s->ctx)) {
                       s->use();
                     }
                   },
                   [s] {
                     s->lock.lock();
                     s->use();
                   },
                   [s] { s->ctx.signal.fire(); }};
  });
}

// T13: one notification for two who wait, one of whom gives up: it is used up exactly once.
TEST(LimitModel, ANotificationIsNotLostToOneWhoGivesUp) {
  expect_holds(
      [] {
        struct state {
          weft::mutex lock;
          weft::cond_var cond;
          model_context ctx;
          int waits = 0;  // guarded by lock
          bool first_ended = false, first_notified = false;
        };
        auto s = std::make_shared<state>();
        return threads{[s] {
                         s->lock.lock();
                         ++s->waits;
                         s->first_notified = s->cond.wait(s->lock, s->ctx) == nullptr;
                         s->first_ended = true;
                         s->lock.unlock();
                       },
                       [s] {
                         s->lock.lock();
                         ++s->waits;
                         s->cond.wait(s->lock);
                         s->lock.unlock();
                       },
                       [s] {
                         for (int waits = 0; waits < 2;) {
                           s->lock.lock();
                           waits = s->waits;
                           s->lock.unlock();
                           weft::detail::model_yield();
                         }
                         s->cond.notify_one();
                         while (!s->first_ended) {
                           weft::detail::model_yield();
                         }
                         if (s->first_notified) {
                           s->cond.notify_one();
                         }
                       },
                       [s] { s->ctx.signal.fire(); }};
      },
      {.preemptions = 1});
}

TEST(LimitModel, WaitGroupWaitersThatTimeOutAreNotCounted) {
  expect_holds(
      [] {
        struct state {
          weft::model::mortal<weft::wait_group> group;
          bool timed_is_gone = false;
        };
        auto s = std::make_shared<state>();
        s->group->add(1);
        at_end([s] { require(s->group.intact(), "the group was touched after the last wait"); });
        return threads{[s] {
                         if (!s->group->wait_for(1ns)) {
                           weft::detail::model_step();
                         }
                         s->timed_is_gone = true;
                       },
                       [s] { s->group->done(); },
                       [s] {
                         s->group->wait();
                         if (s->timed_is_gone) {
                           s->group.destroy();
                         }
                       }};
      },
      {.preemptions = 3});
}

TEST(LimitModel, AWaitGroupHasOneOutcomeForEachWaiter) {
  expect_holds(
      [] {
        struct state {
          weft::wait_group group;
          model_context ctx;
          bool done = false;
        };
        auto s = std::make_shared<state>();
        s->group.add(1);
        return threads{[s] {
                         if (!s->group.wait(s->ctx)) {
                           require(s->done, "a null error before zero");
                         }
                       },
                       [s] {
                         s->group.wait();
                         require(s->done, "wait returned before zero");
                       },
                       [s] {
                         s->done = true;
                         s->group.done();
                       },
                       [s] { s->ctx.signal.fire(); }};
      },
      {.preemptions = 2});
}

}  // namespace
