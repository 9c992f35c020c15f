#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "support/fixture.hpp"

namespace {

class Go : public weft::testing::Procs {};
WEFT_PROCS(Go);

// GR-1: the callee and its arguments belong to the new goroutine before go() returns.
TEST_P(Go, CopiesItsFunctionBeforeItReturns) {
  run([] {
    auto out = weft::make_chan<std::string>();
    {
      std::string gone = "a string that is too long for the small buffer";
      weft::go([gone, out] { out.send(gone); });
      gone.assign(gone.size(), 'x');
    }
    EXPECT_EQ(*out.recv(), "a string that is too long for the small buffer");
  });
}

// GR-1
TEST_P(Go, TakesMoveOnlyFunctions) {
  run([] {
    auto out = weft::make_chan<int>();
    weft::go([p = std::make_unique<int>(7), out] { out.send(*p); });
    EXPECT_EQ(*out.recv(), 7);
  });
}

// GR-1
TEST_P(Go, TakesFunctionsThatAreLargerThanTheRecord) {
  run([] {
    auto out = weft::make_chan<int>();
    std::array<int, 1000> big{};
    big[999] = 9;
    weft::go([big, out] { out.send(big[999]); });
    EXPECT_EQ(*out.recv(), 9);
  });
}

// GR-5
TEST_P(Go, RefusesANullFunctionInTheSpawner) {
  run([] {
    EXPECT_THROW(weft::go(std::function<void()>{}), weft::null_function);
    EXPECT_THROW(weft::go(static_cast<void (*)()>(nullptr)), weft::null_function);
    EXPECT_EQ(weft::num_goroutines(), 1u);
  });
}

// RT-5
TEST_P(Go, CountsLiveGoroutines) {
  run([] {
    auto stop = weft::make_chan<int>();
    for (int i = 0; i < 10; ++i) {
      weft::go([stop] { stop.recv(); });
    }
    weft::testing::wait_until_parked(10, "chan receive");
    EXPECT_EQ(weft::num_goroutines(), 11u);
    stop.close();
  });
}

}  // namespace
