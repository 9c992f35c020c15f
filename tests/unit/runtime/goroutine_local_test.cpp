#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/goroutine_local.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fixture.hpp"
#include "support/migrate.hpp"

namespace {

using weft::goroutine_local;
using weft::inheritance;

class GoroutineLocal : public weft::testing::Procs {};
WEFT_PROCS(GoroutineLocal);

// Counts its living ones; may refuse to be copied.
class living {
 public:
  explicit living(int v = 0) : value(v) { ++alive; }
  living(const living& o) : value(o.value) {
    if (value == refuses) {
      throw std::runtime_error("copy");
    }
    ++alive;
  }
  living& operator=(const living&) = default;
  ~living() { --alive; }

  int value;
  static constexpr int refuses = -1;
  static inline std::atomic<int> alive{0};
};

constinit goroutine_local<int> number;
goroutine_local<int> from_seven{7};
goroutine_local<std::string> inherited_text{inheritance::copy};
goroutine_local<living> object;
goroutine_local<living> inherited_object{inheritance::copy};

// GR-14
TEST_P(GoroutineLocal, EachGoroutineHasItsOwn) {
  run([] {
    *number = -1;
    weft::wait_group all;
    for (int i = 0; i < 20; ++i) {
      all.go([i] {
        EXPECT_EQ(number.find(), nullptr) << "made at first use";
        EXPECT_EQ(*number, 0);
        EXPECT_EQ(from_seven.get(), 7);
        for (int k = 0; k < 100; ++k) {
          EXPECT_EQ(*number, i * k);
          *number = i * (k + 1);
          from_seven.set(k);
          weft::yield();
          EXPECT_EQ(*from_seven, k);
        }
      });
    }
    all.wait();
    EXPECT_EQ(*number, -1);
    EXPECT_EQ(*from_seven, 7);
  });
}

// GR-14, HZ-2: at the same address on whatever thread.
TEST_P(GoroutineLocal, StaysWithTheGoroutineWhenItMoves) {
  run([] {
    inherited_text.set("mine");
    std::string* const at = inherited_text.find();
    for (int i = 0; i < 8; ++i) {
      weft::testing::migrate();
      EXPECT_EQ(inherited_text.find(), at);
      EXPECT_EQ(*inherited_text, "mine");
      EXPECT_EQ(inherited_text->size(), 4u);
    }
  });
}

// GR-14: the record of an ended goroutine is used again, its values are not.
TEST_P(GoroutineLocal, AFreshGoroutineSeesNothingOfAnEndedOne) {
  run([] {
    for (int i = 0; i < 300; ++i) {
      weft::wait_group all;
      all.go([] {
        EXPECT_EQ(*number, 0);
        EXPECT_EQ(object->value, 0);
        *number = 5;
        object->value = 5;
      });
      all.wait();
    }
  });
  EXPECT_EQ(living::alive.load(), 0);
}

// GR-14
TEST_P(GoroutineLocal, IsInheritedOnlyWhereThatWasChosen) {
  run([] {
    weft::wait_group all;
    number.set(1);
    inherited_text.set("first");
    all.go([&] {
      weft::yield();
      EXPECT_EQ(*number, 0);
      EXPECT_EQ(*inherited_text, "first") << "as it was at spawn";
      all.go([&] {
        EXPECT_EQ(*inherited_text, "first") << "grandchildren inherit, too";
        *inherited_text = "third";
      });
      weft::yield();
      EXPECT_EQ(*inherited_text, "first");
    });
    inherited_text.set("second");
    weft::go({.name = "named"}, [] {
      EXPECT_EQ(*inherited_text, "second");
      EXPECT_EQ(weft::this_goroutine::name(), "named");
    });
    all.wait();
    EXPECT_EQ(*inherited_text, "second");
    inherited_text.reset();
    all.go([] { EXPECT_EQ(inherited_text.find(), nullptr) << "there was nothing to inherit"; });
    all.wait();
  });
}

// GR-14: the spawner makes the copy.
TEST_P(GoroutineLocal, TheSpawnerMakesTheCopy) {
  struct witness {
    std::uint64_t made_by = weft::this_goroutine::id();
    witness() = default;
    witness(const witness&) {
      weft::yield();  // it may wait
      made_by = weft::this_goroutine::id();
    }
  };
  static goroutine_local<witness> where{inheritance::copy};
  run([] {
    const std::uint64_t spawner = weft::this_goroutine::id();
    EXPECT_EQ(where->made_by, spawner);
    weft::wait_group all;
    all.go([spawner] { EXPECT_EQ(where->made_by, spawner); });
    all.wait();
  });
}

// GR-14
TEST_P(GoroutineLocal, ACopyThatThrowsLeavesNothingBehind) {
  run([this] {
    inherited_object.set(living(1));
    static goroutine_local<living> second{inheritance::copy};
    second.get();
    second->value = living::refuses;
    const std::size_t stacks = weft::testing::carved_stacks();
    weft::wait_group group;
    for (int i = 0; i < 200; ++i) {
      EXPECT_THROW(weft::go([] { ADD_FAILURE(); }), std::runtime_error);
      EXPECT_THROW(weft::go({.name = "n", .stack_bytes = 1 << 20}, [] { ADD_FAILURE(); }),
                   std::runtime_error);
      EXPECT_THROW(group.go([] { ADD_FAILURE(); }), std::runtime_error);
    }
    group.wait();
    EXPECT_EQ(living::alive.load(), 2);
    EXPECT_EQ(weft::num_goroutines(), 1u);
    // A worker may have started meanwhile, on a stack of its own.
    EXPECT_LE(weft::testing::carved_stacks(), stacks + static_cast<std::size_t>(procs()));
  });
  EXPECT_EQ(living::alive.load(), 0);
}

// GR-14: nor does a function that cannot be copied.
TEST_P(GoroutineLocal, WhatWasInheritedByNoGoroutineIsDestroyed) {
  run([] {
    inherited_object.set(living(1));
    struct throws {
      throws() = default;
      throws(const throws&) { throw std::runtime_error("copy"); }
      void operator()() const {}
    } f;
    EXPECT_THROW(weft::go(f), std::runtime_error);
    EXPECT_THROW(weft::go({.name = "n"}, f), std::runtime_error);
    EXPECT_EQ(living::alive.load(), 1);
    EXPECT_EQ(weft::num_goroutines(), 1u);
  });
}

// Notes its end in the order of ends.
struct noted {
  int number = 0;
  std::uint64_t owner = 0;
  std::vector<int>* order = nullptr;
  ~noted() {
    if (order != nullptr) {
      weft::yield();
      order->push_back(number);
      EXPECT_EQ(weft::this_goroutine::id(), owner);
    }
  }
};
std::array<goroutine_local<noted>, 4> notes;

void note(std::size_t i, std::vector<int>& order) {
  notes[i]->number = static_cast<int>(i);
  notes[i]->owner = weft::this_goroutine::id();
  notes[i]->order = &order;
}

// GR-14: on the goroutine's own stack, where it may wait; goexit is an end like any other.
TEST_P(GoroutineLocal, EndsInReverseOrderWithTheGoroutine) {
  run([] {
    for (const bool exits : {false, true}) {
      std::vector<int> order;
      weft::go([&order, exits] {
        for (const std::size_t i : {2u, 0u, 3u, 1u}) {
          note(i, order);
          weft::yield();
        }
        if (exits) {
          weft::goexit();
        }
      });
      weft::testing::wait_until_goroutines(1);
      EXPECT_EQ(order, (std::vector<int>{1, 3, 0, 2}));
    }
  });
}

// GR-14
TEST_P(GoroutineLocal, OfMainEndsBeforeRunReturns) {
  std::vector<int> order;
  run([&] {
    note(0, order);
    note(1, order);
  });
  EXPECT_EQ(order, (std::vector<int>{1, 0}));
}

// GR-14: a destructor may use others; what it makes is destroyed in its turn.
TEST_P(GoroutineLocal, ADestructorMayUseOthers) {
  struct user {
    ~user() {
      EXPECT_EQ(number.get(), 3) << "made before, so it is still there";
      EXPECT_EQ(inherited_object.find(), nullptr) << "made later, so it is gone";
      object.get();
      weft::yield();
      object->value = 1;
      inherited_object.get();
      inherited_object.reset();
      weft::wait_group child;
      child.go([] { EXPECT_EQ(*number, 0); });
      child.wait();
    }
  };
  static goroutine_local<user> uses;
  run([] {
    weft::go([] {
      number.set(3);
      uses.get();
      inherited_object.get();
    });
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(living::alive.load(), 0);
  });
}

// GR-14, HZ-2
TEST_P(GoroutineLocal, ADestructorMayMoveToAnotherThread) {
  struct mover {
    weft::wait_group* all = nullptr;
    std::uint64_t owner = weft::this_goroutine::id();
    ~mover() {
      for (int i = 0; i < 3; ++i) {
        number.set(i);
        weft::testing::migrate();
        EXPECT_EQ(*number, i);
        EXPECT_EQ(weft::this_goroutine::id(), owner);
      }
      all->done();
    }
  };
  static goroutine_local<mover> moves;
  run([] {
    weft::wait_group all;
    for (int i = 0; i < 3; ++i) {
      all.add(1);
      weft::go([&all, i] {
        moves->all = &all;
        if (i == 1) {
          weft::goexit();
        }
      });
    }
    all.wait();
  });
}

// GR-14
TEST_P(GoroutineLocal, ResetDestroysAtOnce) {
  run([] {
    object.reset();
    object->value = 4;
    EXPECT_EQ(living::alive.load(), 1);
    object.reset();
    EXPECT_EQ(living::alive.load(), 0);
    EXPECT_EQ(object.find(), nullptr);
    EXPECT_EQ(object->value, 0);
  });
  EXPECT_EQ(living::alive.load(), 0);
}

// GR-2
TEST_P(GoroutineLocal, OfAbandonedGoroutinesIsNotDestroyed) {
  static std::vector<int> order;  // what is abandoned may be looked at for ever
  order.clear();
  run_and_abandon([] {
    auto never = weft::make_chan<int>();
    weft::go([never] {
      note(0, order);
      never.recv();
    });
    weft::testing::wait_until_parked(1, "chan receive");
  });
  EXPECT_TRUE(order.empty());
}

// GR-14: the values belong to the goroutines, not to the variable.
TEST_P(GoroutineLocal, TheVariableMayGoBeforeItsValues) {
  run([] {
    auto go_on = weft::make_chan<int>();
    {
      goroutine_local<living> dies{inheritance::copy};
      dies->value = 9;
      for (int i = 0; i < 10; ++i) {
        weft::go([go_on] { go_on.recv(); });
      }
      EXPECT_EQ(living::alive.load(), 11);
    }
    std::optional<goroutine_local<living>> place;
    for (int i = 0; i < 10; ++i) {
      place.emplace();  // at one address, but never the same variable
      EXPECT_EQ(place->find(), nullptr);
      EXPECT_EQ((*place)->value, 0);
      (*place)->value = i + 1;
    }
    go_on.close();
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(living::alive.load(), 11) << "main's are still there";
  });
  EXPECT_EQ(living::alive.load(), 0);
}

// GR-14
TEST_P(GoroutineLocal, AGoroutineMayHaveMany) {
  run([] {
    constexpr std::size_t n = 500;
    auto many = std::make_unique<std::array<goroutine_local<living>, n>>();
    std::vector<std::unique_ptr<goroutine_local<living>>> copied;
    for (std::size_t i = 0; i < n; ++i) {
      copied.push_back(std::make_unique<goroutine_local<living>>(inheritance::copy));
      copied[i]->set(living(static_cast<int>(i)));
    }
    weft::wait_group all;
    for (int k = 0; k < 4; ++k) {
      all.go([&, k] {
        for (std::size_t i = 0; i < n; ++i) {
          EXPECT_EQ((*copied[i])->value, static_cast<int>(i));
          (*many)[i]->value = static_cast<int>(i) + k;
        }
        weft::yield();
        for (std::size_t i = 0; i < n; ++i) {
          EXPECT_EQ((*many)[i]->value, static_cast<int>(i) + k);
        }
      });
    }
    all.wait();
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(living::alive.load(), static_cast<int>(n));
  });
  EXPECT_EQ(living::alive.load(), 0);
}

// GR-14, HZ-11
TEST_P(GoroutineLocal, AForeignThreadHasItsOwn) {
  number.set(100);
  inherited_text.set("of the test's thread");
  run([] {
    EXPECT_EQ(*number, 0);
    EXPECT_EQ(inherited_text.find(), nullptr) << "main inherits nothing";
    std::vector<std::thread> others;
    for (int i = 0; i < 3; ++i) {
      others.emplace_back([i] {
        EXPECT_EQ(number.find(), nullptr);
        number.set(i);
        object.get();
        inherited_object.set(living(i));
        auto got = weft::make_chan<int>();
        for (int k = 0; k < 20; ++k) {
          weft::go([got] { got.send(inherited_object->value); });
          EXPECT_EQ(*got.recv(), i);
          EXPECT_EQ(*number, i);
        }
      });
    }
    for (std::thread& t : others) {
      t.join();
    }
    weft::testing::wait_until_goroutines(1);
    EXPECT_EQ(living::alive.load(), 0) << "gone with their threads";
  });
  EXPECT_EQ(*number, 100);
  number.reset();
  inherited_text.reset();
}

TEST(GoroutineLocalTypes, NeedNotBeCopyable) {
  goroutine_local<std::unique_ptr<int>> pointer;
  EXPECT_EQ(*pointer, nullptr);
  pointer.set(std::make_unique<int>(3));
  EXPECT_EQ(**pointer, 3);
  pointer.reset();
  struct needs_argument {
    explicit needs_argument(int v) : value(v) {}
    int value;
  };
  goroutine_local<needs_argument> given{needs_argument(4), inheritance::copy};
  EXPECT_EQ(given->value, 4);
  given.reset();
}

TEST(GoroutineLocalTypes, AConstructorThatThrowsLeavesNoValue) {
  static int left;
  left = 2;
  struct refuses {
    refuses() {
      if (left-- > 0) {
        throw std::runtime_error("not yet");
      }
    }
  };
  goroutine_local<refuses> x;
  EXPECT_THROW(x.get(), std::runtime_error);
  EXPECT_EQ(x.find(), nullptr);
  EXPECT_THROW(x.get(), std::runtime_error);
  x.get();
  EXPECT_NE(x.find(), nullptr);
  x.reset();
}

}  // namespace
