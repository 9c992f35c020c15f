// [ring] and [deque]: every item is taken exactly once, whoever takes it.
#include <array>
#include <memory>

#include "model_test.hpp"
#include "sched/deque.hpp"
#include "sched/ring.hpp"

namespace {

constexpr int items = 5;

struct ledger {
  std::array<int, items> cells{};
  std::array<int, items> taken{};
  void take(int* cell) {
    if (cell != nullptr) {
      ++taken[static_cast<std::size_t>(cell - cells.data())];
    }
  }
  void expect_each_once(int pushed) {
    for (int i = 0; i < items; ++i) {
      weft::model::require(taken[static_cast<std::size_t>(i)] == (i < pushed ? 1 : 0),
                           "an item was lost or taken twice");
    }
  }
};

template <class Queue>
struct state {
  Queue queue;
  ledger book;
  int pushed = 0;
  void push(int i) {
    if (queue.push(&book.cells[static_cast<std::size_t>(i)])) {
      ++pushed;
    }
  }
};

using ring = state<weft::detail::ring<int, 4>>;
using deque = state<weft::detail::deque<int, 4>>;
using threads = std::vector<std::function<void()>>;

void steal_half(ring& s) {
  int* got[4];
  const std::size_t n = s.queue.steal(got, 4);
  for (std::size_t i = 0; i < n; ++i) {
    s.book.take(got[i]);
  }
}

TEST(RingModel, OwnerAndThiefTakeEachItemOnce) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<ring>();
        weft::model::at_end([s] {
          while (int* left = s->queue.pop()) {
            s->book.take(left);
          }
          s->book.expect_each_once(s->pushed);
        });
        return threads{[s] {
                         s->push(0);
                         s->push(1);
                         s->book.take(s->queue.pop());
                         s->push(2);
                         s->book.take(s->queue.pop());
                       },
                       [s] { steal_half(*s); }};
      },
      {.preemptions = 3});
}

TEST(RingModel, TwoThievesAndAWrapAround) {
  weft::model::expect_holds([] {
    auto s = std::make_shared<ring>();
    weft::model::at_end([s] {
      while (int* left = s->queue.pop()) {
        s->book.take(left);
      }
      s->book.expect_each_once(s->pushed);
    });
    return threads{[s] {
                     for (int i = 0; i < items; ++i) {
                       s->push(i);
                     }
                   },
                   [s] { steal_half(*s); }, [s] { steal_half(*s); }};
  });
}

TEST(DequeModel, OwnerAndThiefTakeTheLastItemOnce) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<deque>();
        weft::model::at_end([s] {
          while (int* left = s->queue.pop()) {
            s->book.take(left);
          }
          s->book.expect_each_once(s->pushed);
        });
        return threads{[s] {
                         s->push(0);
                         s->book.take(s->queue.pop());
                         s->push(1);
                         s->book.take(s->queue.pop());
                       },
                       [s] {
                         s->book.take(s->queue.steal());
                         s->book.take(s->queue.steal());
                       }};
      },
      {.preemptions = 4});
}

TEST(DequeModel, TwoThievesAndAWrapAround) {
  weft::model::expect_holds([] {
    auto s = std::make_shared<deque>();
    weft::model::at_end([s] {
      while (int* left = s->queue.pop()) {
        s->book.take(left);
      }
      s->book.expect_each_once(s->pushed);
    });
    const auto thief = [s] {
      s->book.take(s->queue.steal());
      s->book.take(s->queue.steal());
    };
    return threads{[s] {
                     for (int i = 0; i < 3; ++i) {
                       s->push(i);
                     }
                     s->book.take(s->queue.pop());
                     s->push(3);
                     s->push(4);
                     s->book.take(s->queue.pop());
                   },
                   thief, thief};
  });
}

}  // namespace
