// Stacks: reserving, carving, trimming, guards, and what happens when there is no memory.
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "detail/sys.hpp"
#include "stack/guard.hpp"
#include "stack/pool.hpp"
#include "stack/sanitizer.hpp"

namespace {

using weft::detail::fiber;
using weft::detail::stack_pool;

constexpr std::size_t small = 16 * 1024;
constexpr std::size_t slab = stack_pool::slab_stacks;

void never_run() {}

/// The table of system calls as it was, when this ends.
struct sys_restorer {
  const weft::detail::sys_calls before = weft::detail::sys;
  sys_restorer() = default;
  sys_restorer(const sys_restorer&) = delete;
  sys_restorer& operator=(const sys_restorer&) = delete;
  ~sys_restorer() { weft::detail::sys = before; }
};

void* no_map(std::size_t) {
  errno = ENOMEM;
  return nullptr;
}

fiber* take_one(stack_pool& pool) {
  std::size_t taken = 0;
  fiber* f = pool.take_some(1, taken);
  EXPECT_EQ(taken, 1u);
  EXPECT_EQ(f->next, nullptr);
  return f;
}

std::size_t length(const fiber* f) {
  std::size_t n = 0;
  for (; f != nullptr; f = f->next) {
    ++n;
  }
  return n;
}

fiber* take_many(stack_pool& pool, std::size_t n, fiber** last = nullptr) {
  fiber* first = nullptr;
  for (std::size_t i = 0; i < n; ++i) {
    fiber* f = take_one(pool);
    if (first == nullptr && last != nullptr) {
      *last = f;
    }
    f->next = first;
    first = f;
  }
  return first;
}

TEST(StackPool, RoundsSizesUpToPagesAndToALeast) {
  EXPECT_EQ(stack_pool(1, never_run).usable_bytes(), small);
  EXPECT_EQ(stack_pool(small + 1, never_run).usable_bytes(), small + 4096);
}

TEST(StackPool, GivesEveryReservedStackOnceAndApart) {
  stack_pool pool(small, never_run);
  pool.reserve_slab();
  pool.reserve_slab();
  std::set<char*> spans;
  for (fiber* f = take_many(pool, 2 * slab); f != nullptr; f = f->next) {
    EXPECT_TRUE(spans.insert(f->mapping).second);
    EXPECT_EQ(f->low, f->mapping + weft::detail::guard_bytes);
    EXPECT_EQ(f->top, f->mapping + f->span);
    EXPECT_EQ(static_cast<std::size_t>(f->top - f->low), pool.usable_bytes());
    EXPECT_GE(reinterpret_cast<char*>(f), f->low);
    EXPECT_LE(reinterpret_cast<char*>(f + 1), f->top);
    EXPECT_EQ(f->pool, &pool);
    *f->low = 1;  // the whole of it can be written
    f->top[-1] = 1;
  }
  EXPECT_EQ(spans.size(), 2 * slab);
  EXPECT_EQ(pool.carved(), 2 * slab);
  char* before = nullptr;
  for (char* at : spans) {
    if (before != nullptr) {
      EXPECT_GE(static_cast<std::size_t>(at - before), small + weft::detail::guard_bytes);
    }
    before = at;
  }
}

TEST(StackPool, TakesSparesBeforeItCarves) {
  stack_pool pool(small, never_run);
  pool.reserve_slab();
  fiber* f = take_one(pool);
  pool.give_spares(f);
  EXPECT_EQ(take_one(pool), f);
  EXPECT_EQ(pool.carved(), 1u);
}

TEST(StackPool, GivesSparesInChains) {
  stack_pool pool(small, never_run);
  pool.reserve_slab();
  std::size_t taken = 99;
  fiber* last = nullptr;
  fiber* first = take_many(pool, 6, &last);
  pool.give_spares(first);
  EXPECT_EQ(length(pool.take_some(4, taken)), 4u);
  EXPECT_EQ(taken, 4u);
  EXPECT_EQ(length(pool.take_some(4, taken)), 2u);
  EXPECT_EQ(taken, 2u);
  EXPECT_EQ(pool.carved(), 6u);
}

TEST(StackPool, MakesOneInSixtyFourAheadOnceThereAreMany) {
  stack_pool pool(small, never_run);
  constexpr std::size_t count = 4 * slab;
  for (std::size_t i = 0; i < count / slab + 1; ++i) {
    pool.reserve_slab();
  }
  std::size_t taken = 0;
  EXPECT_EQ(length(pool.take_some(16, taken)), 1u);  // few programs have many
  EXPECT_EQ(taken, 1u);
  take_many(pool, count - 1);
  fiber* first = pool.take_some(16, taken);
  EXPECT_EQ(taken, 4u);
  EXPECT_EQ(length(first), 4u);
  for (const fiber* f = first; f != nullptr; f = f->next) {
    EXPECT_TRUE(f->next == nullptr || f->next->mapping == f->mapping + f->span);
  }
  EXPECT_EQ(length(pool.take_some(3, taken)), 3u);
  EXPECT_EQ(pool.carved(), count + 7);
}

TEST(StackPool, MakesNoMoreAheadThanTheSlabHas) {
  stack_pool pool(small, never_run);
  for (int i = 0; i < 5; ++i) {
    pool.reserve_slab();
  }
  take_many(pool, 5 * slab - 2);
  std::size_t taken = 0;
  EXPECT_EQ(length(pool.take_some(16, taken)), 2u);
  EXPECT_EQ(taken, 2u);
}

TEST(StackPool, TrimGivesBackThePagesOfSparesThatNobodyNeeded) {
  stack_pool pool(small, never_run);
  constexpr std::size_t count = 10 * slab;
  for (std::size_t i = 0; i < count / slab; ++i) {
    pool.reserve_slab();
  }
  fiber* last = nullptr;
  fiber* first = take_many(pool, count, &last);
  std::vector<char*> lows;
  for (fiber* f = first; f != nullptr; f = f->next) {
    *f->low = 1;
    lows.push_back(f->low);
  }
  pool.give_spares(first);
  pool.trim();  // until now they were in use
  EXPECT_EQ(pool.carved(), count);
  pool.trim();
  EXPECT_LT(pool.carved(), count);
  EXPECT_GE(pool.carved(), 256u);
  std::size_t empty = 0;
  for (const char* low : lows) {
    empty += *low == 0;
  }
  EXPECT_EQ(empty, count - pool.carved());
  for (int i = 0; i < 20; ++i) {
    pool.trim();
  }
  EXPECT_EQ(pool.carved(), 256u);
  std::set<char*> spans;  // all of them can be had again
  for (fiber* f = take_many(pool, count); f != nullptr; f = f->next) {
    *f->low = 1;
    EXPECT_TRUE(spans.insert(f->mapping).second);
  }
  EXPECT_EQ(pool.carved(), count);
}

TEST(StackPool, TrimKeepsSparesThatWereNeeded) {
  stack_pool pool(small, never_run);
  constexpr std::size_t count = 10 * slab;
  for (std::size_t i = 0; i < count / slab; ++i) {
    pool.reserve_slab();
  }
  for (int i = 0; i < 4; ++i) {
    fiber* last = nullptr;
    fiber* first = take_many(pool, count, &last);
    pool.give_spares(first);
    pool.trim();
  }
  EXPECT_EQ(pool.carved(), count);
}

TEST(StackPool, ReportsThatThereIsNoAddressSpaceAndGoesOn) {
  stack_pool pool(small, never_run);
  weft::detail::guard_support();  // asked before memory is short
  {
    const sys_restorer restore;
    weft::detail::sys.map = no_map;
    try {
      pool.reserve_slab();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::system_error& e) {
      EXPECT_EQ(e.code().value(), ENOMEM);
      const std::string bytes = std::to_string(slab * (small + weft::detail::guard_bytes));
      EXPECT_NE(std::string(e.what()).find(bytes), std::string::npos) << e.what();
    }
  }
  pool.reserve_slab();
  EXPECT_NE(take_one(pool), nullptr);
}

TEST(MappedFiber, ReportsThatThereIsNoAddressSpaceAndGoesOn) {
  weft::detail::guard_support();
  {
    const sys_restorer restore;
    weft::detail::sys.map = no_map;
    EXPECT_THROW(stack_pool::map_fiber(small, never_run), std::system_error);
  }
  fiber* f = stack_pool::map_fiber(small, never_run);
  ASSERT_NE(f, nullptr);
  *f->low = 1;
  EXPECT_EQ(f->pool, nullptr);
  stack_pool::unmap_fiber(f);
}

TEST(MappedFiber, RefusesAbsurdSizes) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const std::size_t bytes : {most, most - 4095, most / 2, std::size_t{1} << 60}) {
    EXPECT_THROW(stack_pool::map_fiber(bytes, never_run), std::system_error) << bytes;
  }
}

void write_at(char* at) { *static_cast<volatile char*>(at) = 1; }

TEST(StackGuardDeathTest, EndsWhoWritesBelowTheStack) {
#if WEFT_ASAN || WEFT_TSAN
  GTEST_SKIP() << "the sanitizer reports it in its own words";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  stack_pool pool(small, never_run);
  pool.reserve_slab();
  const ::testing::KilledBySignal by_fault(SIGSEGV);
  const fiber* pooled = take_one(pool);
  EXPECT_EXIT(write_at(pooled->low - 1), by_fault, "");
  EXPECT_EXIT(write_at(pooled->mapping), by_fault, "");
  const fiber* mapped = stack_pool::map_fiber(small, never_run);
  EXPECT_EXIT(write_at(mapped->low - 1), by_fault, "");
}

// Whether the kernel guards them in one call or in many.
TEST(StackGuardDeathTest, EndsWhoWritesBelowAStackThatWasMadeAhead) {
#if WEFT_ASAN || WEFT_TSAN
  GTEST_SKIP() << "the sanitizer reports it in its own words";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const sys_restorer restore;
  for (const bool one_call : {true, false}) {
    stack_pool pool(small, never_run);
    for (int i = 0; i < 5; ++i) {
      pool.reserve_slab();
    }
    take_many(pool, 4 * slab);
    if (!one_call) {
      weft::detail::sys.advise_all = [](const iovec*, std::size_t, int) -> ssize_t {
        errno = EBADF;
        return -1;
      };
    }
    std::size_t taken = 0;
    const fiber* first = pool.take_some(16, taken);
    ASSERT_GE(taken, 2u);
    const ::testing::KilledBySignal by_fault(SIGSEGV);
    EXPECT_EXIT(write_at(first->low - 1), by_fault, "");
    EXPECT_EXIT(write_at(first->next->low - 1), by_fault, "");
  }
}

}  // namespace
