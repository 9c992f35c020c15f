// wait_group, mutex, cond_var, once: the real sources over a stand-in of park and ready.
#include <weft/cond_var.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <memory>

#include "model_test.hpp"

namespace {

using threads = std::vector<std::function<void()>>;

TEST(WaitGroupModel, WaitReturnsOnlyAtZeroAndAlwaysThen) {
  weft::model::expect_holds([] {
    struct state {
      weft::wait_group group;
      int done = 0;
    };
    auto s = std::make_shared<state>();
    s->group.add(2);
    const auto worker = [s] {
      ++s->done;
      s->group.done();
    };
    return threads{worker, worker, [s] {
                     s->group.wait();
                     weft::model::require(s->done == 2, "wait returned too early");
                   }};
  });
}

// HZ-1: the group lives on the waiter's stack.
TEST(WaitGroupModel, MayBeDestroyedWhenWaitHasReturned) {
  weft::model::expect_holds(
      [] {
        struct state {
          std::unique_ptr<weft::wait_group> group = std::make_unique<weft::wait_group>();
          bool gone = false;
        };
        weft::model::keep_freed();
        auto s = std::make_shared<state>();
        s->group->add(1);
        return threads{[s] { s->group->done(); },
                       [s] {
                         s->group->wait();
                         s->group.reset();
                         s->gone = true;
                       }};
      },
      {.preemptions = 4});
}

// T11: the next round's waiter is not woken by the last round's zero.
TEST(WaitGroupModel, RoundsDoNotMix) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::wait_group group;
          bool second_done = false;
        };
        auto s = std::make_shared<state>();
        s->group.add(1);
        return threads{[s] { s->group.wait(); },
                       [s] {
                         s->group.done();
                         s->group.add(1);
                         s->second_done = true;
                         s->group.done();
                       },
                       [s] { s->group.wait(); }};
      },
      {}, {"WaitGroupZeroWakesOneOfTwo"});
}

TEST(MutexModel, OneHolderAtATimeAndNobodyIsForgotten) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::mutex lock;
          int inside = 0;
        };
        auto s = std::make_shared<state>();
        const auto user = [s] {
          s->lock.lock();
          weft::model::require(++s->inside == 1, "two holders");
          weft::detail::model_step();
          --s->inside;
          s->lock.unlock();
        };
        return threads{user, user, user};
      },
      {}, {"MutexUnlockForgetsThatOneWasWoken"});
}

// HZ-1: the last user destroys the mutex; a waiter that has given up meanwhile changes nothing.
TEST(MutexModel, MayBeDestroyedByTheLastUserWhenAWaiterHasTimedOut) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::model::mortal<weft::mutex> lock;
          int users = 2;  // guarded by lock
          bool gave_up = false;
        };
        auto s = std::make_shared<state>();
        s->lock->lock();
        const auto leave = [s] {
          const bool last = --s->users == 0;
          weft::mutex& m = *s->lock;
          m.unlock();
          if (last && s->gave_up) {
            s->lock.destroy();
          }
        };
        weft::model::at_end([s] {
          weft::model::require(s->lock.intact(), "the mutex was touched after its last unlock");
        });
        return threads{[s] {
                         if (s->lock->try_lock_for(std::chrono::nanoseconds(1))) {
                           s->lock->unlock();
                         }
                         s->gave_up = true;
                       },
                       leave,
                       [s, leave] {
                         s->lock->lock();
                         leave();
                       }};
      },
      {.preemptions = 3}, {"MutexLastToGiveUpStaysAnnounced"});
}

TEST(CondModel, ANotificationBetweenUnlockAndSleepIsNotLost) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::mutex lock;
          weft::cond_var cond;
          bool set = false;
        };
        auto s = std::make_shared<state>();
        return threads{[s] {
                         s->lock.lock();
                         while (!s->set) {
                           s->cond.wait(s->lock);
                         }
                         s->lock.unlock();
                       },
                       [s] {
                         s->lock.lock();
                         s->set = true;
                         s->lock.unlock();
                         s->cond.notify_one();
                       }};
      },
      {.preemptions = 3}, {"CondNotificationLeavesNoMark", "CondWaitDoesNotLookForTheMark"});
}

TEST(OnceModel, RunsOnceAndOthersSeeItDone) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::once once;
          int runs = 0;
        };
        auto s = std::make_shared<state>();
        const auto caller = [s] {
          s->once.do_([&] {
            weft::detail::model_step();
            ++s->runs;
          });
          weft::model::require(s->runs == 1, "not run once when do_ returned");
        };
        return threads{caller, caller, caller};
      },
      {}, {"OnceOthersAreNotWoken"});
}

}  // namespace
