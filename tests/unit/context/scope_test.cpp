#include <weft/scope.hpp>
#include <weft/sleep.hpp>

#include <atomic>
#include <stdexcept>

#include "support/fixture.hpp"

namespace {

using weft::error;
using weft::with_scope;

class Scope : public weft::testing::Procs {};
WEFT_PROCS(Scope);

// U-3
TEST_P(Scope, TheBlockIsNotLeftBeforeItsGoroutinesHaveEnded) {
  run([] {
    int sum = 0;
    weft::mutex lock;
    const error e = with_scope(weft::background(), [&](weft::scope& s) {
      for (int i = 1; i <= 100; ++i) {
        s.go([&, i] {
          weft::yield();
          std::lock_guard hold(lock);
          sum += i;
        });
      }
    });
    EXPECT_FALSE(e);
    EXPECT_EQ(sum, 5050);
  });
}

TEST_P(Scope, TheFirstErrorCancelsTheSiblingsAndIsReturned) {
  run([] {
    const error broken("broken");
    const error e = with_scope(weft::background(), [&](weft::scope& s) {
      for (int i = 0; i < 5; ++i) {
        s.go([](const weft::context& ctx) -> error {
          ctx.done().recv();
          return ctx.err();
        });
      }
      s.go([&] { return broken; });
    });
    EXPECT_EQ(e, broken);
  });
}

TEST_P(Scope, GoroutinesMayStartGoroutines) {
  run([] {
    std::atomic<int> ran{0};
    const error e = with_scope(weft::background(), [&](weft::scope& s) {
      s.go([&] {
        ++ran;
        s.go([&] {
          ++ran;
          s.go([&] { ++ran; });
        });
      });
    });
    EXPECT_FALSE(e);
    EXPECT_EQ(ran, 3);
  });
}

TEST_P(Scope, AnErrorOfTheBodyCancelsTheGoroutines) {
  run([] {
    const error mine("mine");
    const error e = with_scope(weft::background(), [&](weft::scope& s) -> error {
      s.go([](const weft::context& ctx) { ctx.done().recv(); });
      return mine;
    });
    EXPECT_EQ(e, mine);
  });
}

TEST_P(Scope, AnExceptionOfTheBodyGoesOnAfterTheGoroutinesHaveEnded) {
  run([] {
    std::atomic<bool> ended{false};
    EXPECT_THROW((void)with_scope(weft::background(),
                                  [&](weft::scope& s) {
                                    s.go([&](const weft::context& ctx) {
                                      ctx.done().recv();
                                      weft::yield();
                                      ended = true;
                                      throw std::logic_error("second");
                                    });
                                    throw std::runtime_error("first");
                                  }),
                 std::runtime_error);
    EXPECT_TRUE(ended);
  });
}

TEST_P(Scope, AnExceptionOfAGoroutineIsReturnedAsAnError) {
  run([] {
    const error e = with_scope(
        weft::background(), [](weft::scope& s) { s.go([] { throw std::out_of_range("there"); }); });
    EXPECT_NE(weft::as<std::out_of_range>(e), nullptr);
  });
}

TEST_P(Scope, GoexitInTheBodyWaitsForTheGoroutines) {
  run([] {
    std::atomic<bool> ended{false};
    weft::wait_group all;
    all.go([&] {
      (void)with_scope(weft::background(), [&](weft::scope& s) {
        s.go([&](const weft::context& ctx) {
          ctx.done().recv();
          ended = true;
        });
        weft::goexit();
      });
      ADD_FAILURE();
    });
    all.wait();
    EXPECT_TRUE(ended);
  });
}

TEST_P(Scope, TheParentsCancellationReachesTheGoroutines) {
  run([] {
    auto [parent, cancel] = weft::with_cancel(weft::background());
    const error e = with_scope(parent, [&](weft::scope& s) {
      EXPECT_FALSE(s.ctx().err());
      s.go([](const weft::context& ctx) -> error {
        ctx.done().recv();
        return ctx.err();
      });
      cancel();
    });
    EXPECT_EQ(e, weft::canceled);
  });
}

TEST_P(Scope, ScopesNest) {
  run([] {
    const error inner("inner");
    const error e = with_scope(weft::background(), [&](weft::scope& outer) {
      outer.go([&](const weft::context& ctx) {
        return with_scope(ctx, [&](weft::scope& s) {
          s.go([](const weft::context& c) { c.done().recv(); });
          s.go([&] { return inner; });
        });
      });
      outer.go([](const weft::context& ctx) { ctx.done().recv(); });
    });
    EXPECT_EQ(e, inner);
  });
}

TEST_P(Scope, ItsContextIsDoneAfterwards) {
  run([] {
    weft::context kept;
    EXPECT_FALSE(with_scope(weft::background(), [&](weft::scope& s) { kept = s.ctx(); }));
    EXPECT_EQ(kept.err(), weft::canceled);
  });
}

}  // namespace
