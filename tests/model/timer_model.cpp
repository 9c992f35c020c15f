// Timers: the real heaps and the real choice of a keeper, over a replica of what a worker does
// around them (worker::sleep, sleep_as_keeper, rouse, run_timers): a change there is a change here.
//
// Each of these changes to the sources was seen to fail here:
//   timers::keep_until          no second look; the store of keeper_until_ after it ([timer.2])
//   timers::stop_keeping        keeper_ cleared before keeper_until_ is put back
//   timers::oversleeper         a time that is a little earlier is not earlier
//   worker::sleep_as_keeper     leave_sleep() before stop_keeping() ([timer.4])
//   timer_heap::insert          does not publish the new earliest time ([timer.1])
//   timer_heap::retire          the key stays
//   timer_heap::pop_due         what was in the caller's array is kept (and was, once)
//   timer_heap::pop_due, disarm the key is not looked at; the claim is set without a CAS
//   timer_heap::clean_front     what is alive goes, too
//   timer_heap::purge           what is alive goes; the rest is not made a heap again

#include <weft/detail/waiter.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "model_test.hpp"
#include "sched/goroutine.hpp"
#include "sched/idle.hpp"
#include "sched/timers.hpp"
#include "stand_in.hpp"
#include "time/clock.hpp"
#include "time/timer_heap.hpp"

namespace weft::detail {

// Of the real one timers.cpp knows the name only.
class worker : public sleeper {
 public:
  atomic<std::uint32_t> wake_word{0};
  std::int64_t sleeps_until = never;
  bool in_futex = false;
};

}  // namespace weft::detail

namespace {

using namespace weft::detail;
using weft::model::require;
using threads = std::vector<std::function<void()>>;

constexpr std::uint32_t woken = 1;
constexpr std::uint32_t roused = 2;

// ---- [timer]: nobody sleeps past the earliest time ----

// What happens at a time, once.
struct alarm {
  std::int64_t when;
  int rings = 0;
};

void ring(void* a, timer_outcome) noexcept { ++static_cast<alarm*>(a)->rings; }

struct world {
  static constexpr int crew = 2;
  timers all{crew};
  idle_set idle;
  worker w[crew];
  std::vector<std::unique_ptr<alarm>> alarms;
  atomic<int> queued{0};  // other work, in the global queue
  int others = 0;         // threads besides the workers that have not ended
  bool stopping = false;
  bool deaf = false;  // what happens if nobody rouses the keeper?

  explicit world(std::uint32_t places) : idle(places) {
    weft::model::time = 0;
    due_timer left[8];
    for (std::uint32_t i = 0; i < all.count(); ++i) {  // of the last execution
      while (all.heap(i).drop(left, std::size(left)) != 0) {
      }
    }
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(places, crew); ++i) {
      sleeper* none = nullptr;
      require(idle.begin_wake(none) == idle_set::wake::needs_thread, "a worker to start with");
      idle.end_search();
    }
  }

  // ---- an adder ----
  void add(std::uint32_t heap, std::int64_t when) {
    alarms.push_back(std::make_unique<alarm>(alarm{when}));
    all.heap(heap).add_event(when, ring, alarms.back().get());
    worker* keeper = all.oversleeper(when);
    if (keeper != nullptr && !deaf) {
      rouse(*keeper);
    }
  }
  std::int64_t first_to_ring() const {
    std::int64_t first = never;
    for (const auto& a : alarms) {
      first = a->rings == 0 ? std::min(first, a->when) : first;
    }
    return first;
  }

  // ---- a submitter ----
  void submit() {
    queued.fetch_add(1, acq_rel);  // [idle.1]
    sleeper* s = nullptr;
    if (idle.must_wake() && idle.begin_wake(s) == idle_set::wake::woken) {
      wake(*static_cast<worker*>(s));
    }
  }

  // ---- futex words ----
  void futex_wake(worker& sleeping) {
    model_step();
    let_go(sleeping);
  }
  void let_go(worker& sleeping) {
    sleeping.in_futex = false;
    weft::model::unblock(&sleeping, 1);
  }
  void futex_wait(worker& me, std::uint32_t expected, std::int64_t until) {
    model_step();
    // The kernel's look: at the newest value, and no step between it and the sleep.
    if (*static_cast<const std::uint32_t*>(me.wake_word.address()) != expected ||
        until <= weft::model::time) {
      return;
    }
    me.sleeps_until = until;
    me.in_futex = true;
    weft::model::block(&me);
  }
  void wake(worker& sleeping) {
    sleeping.wake_word.store(woken, release);
    futex_wake(sleeping);
  }
  void rouse(worker& sleeping) {
    std::uint32_t sleeps = 0;
    if (sleeping.wake_word.compare_exchange(sleeps, roused, acq_rel, relaxed)) {
      futex_wake(sleeping);
    }
  }

  // ---- a worker ----
  bool run_timers(std::uint32_t index) {
    if (!all.any()) {
      return false;
    }
    std::size_t run = 0;
    due_timer due[2];
    for (std::uint32_t i = 0; i < all.count(); ++i) {
      timer_heap& h = all.heap(index + i);
      while (h.earliest() <= weft::model::time) {
        const std::size_t n = h.pop_due(weft::model::time, due, std::size(due));
        for (std::size_t k = 0; k < n; ++k) {
          due[k].fire(due[k].owner, timer_outcome::expired);
        }
        run += n;
      }
    }
    return run != 0;
  }
  bool take_work() {
    int n = queued.load(acquire);
    return n != 0 && queued.compare_exchange(n, n - 1, acq_rel, relaxed);
  }
  bool sleep_as_keeper(worker& me) {
    for (;;) {
      const std::int64_t until = all.keep_until();
      if (until <= weft::model::time) {
        all.stop_keeping();
        return idle.leave_sleep(&me);
      }
      std::uint32_t word = me.wake_word.load(acquire);
      if (word == 0) {
        futex_wait(me, 0, until);
        word = me.wake_word.load(acquire);
      }
      if (word == woken) {
        all.stop_keeping();
        return true;
      }
      me.wake_word.compare_exchange(word = roused, 0, acq_rel, relaxed);
    }
  }
  void sleep(worker& me, bool searching) {
    all.clean_fronts();
    me.wake_word.store(0, relaxed);
    idle.enter_sleep(&me, searching, false);
    if (queued.load(acquire) != 0 && idle.leave_sleep(&me)) {  // [idle.4]
      return;
    }
    if (!all.try_keep(&me) || !sleep_as_keeper(me)) {
      for (std::uint32_t word = 0; (word = me.wake_word.load(acquire)) != woken;) {
        futex_wait(me, word, never);
      }
    }
  }
  void live(std::uint32_t index, bool begins_awake = true) {
    worker& me = w[index];
    bool searching = false;
    if (!begins_awake) {
      me.has_place = false;
      sleep(me, false);
      searching = true;
    }
    while (!stopping) {
      if (run_timers(index) || take_work()) {
        if (searching) {
          idle.end_search();
        }
        searching = false;
        continue;
      }
      sleep(me, searching);
      searching = true;
    }
  }

  // ---- who looks when nobody else can go on ----
  bool all_asleep() const {
    return others == 0 &&
           std::all_of(std::begin(w), std::end(w), [](const worker& x) { return x.in_futex; });
  }
  // The invariant of [timer]; then the time comes, until nothing is left to ring.
  void watch() {
    for (;;) {
      model_yield();
      if (!all_asleep()) {
        continue;
      }
      std::int64_t until = never;
      for (const worker& x : w) {
        until = std::min(until, x.sleeps_until);
      }
      const std::int64_t first = first_to_ring();
      if (first == never) {
        break;
      }
      require(until <= first, "all workers sleep past the earliest time");
      pass(until);
    }
    stopping = true;
    for (worker& x : w) {
      wake(x);
    }
  }
  void pass(std::int64_t until) {
    weft::model::time = std::max(weft::model::time, until);
    for (worker& x : w) {
      if (x.in_futex && x.sleeps_until <= weft::model::time) {
        let_go(x);
      }
    }
  }
  // The thread of somebody who is not a worker.
  std::function<void()> other(std::function<void()> f) {
    ++others;
    return [this, f = std::move(f)] {
      f();
      --others;
    };
  }
};

std::shared_ptr<world> make_world(std::uint32_t places = world::crew) {
  auto s = std::make_shared<world>(places);
  weft::model::at_end([s] {
    for (const auto& a : s->alarms) {
      require(a->rings == 1, "a timer that did not ring once");
    }
  });
  return s;
}

TEST(TimerModel, TheKeeperIsRousedForAnEarlierTime) {
  weft::model::expect_holds([] {
    auto s = make_world();
    s->add(1, 20);
    return threads{[s] { s->live(0); }, [s] { s->live(1); }, [s] { s->watch(); },
                   s->other([s] { s->add(0, 10); })};
  });
}

TEST(TimerModel, WithoutARouseItWouldSleepPastTheTime) {
  weft::model::expect_fails([] {
    auto s = make_world();
    s->add(1, 20);
    s->deaf = true;
    return threads{[s] { s->live(0); }, [s] { s->live(1); }, [s] { s->watch(); },
                   s->other([s] { s->add(0, 10); })};
  });
}

TEST(TimerModel, TwoAddersWithoutAnyTimerBefore) {
  weft::model::expect_holds(
      [] {
        auto s = make_world();
        return threads{[s] { s->live(0); }, [s] { s->live(1); }, [s] { s->watch(); },
                       s->other([s] { s->add(0, 20); }), s->other([s] { s->add(1, 10); })};
      },
      {.most_executions = 2'000'000});
}

// The keeper may be the one that is woken for something else; then it keeps again, or another does.
TEST(TimerModel, AKeeperThatIsWokenForOtherWorkIsReplaced) {
  weft::model::expect_holds(
      [] {
        auto s = make_world();
        s->add(0, 20);
        return threads{[s] { s->live(0); }, [s] { s->live(1); }, [s] { s->watch(); }, s->other([s] {
                         s->submit();
                         s->add(1, 10);
                       })};
      },
      {.most_executions = 2'000'000});
}

// One place, which the other worker has: the keeper whose time has come does not get it.
TEST(TimerModel, AKeeperWithoutAPlaceLeavesTheTimeToWhoIsAwake) {
  weft::model::expect_holds([] {
    auto s = make_world(1);
    s->add(0, 10);
    return threads{[s] { s->live(0); }, [s] { s->live(1, false); }, [s] { s->watch(); },
                   s->other([s] { s->pass(10); })};
  });
}

TEST(TimerModel, TimeComesWhileAllGoToSleep) {
  weft::model::expect_holds([] {
    auto s = make_world();
    s->add(0, 10);
    s->add(1, 20);
    return threads{[s] { s->live(0); }, [s] { s->live(1); }, [s] { s->watch(); },
                   s->other([s] { s->pass(20); })};
  });
}

// ---- a heap: fired or disarmed, and never somebody else's ----

struct heap_scene {
  timer_heap heap;
  goroutine who[3];
  int won_by_timer[3] = {};
  alarm alarms[4] = {{1}, {2}, {3}, {4}};

  // The heap's records are never freed; here an execution's are, or millions of them fill all room.
  std::set<timer_event*> records;
  ~heap_scene() {
    for (timer_event* e : records) {
      delete e;
    }
  }

  armed_timer arm(int i) {
    const armed_timer a = heap.add_event(alarms[i].when, ring, &alarms[i]);
    records.insert(a.event);
    return a;
  }

  void run_due(std::int64_t now, std::size_t most = 2) {
    due_timer due[2];
    while (heap.earliest() <= now) {
      const std::size_t n = heap.pop_due(now, due, most);
      for (std::size_t k = 0; k < n; ++k) {
        if (due[k].who != nullptr) {
          ++won_by_timer[due[k].who - who];
        } else {
          due[k].fire(due[k].owner, timer_outcome::expired);
        }
      }
    }
  }

  // A wait of who[i] until `when`, which a waker may end, too.
  waiter wait(int i, std::int64_t when) {
    waiter w;
    w.who = &who[i];
    w.ticket = open_claim(&who[i]);
    heap.add_wait(when, &who[i], w.ticket + 1 + claim_timeout);
    return w;
  }
};

TEST(TimerHeapModel, AnEventFiresOrIsDisarmedNeverBothNeverNeither) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<heap_scene>();
        const armed_timer a = s->arm(0);
        const armed_timer b = s->arm(1);
        auto stopped = std::make_shared<int>(0);
        weft::model::at_end([s, stopped] {
          s->run_due(never - 1);
          require(s->alarms[0].rings + *stopped == 1, "fired and disarmed, or neither");
          require(s->alarms[1].rings == 1, "one that nobody disarmed");
        });
        static_cast<void>(b);
        const auto stop = [a, stopped] { *stopped += disarm_timer(a) ? 1 : 0; };
        return threads{[s] { s->run_due(2, 1); }, [s] { s->run_due(1); }, stop, stop};
      },
      {.preemptions = 3});
}

// HZ-14: the record of an event goes to the next one; a handle of the former one is of no use then.
TEST(TimerHeapModel, AStaleHandleDoesNotTouchTheNextTenant) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<heap_scene>();
        const armed_timer first = s->arm(0);
        auto prevented = std::make_shared<int>(0);
        weft::model::at_end([s, prevented] {
          s->run_due(never - 1);
          require(s->alarms[0].rings + *prevented == 1, "fired and disarmed, or neither");
          require(s->alarms[1].rings == 1, "a stale handle has stopped the next tenant");
          require(s->alarms[2].rings == 1, "a stale handle has stopped the tenant after it");
        });
        return threads{[s, first, prevented] {
                         *prevented += disarm_timer(first) ? 1 : 0;
                         *prevented += disarm_timer(first) ? 1 : 0;
                       },
                       [s, first, prevented] {
                         *prevented += disarm_timer(first) ? 1 : 0;
                         s->arm(1);  // with first's record, if that is free by now
                         *prevented += disarm_timer(first) ? 1 : 0;
                       },
                       [s] {
                         s->run_due(1);
                         s->arm(2);
                       }};
      },
      {.preemptions = 3});
}

// [limit.3]: timer and waker want the same wait; those beside it end as they should.
TEST(TimerHeapModel, AWaitIsWonByTheTimerOrTheWaker) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<heap_scene>();
        auto w = std::make_shared<waiter>(s->wait(0, 1));
        s->wait(1, 2);
        auto by_waker = std::make_shared<int>(0);
        weft::model::at_end([s, by_waker] {
          s->run_due(never - 1);
          require(s->won_by_timer[0] + *by_waker == 1, "won twice, or by nobody");
          require(s->won_by_timer[1] == 1, "the other wait has not ended");
        });
        const auto waker = [s, w, by_waker] {
          if (try_claim(w.get())) {
            ++*by_waker;
            s->heap.note_dead();
          }
        };
        return threads{[s] { s->run_due(1); }, [s] { s->heap.clean_front(); }, waker,
                       [s] { s->run_due(2, 1); }};
      },
      {.preemptions = 3});
}

// Waits and events take turns in the caller's array; what was there before is of no consequence.
TEST(TimerHeapModel, WaitsAndEventsComeOneByOne) {
  weft::model::expect_holds([] {
    auto s = std::make_shared<heap_scene>();
    s->wait(0, 1);
    s->arm(1);
    s->wait(1, 3);
    s->arm(3);
    weft::model::at_end([s] {
      require(s->won_by_timer[0] == 1 && s->won_by_timer[1] == 1, "a wait did not end once");
      require(s->alarms[1].rings == 1 && s->alarms[3].rings == 1, "an event did not ring once");
    });
    return threads{[s] { s->run_due(4, 1); }, [s] { s->run_due(4); }};
  });
}

// The next wait of a goroutine has an entry while that of the last one is still there, dead.
TEST(TimerHeapModel, AnEntryOfAPastWaitDoesNotEndTheNextOne) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<heap_scene>();
        auto first = std::make_shared<waiter>(s->wait(0, 1));
        auto woken_first = std::make_shared<bool>(false);
        weft::model::at_end([s, woken_first] {
          require(s->won_by_timer[0] == (*woken_first ? 0 : 1), "ended by a past wait's entry");
          s->run_due(never - 1);
          require(s->won_by_timer[0] == 1, "the next wait was not ended");
        });
        return threads{[s, first, woken_first] {
                         if (try_claim(first.get())) {
                           s->heap.note_dead();
                           *woken_first = true;
                           s->wait(0, 5);
                         }
                       },
                       [s] { s->run_due(4, 1); }, [s] { s->run_due(4); },
                       [s] { s->heap.clean_front(); }};
      },
      {.preemptions = 3});
}

// With so small a limit every insertion purges; whoever is alive stays, and the heap is one.
TEST(TimerHeapModel, APurgeDropsNothingThatIsAlive) {
  weft::model::expect_holds(
      [] {
        struct scene : heap_scene {
          waiter dying[2];
          int by_waker = 0;
          std::vector<std::int64_t> order;
        };
        auto s = std::make_shared<scene>();
        s->alarms[0].when = 9;
        s->alarms[1].when = 7;
        s->alarms[2].when = 8;
        s->alarms[3].when = 10;
        s->dying[0] = s->wait(0, 1);
        s->dying[1] = s->wait(1, 5);
        s->arm(0);
        s->arm(1);
        s->arm(2);
        weft::model::at_end([s] {
          for (std::int64_t now = 1; now <= 10; ++now) {
            s->run_due(now);
            for (const alarm& a : s->alarms) {
              require(a.rings == (a.when <= now ? 1 : 0), "dropped, or in the wrong order");
            }
          }
          require(s->won_by_timer[0] + s->won_by_timer[1] + s->by_waker == 2,
                  "a wait was won twice, or dropped while it was open");
          require(s->heap.size() == 0 && s->heap.earliest() == never, "something is left");
        });
        return threads{[s] {
                         for (waiter& w : s->dying) {
                           if (try_claim(&w)) {
                             ++s->by_waker;
                             s->heap.note_dead();
                           }
                         }
                         s->heap.note_dead();  // the hint may be wrong
                       },
                       [s] { s->arm(3); }, [s] { s->heap.clean_front(); },
                       [s] { s->run_due(1, 1); }};
      },
      {.preemptions = 3});
}

}  // namespace
