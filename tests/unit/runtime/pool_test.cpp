#include <weft/go.hpp>
#include <weft/pool.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support/fixture.hpp"
#include "support/migrate.hpp"

namespace {

class Pool : public weft::testing::Procs {};
WEFT_PROCS(Pool);

// An object with a book of its living ones. `uses` is not atomic: only the pool orders its users.
class tool {
 public:
  tool() { ++alive; }
  tool(tool&& o) noexcept : uses(std::exchange(o.uses, -1)), in_hand_(std::move(o.in_hand_)) {
    ++alive;
  }
  tool& operator=(tool&&) = delete;
  ~tool() { --alive; }

  void use() {
    ASSERT_GE(uses, 0) << "an empty one was handed out";
    ASSERT_FALSE(in_hand_->exchange(true)) << "two have the same object";
    ++uses;
    in_hand_->store(false);
  }

  int uses = 0;
  static inline std::atomic<int> alive{0};

 private:
  std::unique_ptr<std::atomic<bool>> in_hand_ = std::make_unique<std::atomic<bool>>(false);
};

// PL-1, MM-6: nothing is in two hands, nothing is lost, what one did the next one sees.
TEST_P(Pool, HandsEachObjectToOneAtATime) {
  run([] {
    constexpr int users = 8, rounds = 300;
    {
      weft::pool<tool> pool({.capacity = 6});
      std::atomic<int> used{0};
      std::atomic<int> thrown_away{0};
      weft::wait_group all;
      const auto use = [&] {
        for (int i = 0; i < rounds; ++i) {
          tool t = pool.get();
          t.use();
          ++used;
          if (i % 5 == 0) {
            weft::yield();
          }
          if (!pool.put(std::move(t))) {
            thrown_away += t.uses;
          }
        }
      };
      for (int i = 0; i < users; ++i) {
        all.go(use);
      }
      std::thread foreign(use);
      all.wait();
      foreign.join();
      EXPECT_EQ(used.load(), (users + 1) * rounds);
      EXPECT_LE(pool.size(), 6u);
      EXPECT_EQ(tool::alive.load(), static_cast<int>(pool.size()));
      int uses = thrown_away;
      while (std::optional<tool> t = pool.try_get()) {
        uses += t->uses;
      }
      EXPECT_EQ(uses, (users + 1) * rounds);
      EXPECT_EQ(tool::alive.load(), 0);
      pool.put(tool());
    }
    EXPECT_EQ(tool::alive.load(), 0) << "the pool destroys what it holds";
  });
}

// PL-1: what was put is found, wherever the goroutine has gone since.
TEST_P(Pool, FindsWhatWasPutFromEverywhere) {
  run([] {
    weft::pool<int> pool({.capacity = 64}, [] { return -1; });
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(pool.put(int{i}));
      weft::testing::migrate();
      ASSERT_EQ(pool.get(), i);
    }
    ASSERT_TRUE(pool.put(7));
    int got = 0;
    std::thread([&] { got = pool.get(); }).join();
    EXPECT_EQ(got, 7);
    EXPECT_EQ(pool.get(), -1);
  });
}

// PL-1
TEST_P(Pool, KeepsAsManyAsItsCapacity) {
  run([] {
    for (const std::size_t capacity : {0u, 1u, 2u, 3u, 7u, 64u, 1000u}) {
      weft::pool<std::unique_ptr<int>> pool({.capacity = capacity});
      for (std::size_t i = 0; i < capacity; ++i) {
        ASSERT_TRUE(pool.put(std::make_unique<int>(1)));
      }
      auto more = std::make_unique<int>(5);
      EXPECT_FALSE(pool.put(std::move(more)));
      ASSERT_NE(more, nullptr) << "it is left as it was";  // NOLINT: documented
      EXPECT_EQ(pool.size(), capacity);
      EXPECT_EQ(pool.capacity(), capacity);
      for (std::size_t i = 0; i < capacity; ++i) {
        ASSERT_NE(pool.get(), nullptr);
      }
      EXPECT_EQ(pool.get(), nullptr) << "a new one";
    }
  });
}

// PL-1
TEST_P(Pool, TrimDestroysIdleObjects) {
  run([] {
    weft::pool<tool> pool({.capacity = 100});
    for (int i = 0; i < 20; ++i) {
      pool.put(tool());
    }
    EXPECT_EQ(pool.trim(5), 15u);
    EXPECT_EQ(pool.size(), 5u);
    EXPECT_EQ(tool::alive.load(), 5);
    EXPECT_EQ(pool.trim(5), 0u);
    EXPECT_EQ(pool.trim(), 5u);
    EXPECT_EQ(tool::alive.load(), 0);
  });
}

// PL-1
TEST_P(Pool, ABorrowedObjectComesBack) {
  run([] {
    weft::pool<tool> pool({.capacity = 4});
    {
      auto t = pool.borrow();
      t->use();
      auto other = std::move(t);
      EXPECT_FALSE(t);  // NOLINT: documented
      ASSERT_TRUE(other);
      (*other).use();
      EXPECT_EQ(pool.size(), 0u);
      t = std::move(other);
      t->use();
    }
    EXPECT_EQ(pool.size(), 1u);
    {
      auto t = pool.borrow();
      EXPECT_EQ(t->uses, 3);
      const tool broken = t.release();
      EXPECT_FALSE(t);
    }
    EXPECT_EQ(pool.size(), 0u);
    {
      auto t = pool.borrow();
      t = pool.borrow();
      EXPECT_EQ(pool.size(), 1u) << "the first one is back";
      t.put_back();
      EXPECT_EQ(pool.size(), 2u);
      EXPECT_FALSE(t);
    }
    EXPECT_EQ(pool.size(), 2u);
  });
  EXPECT_EQ(tool::alive.load(), 0);
}

TEST(PoolTypes, OverAlignedOnesStayAligned) {
  struct alignas(256) wide {
    std::array<char, 256> bytes{};
  };
  weft::pool<wide> pool({.capacity = 3});
  for (int i = 0; i < 3; ++i) {
    pool.put(wide());
  }
  const wide got = pool.get();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&got) % 256, 0u);
}

TEST(PoolTypes, WhatTheMakerThrowsGoesToTheCaller) {
  weft::pool<int> pool({}, []() -> int { throw std::runtime_error("no more"); });
  EXPECT_THROW(pool.get(), std::runtime_error);
  EXPECT_THROW(static_cast<void>(pool.borrow()), std::runtime_error);
  EXPECT_EQ(pool.try_get(), std::nullopt);
}

TEST(PoolTypes, ANullMakerOrTooMuchRoomIsRefused) {
  EXPECT_THROW(weft::pool<int>({}, std::function<int()>()), weft::null_function);
  EXPECT_THROW(weft::pool<int>({.capacity = ~std::size_t{0}}), std::bad_alloc);
}

}  // namespace
