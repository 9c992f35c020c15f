// Orders that are needed: see weak_order.hpp. Those of whole runs are in run_orders.cpp.
#include <weft/context.hpp>
#include <weft/detail/context_node.hpp>
#include <weft/detail/done_signal.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "sched/deque.hpp"
#include "sched/ring.hpp"
#include "sched/timers.hpp"
#include "weak_order.hpp"

namespace {

using weft::detail::acquire;
using weft::detail::atomic;
using weft::detail::relaxed;
using weft::detail::release;
using weft::model::require;
using threads = std::vector<std::function<void()>>;

// An ordinary variable: nothing but what happens before a read decides what it returns.
class plain {
 public:
  int get() const { return value_.load(relaxed); }
  void set(int v) { value_.store(v, relaxed); }
  void add() { set(get() + 1); }

 private:
  atomic<int> value_{0};
};

// ---- scenarios ----

template <class Queue>
threads owner_and_thief() {
  struct state {
    Queue queue;
    std::array<plain, 3> items;
    std::array<int, 3> taken{};
    void take(plain* item) {
      if (item != nullptr) {
        require(item->get() == 7, "an item was taken before it was written");
        ++taken[static_cast<std::size_t>(item - items.data())];
      }
    }
  };
  auto s = std::make_shared<state>();
  weft::model::at_end([s] {
    while (plain* left = s->queue.pop()) {
      ++s->taken[static_cast<std::size_t>(left - s->items.data())];
    }
    for (const int n : s->taken) {
      require(n == 1, "an item was lost or taken twice");
    }
  });
  return {[s] {
            for (plain& item : s->items) {
              item.set(7);
              require(s->queue.push(&item), "there is room");
            }
            s->take(s->queue.pop());
            s->take(s->queue.pop());
          },
          [s] {
            if constexpr (requires { s->queue.steal(nullptr, 1); }) {
              plain* got[4];
              const std::size_t n = s->queue.steal(got, 4);
              for (std::size_t i = 0; i < n; ++i) {
                require(got[i] != nullptr, "a slot was read before it was written");
                s->take(got[i]);
              }
            } else {
              s->take(s->queue.steal());
              s->take(s->queue.steal());
            }
          }};
}

template <class Lock>
threads locked_counter() {
  struct state {
    Lock lock;
    plain n;
  };
  auto s = std::make_shared<state>();
  weft::model::at_end([s] { require(s->n.get() == 2, "an increment was lost"); });
  const auto increment = [s] {
    s->lock.lock();
    s->n.add();
    s->lock.unlock();
  };
  return {increment, increment};
}

threads readers_and_a_writer() {
  struct state {
    weft::shared_mutex lock;
    plain a, b;
  };
  auto s = std::make_shared<state>();
  return {[s] {
            std::lock_guard hold(s->lock);
            s->a.set(1);
            s->b.set(1);
          },
          [s] {
            std::shared_lock hold(s->lock);
            require(s->a.get() == s->b.get(), "a reader saw half of what a writer wrote");
          }};
}

threads one_initialisation() {
  struct state {
    weft::once once;
    plain value;
  };
  auto s = std::make_shared<state>();
  const auto use = [s] {
    s->once.do_([&] { s->value.set(7); });
    require(s->value.get() == 7, "a call of once returned before its function");
  };
  return {use, use};
}

threads done_then_wait() {
  struct state {
    weft::wait_group group;
    plain a, b;
  };
  auto s = std::make_shared<state>();
  s->group.add(2);
  return {[s] {
            s->a.set(1);
            s->group.done();
          },
          [s] {
            s->b.set(1);
            s->group.done();
          },
          [s] {
            s->group.wait();
            require(s->a.get() == 1 && s->b.get() == 1, "wait returned before what was waited for");
          }};
}

// [timer.1], [timer.2]: the keeper sees the new time, or the adder sees how long it sleeps.
threads keeper_and_adder() {
  struct state {
    weft::detail::timers all{1};
    bool slept_past = false, told = false;
  };
  auto s = std::make_shared<state>();
  // The heaps are immortal: empty them after each execution.
  weft::model::at_end([s] {
    require(!s->slept_past || s->told, "the keeper sleeps past a time, and nobody tells it");
    s->all.drop_all();
  });
  constexpr std::int64_t when = 5;
  return {[s] {
            weft::detail::worker* me = reinterpret_cast<weft::detail::worker*>(s.get());
            require(s->all.try_keep(me), "nobody else keeps");
            s->slept_past = s->all.keep_until() > when;
          },
          [s] {
            s->all.heap(0).add_event(
                when, [](void*, weft::detail::timer_outcome) noexcept {}, nullptr);
            s->told = s->all.oversleeper(when) != nullptr;
          }};
}

// [limit.5]
threads fire_and_look() {
  struct state {
    weft::detail::done_signal signal;
    plain before;
  };
  auto s = std::make_shared<state>();
  return {
      [s] {
        s->before.set(1);
        s->signal.fire();
      },
      [s] { require(!s->signal.done() || s->before.get() == 1, "done before what preceded it"); }};
}

// [context.2], [context.4]
threads cancel_and_ask() {
  using weft::detail::cancel_node;
  struct state {
    cancel_node* node = new cancel_node(
        weft::detail::context_kind::cancel, nullptr, nullptr, weft::detail::never,
        [](weft::detail::context_node* n) noexcept { delete static_cast<cancel_node*>(n); });
    plain before;
    ~state() { weft::detail::release_node(node); }
  };
  auto s = std::make_shared<state>();
  return {[s] {
            s->before.set(1);
            s->node->cancel(weft::canceled, weft::canceled);
          },
          [s] {
            require(!s->node->err() || s->before.get() == 1, "an error before what preceded it");
          }};
}

// ---- what is weakened ----

constexpr const char* ring = "runtime/src/sched/ring.hpp";
constexpr const char* deque = "runtime/src/sched/deque.hpp";
constexpr const char* mutex = "runtime/src/sync/mutex.cpp";
constexpr const char* shared = "runtime/src/sync/shared_mutex.cpp";
constexpr const char* spin = "runtime/include/weft/detail/spinlock.hpp";
constexpr const char* timers = "runtime/src/sched/timers.cpp";

using ring_of = weft::detail::ring<plain, 4>;
using deque_of = weft::detail::deque<plain, 4>;

const weft::model::weak_order orders[] = {
    {"RingPushPublishes", ring, "tail_.store(tail + 1, release)", relaxed,
     owner_and_thief<ring_of>},
    {"RingStealSeesWhatWasPushed", ring, "tail_.load(acquire)", relaxed, owner_and_thief<ring_of>},
    {"DequePushPublishes", deque, "bottom_.store(bottom + 1, release);  // [deque.1] release: pub",
     relaxed, owner_and_thief<deque_of>},
    {"DequePopClaimsBeforeItLooks", deque, "bottom_.exchange(bottom, seq_cst)", relaxed,
     owner_and_thief<deque_of>},
    {"DequePopLooksAfterItClaimed", deque, "std::int64_t top = top_.load(seq_cst);  // [deque.2]",
     relaxed, owner_and_thief<deque_of>},
    {"DequeStealSeesTheClaim", deque, "bottom = bottom_.load(seq_cst)", relaxed,
     owner_and_thief<deque_of>},
    {"SpinlockAcquires", spin, "if (held_.exchange(1, acquire) != 0)", relaxed,
     locked_counter<weft::detail::spinlock>},
    {"SpinlockReleases", spin, "held_.store(0, release)", relaxed,
     locked_counter<weft::detail::spinlock>},
    {"MutexAcquires", mutex, "seen | locked, detail::acquire", relaxed,
     locked_counter<weft::mutex>},
    {"MutexReleases", mutex, "seen & ~locked, detail::release", relaxed,
     locked_counter<weft::mutex>},
    {"SharedMutexWriterReleases", shared, "state, 0, detail::release", relaxed,
     readers_and_a_writer},
    {"SharedMutexReaderAcquires", shared, "seen + one_reader, detail::acquire", relaxed,
     readers_and_a_writer},
    {"OncePublishes", "runtime/src/sync/once.cpp", "state_.store(done, detail::release)", relaxed,
     one_initialisation},
    {"OnceSeesWhatWasDone", "runtime/include/weft/once.hpp", "state_.load(detail::acquire) != done",
     relaxed, one_initialisation},
    {"WaitGroupDonePublishes", "runtime/src/sync/wait_group.cpp", "releases ? 0 : next, acq_rel",
     relaxed, done_then_wait},
    {"WaitGroupWaitSees", "runtime/src/sync/wait_group.cpp", "state_.load(acquire);", relaxed,
     done_then_wait},
    {"DoneSignalFiresAfterWhatPrecededIt", "runtime/src/sync/done_signal.cpp",
     "done_.store(1, release)", relaxed, fire_and_look},
    {"DoneSignalIsSeenWithWhatPrecededIt", "runtime/include/weft/detail/done_signal.hpp",
     "done_.load(acquire)", relaxed, fire_and_look},
    {"ContextIsDoneAfterWhatPrecededIt", "context/src/cancel.cpp", "state_.store(s, release)",
     relaxed, cancel_and_ask},
    {"ContextErrorIsSeenWithWhatPrecededIt", "context/include/weft/detail/context_node.hpp",
     "s = state_.load(acquire);", relaxed, cancel_and_ask},
    {"KeeperSaysHowLongBeforeItLooksAgain", timers, "keeper_until_.store(until, seq_cst)", release,
     keeper_and_adder},
    {"TimerAdderLooksAfterItAdded", timers, "when >= keeper_until_.load(seq_cst)", acquire,
     keeper_and_adder},
    {"TimerHeapSaysItsTimeBeforeTheAdderLooks", "runtime/src/time/timer_heap.cpp",
     "earliest_.store(first, seq_cst)", release, keeper_and_adder},
};

class Orders : public ::testing::TestWithParam<weft::model::weak_order> {};

TEST_P(Orders, AreNeeded) {
  constexpr weft::model::options weak{.preemptions = 2, .stale = 2, .most_executions = 2'000'000};
  weft::model::expect_needed(GetParam(), weak);
}

INSTANTIATE_TEST_SUITE_P(Memory, Orders, ::testing::ValuesIn(orders),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
