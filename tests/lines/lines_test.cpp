// What weft_lines counts: docs/scaling.md rests on it.
#include "lines.hpp"

#include <weft/detail/atomic.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace weft::lines {
namespace {

struct alignas(64) line {
  detail::atomic<int> word{0};
  detail::atomic<int> neighbour{0};
};

site sum() {
  site all;
  for (const site& s : collect()) {
    all.writes += s.writes;
    all.shared += s.shared;
    all.moved += s.moved;
  }
  return all;
}

void elsewhere(auto f) { std::thread(f).join(); }

class Lines : public ::testing::Test {
 protected:
  Lines() { reset(); }
  line a;
};

TEST_F(Lines, AWriteIsCountedWhetherItSucceedsOrNot) {
  int expected = 7;
  a.word.store(1, detail::relaxed);
  EXPECT_FALSE(a.word.compare_exchange(expected, 2, detail::relaxed, detail::relaxed));
  a.word.fetch_add(1, detail::relaxed);
  a.word.bump();
  EXPECT_EQ(a.word.exchange(9, detail::relaxed), 3);
  EXPECT_EQ(sum().writes, 5U);
}

TEST_F(Lines, ALoadIsNoWrite) {
  EXPECT_EQ(a.word.load(detail::relaxed), 0);
  EXPECT_EQ(sum().writes, 0U);
}

TEST_F(Lines, ALineOfOneThreadIsNotShared) {
  for (int i = 0; i < 10; ++i) {
    a.word.store(i, detail::relaxed);
  }
  EXPECT_EQ(sum().shared, 0U);
  EXPECT_EQ(sum().moved, 0U);
}

TEST_F(Lines, ALineMovesWithEachChangeOfWriterAndStaysShared) {
  a.word.store(1, detail::relaxed);
  elsewhere([&] {
    a.word.store(2, detail::relaxed);  // moves
    a.word.store(3, detail::relaxed);
  });
  a.word.store(4, detail::relaxed);  // moves back
  EXPECT_EQ(sum().writes, 4U);
  EXPECT_EQ(sum().moved, 2U);
  EXPECT_EQ(sum().shared, 3U);
}

TEST_F(Lines, NeighboursOnOneLineShareIt) {
  a.word.store(1, detail::relaxed);
  elsewhere([&] { a.neighbour.store(1, detail::relaxed); });
  EXPECT_EQ(sum().moved, 1U);
}

TEST_F(Lines, SitesAreToldApart) {
  a.word.store(1, detail::relaxed);
  a.word.store(2, detail::relaxed);
  const auto sites = collect();
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_NE(sites[0].address, sites[1].address);
}

TEST_F(Lines, ResetForgetsCountsAndWriters) {
  elsewhere([&] { a.word.store(1, detail::relaxed); });
  reset();
  a.word.store(2, detail::relaxed);
  EXPECT_EQ(sum().writes, 1U);
  EXPECT_EQ(sum().moved, 0U);
}

}  // namespace
}  // namespace weft::lines
