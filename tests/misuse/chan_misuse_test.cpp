// Channels and select used wrongly: what is thrown, what is reported, and that all still works.
#include <gtest/gtest.h>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>

#include <cstdint>
#include <string>

#include "support/fixture.hpp"

namespace {

class ChanMisuse : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// ThreadSanitizer has a thread of its own, so that no deadlock is certain there.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SKIP_UNDER_TSAN() GTEST_SKIP() << "TSan's own thread keeps a deadlock from being certain"
#endif
#endif
#ifndef SKIP_UNDER_TSAN
#define SKIP_UNDER_TSAN() static_cast<void>(0)
#endif

using ::testing::ExitedWithCode;

// CH-7, DL-1
TEST_F(ChanMisuse, SendOnNilIsADeadlockThatSaysSo) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] { weft::chan<int>().send(1); }), ExitedWithCode(2),
              "all goroutines are asleep(.|\n)*chan send \\(nil chan\\)");
}

// CH-7, DL-1
TEST_F(ChanMisuse, ReceiveOnNilIsADeadlockThatSaysSo) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] { weft::chan<int>().recv(); }), ExitedWithCode(2),
              "all goroutines are asleep(.|\n)*chan receive \\(nil chan\\)");
}

// SE-5
TEST_F(ChanMisuse, AnEmptySelectIsADeadlockThatSaysSo) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] { weft::select(); }), ExitedWithCode(2), "select \\(no cases\\)");
}

// CH-3
TEST_F(ChanMisuse, SendOnAFullChannelThatNobodyReadsIsADeadlock) {
  SKIP_UNDER_TSAN();
  EXPECT_EXIT(weft::run([] {
                auto c = weft::make_chan<int>(1);
                c.send(1);
                c.send(2);
              }),
              ExitedWithCode(2), "\\[chan send\\]");
}

// CH-8, PN-3: the value stays, no lock is held, the channel can still be drained.
TEST_F(ChanMisuse, SendOnClosedThrowsAndChangesNothing) {
  weft::run([] {
    auto c = weft::make_chan<std::string>(2);
    c.send("one");
    c.close();
    std::string two = "a string that is not short enough to be stored inside";
    EXPECT_THROW(c.send(std::move(two)), weft::closed_channel);
    EXPECT_EQ(two, "a string that is not short enough to be stored inside");  // NOLINT: unchanged
    EXPECT_EQ(*c.recv(), "one");
    EXPECT_EQ(c.recv(), std::nullopt);
  });
}

// CH-7, CH-9, PN-3: one base for all of them.
TEST_F(ChanMisuse, ClosingNilOrTwiceThrowsAChannelError) {
  weft::run([] {
    EXPECT_THROW(weft::chan<int>().close(), weft::nil_channel);
    auto c = weft::make_chan<int>();
    c.close();
    EXPECT_THROW(c.close(), weft::closed_channel);
    EXPECT_THROW(c.close(), weft::channel_error);
    EXPECT_EQ(c.recv(), std::nullopt);
  });
}

// CH-1: the message names the capacity.
TEST_F(ChanMisuse, ABadCapacityIsRefusedByItsValue) {
  try {
    weft::make_chan<int>(-1);
    FAIL();
  } catch (const weft::bad_capacity& e) {
    EXPECT_NE(std::string(e.what()).find("-1"), std::string::npos) << e.what();
  }
  EXPECT_THROW(weft::make_chan<int>(INT64_MAX), weft::bad_capacity);
  EXPECT_THROW(weft::make_chan<int>(UINT64_MAX), weft::bad_capacity);
}

}  // namespace
