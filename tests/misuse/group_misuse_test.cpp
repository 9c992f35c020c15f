// What of a group ends the program, and with which words. Each case is a process of its own.
#include <weft/errgroup.hpp>
#include <weft/scope.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

class GroupMisuse : public ::testing::Test {
 protected:
  GroupMisuse() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// U-4, decision 008: an exception that nobody asks for is not lost, whatever its type.
TEST_F(GroupMisuse, AGroupWhoseTaskHasThrownMustBeWaitedFor) {
  EXPECT_EXIT(weft::run([] {
                weft::errgroup g;
                g.go([] { throw std::runtime_error("the reason"); });
              }),
              KilledBySignal(SIGABRT), "destroyed without wait.*had thrown: the reason");
  EXPECT_EXIT(weft::run([] {
                weft::errgroup g(weft::errgroup::all_errors);
                g.go([] { return weft::error("returned"); });
                weft::yield();
                g.go([] { throw 42; });
              }),
              KilledBySignal(SIGABRT), "destroyed without wait");
}

// Also when it was thrown after a wait().
TEST_F(GroupMisuse, AGroupMustBeWaitedForAgain) {
  EXPECT_EXIT(weft::run([] {
                weft::errgroup g;
                g.go([] {});
                static_cast<void>(g.wait());
                g.go([] { throw std::runtime_error("the reason"); });
              }),
              KilledBySignal(SIGABRT), "destroyed without wait.*had thrown: the reason");
}

// Not if it was handed out, was a value, or the program learns of another exception.
TEST_F(GroupMisuse, NothingEndsTheProgramOtherwise) {
  EXPECT_EXIT(
      {
        weft::run([] {
          {
            weft::errgroup g;
            g.go([] { throw std::runtime_error("the reason"); });
            static_cast<void>(g.wait());
          }
          {
            weft::errgroup g;
            g.go([] { return weft::error("a value"); });
          }
          try {
            weft::errgroup g;
            g.go([] { throw std::runtime_error("inner"); });
            throw std::runtime_error("outer");
          } catch (const std::runtime_error&) {
          }
          try {
            static_cast<void>(weft::with_scope(weft::background(), [](weft::scope& s) {
              s.go([] { throw std::runtime_error("inner"); });
              throw std::runtime_error("outer");
            }));
          } catch (const std::runtime_error&) {
          }
        });
        std::_Exit(0);
      },
      ExitedWithCode(0), "");
}

}  // namespace
