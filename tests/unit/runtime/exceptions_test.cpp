// Exceptions in flight belong to the goroutine, not to the thread.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>

#include "support/fixture.hpp"
#include "support/migrate.hpp"

namespace {

class Exceptions : public weft::testing::Procs {};
WEFT_PROCS(Exceptions);

std::string caught_now() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  }
}

std::string current_text() {
  const std::exception_ptr e = std::current_exception();
  if (e == nullptr) {
    return "none";
  }
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& x) {
    return x.what();
  }
}

// HZ-3
TEST_P(Exceptions, AHandlerMayWaitWhileOthersThrow) {
  run([] {
    weft::wait_group all;
    for (int i = 0; i < 8; ++i) {
      all.go([i] {
        const std::string mine = "goroutine " + std::to_string(i);
        for (int k = 0; k < 200; ++k) {
          EXPECT_EQ(current_text(), "none");
          try {
            try {
              throw std::runtime_error(mine);
            } catch (const std::exception& e) {
              weft::yield();
              ASSERT_EQ(e.what(), mine);
              ASSERT_EQ(current_text(), mine);
              weft::yield();
              ASSERT_EQ(caught_now(), mine);
              throw;
            }
          } catch (const std::runtime_error& e) {
            ASSERT_EQ(e.what(), mine);
          }
          ASSERT_EQ(std::uncaught_exceptions(), 0);
        }
      });
    }
    all.wait();
  });
}

// HZ-3
TEST_P(Exceptions, AHandlerMayMoveToAnotherThread) {
  run([] {
    for (int round = 0; round < 10; ++round) {
      try {
        throw std::runtime_error("outer");
      } catch (...) {
        weft::testing::migrate();
        EXPECT_EQ(current_text(), "outer");
        try {
          throw std::runtime_error("inner");
        } catch (...) {
          weft::testing::migrate();
          EXPECT_EQ(current_text(), "inner");
        }
        EXPECT_EQ(caught_now(), "outer");
      }
      EXPECT_EQ(current_text(), "none");
    }
  });
}

// HZ-3, PN-10
TEST_P(Exceptions, ADestructorMayWaitDuringUnwinding) {
  run([] {
    struct waits {
      ~waits() {
        EXPECT_EQ(std::uncaught_exceptions(), 1);
        weft::testing::migrate();
        EXPECT_EQ(std::uncaught_exceptions(), 1);
        try {
          throw std::runtime_error("inside");
        } catch (const std::exception& e) {
          weft::yield();
          EXPECT_STREQ(e.what(), "inside");
        }
        EXPECT_EQ(std::uncaught_exceptions(), 1);
      }
    };
    weft::wait_group all;
    for (int i = 0; i < 4; ++i) {
      all.go([] {
        for (int k = 0; k < 3; ++k) {
          EXPECT_EQ(std::uncaught_exceptions(), 0);
          try {
            waits here;
            throw std::runtime_error("outside");
          } catch (const std::exception& e) {
            EXPECT_STREQ(e.what(), "outside");
          }
          EXPECT_EQ(std::uncaught_exceptions(), 0);
        }
      });
    }
    all.wait();
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  });
}

// HZ-3: a fresh goroutine starts without anybody's exceptions.
TEST_P(Exceptions, AFreshGoroutineSeesNoException) {
  run([] {
    weft::wait_group all;
    try {
      throw std::runtime_error("of main");
    } catch (...) {
      for (int i = 0; i < 20; ++i) {
        all.go([] {
          EXPECT_EQ(current_text(), "none");
          EXPECT_EQ(std::uncaught_exceptions(), 0);
        });
      }
      all.wait();
      EXPECT_EQ(current_text(), "of main");
    }
  });
}

__attribute__((noinline)) void set_errno(int value) {
  asm volatile("");
  errno = value;
}
__attribute__((noinline)) int get_errno() {
  asm volatile("");
  return errno;
}

// HZ-2: after a wait the thread may be another one; what the runtime knows of the goroutine is
// read anew, and so is errno behind a function that is not inlined.
TEST_P(Exceptions, ThreadStateIsReadAnewAfterAMove) {
  run([] {
    const std::uint64_t id = weft::this_goroutine::id();
    for (int i = 1; i <= 10; ++i) {
      const long before = weft::testing::thread_id();
      weft::testing::migrate();
      EXPECT_NE(weft::testing::thread_id(), before);
      EXPECT_EQ(weft::this_goroutine::id(), id);
      set_errno(1000 + i);
      EXPECT_EQ(get_errno(), 1000 + i);
    }
  });
}

}  // namespace
