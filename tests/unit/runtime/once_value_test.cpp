#include <weft/go.hpp>
#include <weft/once_value.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/fixture.hpp"
#include "support/test_context.hpp"

namespace {

class OnceValue : public weft::testing::Procs {};
WEFT_PROCS(OnceValue);

constexpr const char* waiting = "sync.Once.Do";

// ON-2, MM-6
TEST_P(OnceValue, MakesItsResultOnceForAll) {
  run([] {
    for (int round = 0; round < 50; ++round) {
      int calls = 0;
      weft::once_value text([&calls] {
        ++calls;
        weft::yield();
        return std::string("a text that is too long for the small buffer");
      });
      EXPECT_EQ(calls, 0) << "not before it is needed";
      std::atomic<const std::string*> seen{nullptr};
      std::atomic<int> wrong{0};
      weft::wait_group all;
      const auto use = [&] {
        const std::string& got = text();
        const std::string* first = nullptr;
        wrong += !seen.compare_exchange_strong(first, &got) && first != &got;
        wrong += got.size() != 44 || calls != 1;
      };
      for (int i = 0; i < 10; ++i) {
        all.go(use);
      }
      std::thread foreign(use);
      all.wait();
      foreign.join();
      ASSERT_EQ(wrong.load(), 0);
    }
  });
}

// ON-2: the same exception object for every caller, waiting ones too.
TEST_P(OnceValue, ThrowsTheSameExceptionAtEveryCall) {
  run([] {
    weft::wait_group all, begun, go_on;
    begun.add(1);
    go_on.add(1);
    std::atomic<int> calls{0};
    weft::once_value<int> broken([&]() -> int {
      ++calls;
      begun.done();
      go_on.wait();
      throw std::runtime_error("no settings");
    });
    std::atomic<const void*> seen{nullptr};
    std::atomic<int> wrong{0}, caught{0};
    const auto use = [&] {
      try {
        broken();
      } catch (const std::runtime_error& e) {
        ++caught;
        const void* first = nullptr;
        wrong += !seen.compare_exchange_strong(first, &e) && first != &e;
        wrong += e.what() != std::string("no settings");
      }
    };
    all.go(use);
    begun.wait();
    for (int i = 0; i < 4; ++i) {
      all.go(use);
    }
    weft::testing::wait_until_parked(4, waiting);
    go_on.done();
    all.wait();
    use();
    std::thread(use).join();
    EXPECT_EQ(caught.load(), 7);
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(calls.load(), 1);
  });
}

// ON-2
TEST_P(OnceValue, ReleasesItsFunctionBeforeAnybodyReturns) {
  run([] {
    const auto token = std::make_shared<int>(7);
    weft::once_value value([token] { return *token; });
    weft::once_func throws([token] { throw std::runtime_error("x"); });
    weft::once_func exits([token] { weft::goexit(); });
    EXPECT_EQ(token.use_count(), 4);
    EXPECT_EQ(value(), 7);
    EXPECT_EQ(token.use_count(), 3);
    EXPECT_THROW(throws(), std::runtime_error);
    EXPECT_EQ(token.use_count(), 2);
    weft::wait_group all;
    all.go([&] { exits(); });
    all.wait();
    EXPECT_EQ(token.use_count(), 1);
  });
}

// ON-2: never runs twice
TEST_P(OnceValue, AfterGoexitThereIsNoResult) {
  run([] {
    int calls = 0;
    weft::once_value<int> value([&calls]() -> int {
      ++calls;
      weft::goexit();
    });
    weft::wait_group all;
    all.go([&] {
      value();
      ADD_FAILURE() << "goexit ends the caller";
    });
    all.wait();
    EXPECT_THROW(value(), weft::no_result);
    EXPECT_THROW(value(), weft::misuse);
    EXPECT_EQ(calls, 1);
  });
}

// U-6
TEST_P(OnceValue, MayBeWaitedForUntilAContextIsDone) {
  run([] {
    weft::wait_group all, begun, go_on;
    begun.add(1);
    go_on.add(1);
    weft::once_value<int> value([&] {
      begun.done();
      go_on.wait();
      return 42;
    });
    weft::once_func func([&] { throw std::runtime_error("func"); });
    const weft::testing::test_context ctx;
    all.go([&] { EXPECT_EQ(value(), 42); });
    begun.wait();
    all.go([&] { EXPECT_EQ(value.get(ctx), nullptr); });
    weft::testing::wait_until_parked(1, waiting);
    ctx.cancel();
    EXPECT_EQ(func(ctx), weft::canceled) << "not called";
    weft::testing::wait_until_goroutines(2);
    go_on.done();
    all.wait();
    ASSERT_NE(value.get(ctx), nullptr) << "there is a result";
    EXPECT_EQ(value.get(ctx), &value());
    EXPECT_THROW((void)func(weft::testing::endless_context()), std::runtime_error);
    EXPECT_THROW((void)func(ctx), std::runtime_error);
  });
}

// ON-2
TEST_P(OnceValue, OfAFunctionWithoutResultRunsOnce) {
  run([] {
    int calls = 0;
    weft::once_func f([&calls] { ++calls; });
    weft::wait_group all;
    for (int i = 0; i < 10; ++i) {
      all.go([&f] { f(); });
    }
    all.wait();
    EXPECT_EQ(calls, 1);
  });
}

TEST(OnceValueTypes, ResultAndFunctionNeedNotBeMovableTwice) {
  struct fixed {
    explicit fixed(int n) : value(n) {}
    fixed(const fixed&) = delete;
    fixed& operator=(const fixed&) = delete;
    int value;
  };
  weft::once_value made([p = std::make_unique<int>(5)] { return fixed(*p); });
  EXPECT_EQ(made().value, 5);
  made().value = 6;
  EXPECT_EQ(made().value, 6);
}

TEST(OnceValueTypes, DestroysItsResult) {
  const auto token = std::make_shared<int>(1);
  {
    weft::once_value copy([token] { return token; });
    weft::once_value unused([token] { return token; });
    copy();
    EXPECT_EQ(token.use_count(), 3);
  }
  EXPECT_EQ(token.use_count(), 1);
}

// GR-5
TEST(OnceValueTypes, ANullFunctionIsRefused) {
  EXPECT_THROW(weft::once_value<int>{nullptr}, weft::null_function);
  EXPECT_THROW(weft::once_func<>{std::function<void()>()}, weft::null_function);
}

}  // namespace
