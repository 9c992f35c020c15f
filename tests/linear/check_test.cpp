// The checker itself: it accepts what can have happened and rejects what cannot.
#include <gtest/gtest.h>

#include "linear/check.hpp"
#include "linear/specs.hpp"

namespace {

using weft::linear::channel_spec;
using weft::linear::check;
using weft::linear::history;
using weft::linear::not_returned;
using weft::linear::select_spec;
using weft::linear::tokens_spec;
using weft::linear::wait_group_spec;

constexpr auto send = channel_spec::send, recv = channel_spec::recv,
               try_send = channel_spec::try_send, try_recv = channel_spec::try_recv,
               close = channel_spec::close;
constexpr std::int64_t done = channel_spec::done, closed = channel_spec::closed,
                       would_block = channel_spec::would_block;

// {party, kind, argument, result, called, returned}
TEST(LinearChannel, ValuesComeOutInOrderThroughABuffer) {
  const channel_spec one{1};
  EXPECT_TRUE(check(one, {{0, send, 1, done, 1, 2},
                          {0, send, 2, done, 3, 6},
                          {1, recv, 0, 1, 4, 5},
                          {1, recv, 0, 2, 7, 8}})
                  .ok);
  EXPECT_FALSE(check(one, {{0, send, 1, done, 1, 2},
                           {0, send, 2, done, 3, 6},
                           {1, recv, 0, 2, 4, 5},
                           {1, recv, 0, 1, 7, 8}})
                   .ok);
}

TEST(LinearChannel, ASendPastTheCapacityDoesNotReturn) {
  EXPECT_FALSE(check(channel_spec{1}, {{0, send, 1, done, 1, 2}, {0, send, 2, done, 3, 4}}).ok);
  EXPECT_TRUE(check(channel_spec{2}, {{0, send, 1, done, 1, 2}, {0, send, 2, done, 3, 4}}).ok);
  EXPECT_FALSE(check(channel_spec{0}, {{0, send, 1, done, 1, 2}, {1, recv, 0, 1, 3, 4}}).ok);
  EXPECT_TRUE(check(channel_spec{0}, {{0, send, 1, done, 1, 3}, {1, recv, 0, 1, 2, 4}}).ok);
}

TEST(LinearChannel, NoValueIsLostOrDoubled) {
  EXPECT_FALSE(
      check(channel_spec{1}, {{0, send, 1, done, 1, 2}, {1, try_recv, 0, would_block, 3, 4}}).ok);
  EXPECT_FALSE(check(channel_spec{1},
                     {{0, send, 1, done, 1, 2}, {1, recv, 0, 1, 3, 4}, {2, recv, 0, 1, 5, 6}})
                   .ok);
}

// CH-8: closed counts only when the buffer is empty.
TEST(LinearChannel, WhatWasSentBeforeTheCloseIsReceivedAfterIt) {
  const channel_spec two{2};
  const history right = {{0, send, 1, done, 1, 2},    {0, close, 0, done, 3, 4},
                         {1, recv, 0, 1, 5, 6},       {1, recv, 0, closed, 7, 8},
                         {0, send, 2, closed, 9, 10}, {0, close, 0, closed, 11, 12}};
  EXPECT_TRUE(check(two, right).ok);
  history wrong = right;
  wrong[2].result = closed;
  EXPECT_FALSE(check(two, wrong).ok);
}

TEST(LinearChannel, WhoBlocksThoughItCouldGoOnIsALostWakeUp) {
  const auto lost =
      check(channel_spec{0}, {{0, send, 1, 0, 1, not_returned}, {1, recv, 0, 0, 2, not_returned}});
  EXPECT_FALSE(lost.ok);
  EXPECT_NE(lost.text.find("could go on"), std::string::npos);
  EXPECT_TRUE(check(channel_spec{1}, {{1, recv, 0, 0, 2, not_returned}}).ok);
  EXPECT_FALSE(
      check(channel_spec{1}, {{0, send, 1, done, 1, 2}, {1, recv, 0, 0, 3, not_returned}}).ok);
  EXPECT_FALSE(
      check(channel_spec{1}, {{0, close, 0, done, 1, 2}, {1, recv, 0, 0, 3, not_returned}}).ok);
  // What blocks at the end has not taken effect.
  EXPECT_FALSE(check(channel_spec{0}, {{0, send, 1, 0, 1, not_returned},
                                       {1, send, 2, 0, 2, not_returned},
                                       {2, recv, 0, 2, 3, 4},
                                       {1, try_send, 3, would_block, 5, 6}})
                   .ok);
}

TEST(LinearChannel, TheShortestBeginningIsShown) {
  history h;
  std::uint64_t t = 1;
  for (int i = 0; i < 10; ++i) {
    h.push_back({0, send, i, done, t, t + 1});
    h.push_back({1, recv, 0, i == 4 ? 77 : i, t + 2, t + 3});
    t += 4;
  }
  const auto v = check(channel_spec{1}, h);
  ASSERT_FALSE(v.ok);
  EXPECT_EQ(v.failing.size(), 10u);
  EXPECT_EQ(v.failing.back().result, 77);
  EXPECT_NE(v.text.find("recv: 77"), std::string::npos);
}

// A select that had not returned yet took the case that it was seen to take later.
TEST(LinearSelect, TheShortestBeginningHasNoExplanation) {
  using k = select_spec;
  const history h = {{0, k::send_a | k::send_b, 10, k::result(k::send_b), 1, 4},
                     {1, k::recv_b, 0, k::result(k::recv_b, 10), 2, 3},
                     {2, k::recv_a, 0, k::result(k::recv_a, 77), 5, 6}};
  const auto v = check(select_spec{1}, h);
  ASSERT_FALSE(v.ok);
  ASSERT_EQ(v.failing.size(), 3u);
  EXPECT_EQ(v.failing.back().result, k::result(k::recv_a, 77));
  const auto early =
      check(select_spec{1}, {h[0], {1, k::recv_b, 0, k::result(k::recv_b, 9), 2, 3}, h[2]});
  ASSERT_FALSE(early.ok);
  EXPECT_EQ(early.failing.size(), 2u);
}

TEST(LinearTokens, ATryIsRefusedOnlyForThoseWhoHoldOrWait) {
  using k = tokens_spec;
  EXPECT_FALSE(check(tokens_spec{3, true}, {{0, k::try_acquire, 1, 0, 1, 2}}).ok);
  // It may have come behind one that asks for more.
  EXPECT_TRUE(check(tokens_spec{3, true}, {{0, k::acquire, 1, 0, 1, 2},
                                           {1, k::acquire, 3, 0, 3, not_returned},
                                           {2, k::try_acquire, 1, 0, 4, 5}})
                  .ok);
}

TEST(LinearTokens, WhoBlocksThoughItsTurnHasComeIsALostWakeUp) {
  using k = tokens_spec;
  const history one = {{0, k::acquire, 1, 0, 1, 2}, {1, k::acquire, 2, 0, 3, not_returned}};
  EXPECT_FALSE(check(tokens_spec{3, true}, one).ok);
  EXPECT_TRUE(check(tokens_spec{2, true}, one).ok);
  history behind = one;
  behind.push_back({2, k::acquire, 3, 0, 4, not_returned});
  EXPECT_TRUE(check(tokens_spec{3, true}, behind).ok);
}

TEST(LinearTokens, AMutexIsHeldByOne) {
  using k = tokens_spec;
  EXPECT_TRUE(check(tokens_spec{1}, {{0, k::acquire, 1, 0, 1, 2},
                                     {1, k::acquire, 1, 0, 3, 6},
                                     {0, k::release, 1, 0, 4, 5},
                                     {2, k::try_acquire, 1, 0, 7, 8}})
                  .ok);
  EXPECT_FALSE(
      check(tokens_spec{1}, {{0, k::acquire, 1, 0, 1, 2}, {1, k::acquire, 1, 0, 3, 4}}).ok);
  EXPECT_FALSE(check(tokens_spec{1}, {{0, k::acquire, 1, 0, 1, 2},
                                      {0, k::release, 1, 0, 3, 4},
                                      {1, k::acquire, 1, 0, 5, not_returned}})
                   .ok);
  EXPECT_FALSE(check(tokens_spec{2}, {{0, k::try_acquire, 2, 0, 1, 2}}).ok);
  EXPECT_FALSE(check(tokens_spec{2}, {{0, k::release, 1, 0, 1, 2}}).ok);
}

TEST(LinearWaitGroup, WaitReturnsAtZeroOnly) {
  using k = wait_group_spec;
  EXPECT_TRUE(check(wait_group_spec{}, {{0, k::add, 2, 0, 1, 2},
                                        {1, k::wait, 0, 0, 3, 9},
                                        {0, k::add, -1, 0, 4, 5},
                                        {2, k::add, -1, 0, 6, 7}})
                  .ok);
  EXPECT_FALSE(check(wait_group_spec{}, {{0, k::add, 1, 0, 1, 2}, {1, k::wait, 0, 0, 3, 4}}).ok);
  EXPECT_FALSE(check(wait_group_spec{}, {{0, k::add, 1, 0, 1, 2},
                                         {0, k::add, -1, 0, 3, 4},
                                         {1, k::wait, 0, 0, 5, not_returned}})
                   .ok);
}

// SE-4: there is always something in one of both.
TEST(LinearSelect, TheDefaultIsTakenOnlyWhenAtOneMomentNoCaseCanGo) {
  using spec = select_spec;
  const history moved = {{0, spec::send_a, 1, spec::result(spec::send_a), 1, 2},
                         {0, spec::send_b, 2, spec::result(spec::send_b), 3, 4},
                         {0, spec::recv_a, 0, spec::result(spec::recv_a, 1), 5, 6}};
  const auto with = [&](int value_or_default, std::uint64_t called, std::uint64_t returned) {
    history h = moved;
    h.push_back(
        {1, spec::recv_a | spec::recv_b | spec::otherwise, 0, value_or_default, called, returned});
    return check(spec{1}, h).ok;
  };
  const int took_default = spec::result(spec::otherwise);
  EXPECT_FALSE(with(took_default, 3, 9));
  EXPECT_TRUE(with(took_default, 1, 9));  // before the first send
  EXPECT_TRUE(with(spec::result(spec::recv_b, 2), 3, 9));
  EXPECT_FALSE(with(spec::result(spec::recv_a, 2), 3, 9));
}

TEST(LinearSelect, OneCaseHasAnEffect) {
  using spec = select_spec;
  const auto two_senders = [](std::uint64_t second_returns) {
    return history{{0, spec::send_a, 1, spec::result(spec::send_a), 1, 5},
                   {1, spec::send_b, 2, spec::result(spec::send_b), 2, second_returns},
                   {2, spec::recv_a | spec::recv_b, 0, spec::result(spec::recv_a, 1), 3, 4}};
  };
  EXPECT_TRUE(check(spec{0}, two_senders(not_returned)).ok);
  EXPECT_FALSE(check(spec{0}, two_senders(6)).ok);
  history nobody = two_senders(not_returned);
  nobody[0].returned = nobody[2].returned = not_returned;
  EXPECT_FALSE(check(spec{0}, nobody).ok);  // they could have met
}

TEST(LinearSelect, AClosedChannelIsACaseThatCanGo) {
  using spec = select_spec;
  const auto after_close = [](int kind, std::int64_t result) {
    return check(spec{1}, {{0, spec::close_a, 0, spec::result(spec::close_a), 1, 2},
                           {1, kind, 7, result, 3, 4}})
        .ok;
  };
  EXPECT_TRUE(after_close(spec::recv_a | spec::recv_b, spec::result(spec::recv_a, spec::no_value)));
  EXPECT_TRUE(after_close(spec::send_a | spec::recv_b, spec::threw));
  EXPECT_FALSE(after_close(spec::recv_a | spec::otherwise, spec::result(spec::otherwise)));
  EXPECT_FALSE(
      after_close(spec::recv_b | spec::otherwise, spec::result(spec::recv_b, spec::no_value)));
}

}  // namespace
