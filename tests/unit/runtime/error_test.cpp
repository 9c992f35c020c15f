#include <weft/error.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <cstdlib>
#include <list>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <vector>

#include "support/fixture.hpp"

namespace {

using weft::error;

// ---- usable before main and in static destructors ----

struct early_user {
  error copied{weft::canceled};
  bool was_set = static_cast<bool>(weft::deadline_exceeded);
  std::string text = weft::deadline_exceeded.message();
  ~early_user() {
    // Objects made before it are there; whether main's are does not matter.
    if (!is(wrap(weft::canceled, "late"), weft::canceled) || copied != weft::canceled) {
      std::abort();
    }
  }
};
const early_user early;

constexpr weft::static_error own_record{"end of file"};
constexpr error own{own_record};
static_assert(own && own == own && own != weft::canceled);
static_assert(sizeof(error) == sizeof(void*));
static_assert(!error() && error() == nullptr);

TEST(ErrorSentinel, WorksBeforeMain) {
  EXPECT_TRUE(early.was_set);
  EXPECT_EQ(early.copied, weft::canceled);
  EXPECT_EQ(early.text, "context deadline exceeded");
}

// CX-18
TEST(ErrorSentinel, MatchesItsCondition) {
  EXPECT_TRUE(is(weft::canceled, std::errc::operation_canceled));
  EXPECT_TRUE(is(weft::deadline_exceeded, std::errc::timed_out));
  EXPECT_TRUE(is(wrap(weft::deadline_exceeded, "dial"), std::errc::timed_out));
  EXPECT_FALSE(is(weft::canceled, std::errc::timed_out));
  EXPECT_FALSE(is(weft::canceled, weft::deadline_exceeded));
  EXPECT_EQ(weft::canceled.code(), std::make_error_code(std::errc::operation_canceled));
  EXPECT_EQ(weft::canceled.message(), "context canceled");
}

TEST(ErrorSentinel, OfTheUserNeedsNoCode) {
  EXPECT_EQ(own.message(), "end of file");
  EXPECT_FALSE(own.code());
  EXPECT_TRUE(own.causes().empty());
  EXPECT_TRUE(is(wrap(own, "reading"), own));
}

// ---- identity ----

TEST(Error, NullIsSuccess) {
  const error none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(none, error(nullptr));
  EXPECT_EQ(none.message(), "no error");
  EXPECT_FALSE(none.code());
  EXPECT_FALSE(none.unwrap());
  EXPECT_TRUE(none.causes().empty());
  EXPECT_TRUE(is(none, none));
  EXPECT_FALSE(is(none, weft::canceled));
  EXPECT_FALSE(is(weft::canceled, none));
  EXPECT_FALSE(is(none, std::errc::timed_out));
  EXPECT_EQ(weft::as<int>(none), nullptr);
}

TEST(Error, CopiesAreEqualAndEqualTextsAreNot) {
  const error a("text"), b("text");
  const error c = a;  // NOLINT: the copy is the point
  EXPECT_EQ(a, c);
  EXPECT_NE(a, b);
  EXPECT_FALSE(is(a, b));
  EXPECT_EQ(a.message(), b.message());
  const std::unordered_set<error> set{a, b, c, error()};
  EXPECT_EQ(set.size(), 3u);
}

TEST(Error, CopiesItsText) {
  std::string text = "a text that is too long for the small buffer";
  const error a(text);
  text.assign(text.size(), 'x');
  EXPECT_EQ(a.message(), "a text that is too long for the small buffer");
}

// Without memory it is still an error.
TEST(Error, WhoseTextCannotBeStoredIsOutOfMemory) {
  const std::string_view endless("x", std::size_t{1} << 63);
  EXPECT_EQ(error(endless), weft::out_of_memory);
  EXPECT_TRUE(is(error(endless), std::errc::not_enough_memory));
  EXPECT_EQ(wrap(weft::canceled, endless), weft::canceled);
}

TEST(Error, MovingLeavesNoError) {
  error a("a");
  const error copy = a;
  error b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT: documented
  EXPECT_EQ(b, copy);
  error& self = b;
  b = std::move(self);
  EXPECT_EQ(b, copy);
  b = self;
  EXPECT_EQ(b, copy);
  b = nullptr;
  EXPECT_FALSE(b);
}

// ---- causes ----

TEST(ErrorWrap, PutsItsTextBeforeTheCause) {
  const error end("end of file");
  const error read = wrap(end, "reading x");
  const error load = wrap(read, std::string("loading"));
  EXPECT_EQ(load.message(), "loading: reading x: end of file");
  EXPECT_EQ(load.unwrap(), read);
  EXPECT_EQ(load.unwrap().unwrap(), end);
  EXPECT_FALSE(end.unwrap());
  EXPECT_TRUE(is(load, end));
  EXPECT_FALSE(is(end, load));
  EXPECT_NE(load, end);
  EXPECT_EQ(wrap(end, "").message(), "end of file");
}

TEST(ErrorWrap, LeavesSuccessAlone) { EXPECT_FALSE(wrap(error(), "while testing")); }

TEST(ErrorJoin, FindsAllAndPrintsThemInLines) {
  const error a("a"), b("b"), c("c");
  const error all = join(a, error(), wrap(b, "p"), weft::canceled);
  EXPECT_EQ(all.message(), "a\np: b\ncontext canceled");
  EXPECT_EQ(wrap(all, "two").message(), "two: a\np: b\ncontext canceled");
  EXPECT_EQ(join(join(a, b), c).message(), "a\nb\nc");
  EXPECT_EQ(join(a, join(b, c)).message(), "a\nb\nc");
  EXPECT_TRUE(is(all, a));
  EXPECT_TRUE(is(all, b));
  EXPECT_TRUE(is(wrap(all, "w"), weft::canceled));
  EXPECT_FALSE(is(all, c));
  EXPECT_EQ(all.causes().size(), 3u);
  EXPECT_FALSE(all.unwrap());
  EXPECT_EQ(all.code(), std::errc::operation_canceled);
}

TEST(ErrorJoin, DropsSuccess) {
  const error a("a");
  EXPECT_FALSE(weft::join());
  EXPECT_FALSE(join(error(), error()));
  EXPECT_EQ(join(error(), a), a);
  EXPECT_EQ(join(nullptr, a), a);
  EXPECT_FALSE(weft::join(std::vector<error>{}));
}

TEST(ErrorJoin, TakesRanges) {
  const error a("a"), b("b");
  EXPECT_EQ(weft::join(std::vector<error>{a, error(), b}).message(), "a\nb");
  EXPECT_EQ(weft::join(std::list<error>{a, error(), b}).message(), "a\nb");
  EXPECT_EQ(weft::join(std::list<error>{a}), a);
}

// ---- codes ----

TEST(ErrorCode, IsFoundAlongTheChain) {
  const error refused(std::make_error_code(std::errc::connection_refused), "connect");
  const error dial = wrap(refused, "dial");
  EXPECT_EQ(dial.code(), std::errc::connection_refused);
  EXPECT_TRUE(is(dial, std::errc::connection_refused));
  EXPECT_TRUE(is(dial, std::make_error_code(std::errc::connection_refused)));
  EXPECT_FALSE(is(dial, std::errc::timed_out));
  EXPECT_FALSE(is(error("no code"), std::errc{}));
  EXPECT_EQ(dial.message(),
            "dial: connect: " + std::make_error_code(std::errc::connection_refused).message());
  const error of_system(std::error_code(ECONNREFUSED, std::system_category()));
  EXPECT_TRUE(is(of_system, std::errc::connection_refused));
}

TEST(ErrorCode, OfSuccessIsNoError) { EXPECT_FALSE(error(std::error_code(), "text")); }

// ---- exceptions ----

TEST(ErrorException, CurrentCapturesWhatIsHandled) {
  error err;
  try {
    throw std::out_of_range("index 7");
  } catch (...) {
    err = error::current();
  }
  err = wrap(err, "lookup");
  EXPECT_EQ(err.message(), "lookup: index 7");
  ASSERT_NE(weft::as<std::logic_error>(err), nullptr);
  EXPECT_STREQ(weft::as<std::logic_error>(err)->what(), "index 7");
  EXPECT_EQ(weft::as<std::runtime_error>(err), nullptr);
  EXPECT_THROW(err.rethrow(), std::out_of_range);
}

TEST(ErrorException, CurrentOutsideOfAHandlerIsMisuse) {
  EXPECT_THROW(static_cast<void>(error::current()), weft::misuse);
}

TEST(ErrorException, NamesTheTypeOfWhatHasNoText) {
  const error err(std::make_exception_ptr(42));
  EXPECT_EQ(err.message(), "exception of type int");
  EXPECT_EQ(*weft::as<int>(err), 42);
  EXPECT_FALSE(error(std::exception_ptr()));
}

TEST(ErrorException, OfSystemErrorBringsItsCode) {
  const error err(std::make_exception_ptr(
      std::system_error(std::make_error_code(std::errc::timed_out), "connect")));
  EXPECT_TRUE(is(err, std::errc::timed_out));
}

TEST(ErrorException, RethrowWithoutOneCarriesTheError) {
  const error err = wrap(weft::canceled, "job");
  try {
    err.rethrow();
  } catch (const weft::error_exception& e) {
    EXPECT_EQ(e.value(), err);
    EXPECT_STREQ(e.what(), "job: context canceled");
    EXPECT_EQ(error::current(), err) << "it is the same error again";
  }
  EXPECT_THROW(error().rethrow(), weft::misuse);
  EXPECT_THROW(weft::error_exception{error()}, weft::misuse);
}

TEST(ErrorException, RethrowOfSeveralLosesNone) {
  const error one(std::make_exception_ptr(std::runtime_error("one")));
  const error all = join(one, error("two"));
  try {
    all.rethrow();
  } catch (const weft::error_exception& e) {
    EXPECT_EQ(e.value(), all);
  }
  EXPECT_NE(weft::as<std::runtime_error>(all), nullptr);
}

// ---- payloads ----

struct parse_failure {
  int line;
  std::string message() const { return "line " + std::to_string(line); }
  std::error_code code() const { return std::make_error_code(std::errc::invalid_argument); }
};
struct plain {
  const char* what() const { return "plain"; }
};

TEST(ErrorPayload, IsFoundByItsType) {
  const error err = wrap(error::make(parse_failure{7}), "config");
  EXPECT_EQ(err.message(), "config: line 7");
  ASSERT_NE(weft::as<parse_failure>(err), nullptr);
  EXPECT_EQ(weft::as<parse_failure>(err)->line, 7);
  EXPECT_EQ(weft::as<plain>(err), nullptr);
  EXPECT_TRUE(is(err, std::errc::invalid_argument));
  EXPECT_EQ(error::make(plain{}).message(), "plain");
  EXPECT_THROW(err.rethrow(), weft::error_exception);
}

TEST(ErrorPayload, MayWrapAnError) {
  const parse_failure at{3};
  const error err = join(error("other"), wrap(weft::canceled, at));
  EXPECT_EQ(err.message(), "other\nline 3: context canceled");
  EXPECT_EQ(weft::as<parse_failure>(err)->line, 3);
  EXPECT_TRUE(is(err, weft::canceled));
  EXPECT_FALSE(wrap(error(), at));
}

TEST(ErrorPayload, ThatIsAnExceptionIsCaughtByItsBases) {
  const error err = error::make(std::out_of_range("x"));
  EXPECT_NE(weft::as<std::logic_error>(err), nullptr);
  EXPECT_THROW(err.rethrow(), std::out_of_range);
  EXPECT_EQ(wrap(weft::canceled, std::runtime_error("r")).message(), "r: context canceled");
}

TEST(ErrorPayload, LivesAsLongAsACopy) {
  static int alive;
  struct counted {
    counted() { ++alive; }
    counted(const counted&) { ++alive; }
    ~counted() { --alive; }
    std::string message() const { return "counted"; }
  };
  alive = 0;
  {
    error outer;
    {
      const error inner = error::make(counted());
      outer = join(wrap(inner, "w"), error("other"));
      EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 1);
    EXPECT_NE(weft::as<counted>(outer), nullptr);
  }
  EXPECT_EQ(alive, 0);
}

TEST(ErrorPayload, ThatCannotTellItsTextThrows) {
  struct bad {
    std::string message() const { throw std::runtime_error("no text"); }
  };
  struct starved {
    std::string message() const { throw std::bad_alloc(); }
  };
  EXPECT_THROW(static_cast<void>(error::make(bad())), std::runtime_error);
  EXPECT_EQ(error::make(starved()), weft::out_of_memory);
  EXPECT_EQ(wrap(weft::canceled, starved()), weft::canceled);
}

TEST(Error, Prints) {
  std::ostringstream out;
  out << error() << '|' << wrap(weft::canceled, "job");
  EXPECT_EQ(out.str(), "no error|job: context canceled");
}

// ---- depth, on the small stack of a goroutine ----

class ErrorDepth : public weft::testing::Procs {};
WEFT_PROCS(ErrorDepth);

constexpr int deep = 100'000;

TEST_P(ErrorDepth, ALongChainIsWalkedAndDestroyed) {
  run([] {
    weft::wait_group all;
    all.go([] {
      error err = weft::canceled;
      for (int i = 0; i < deep; ++i) {
        err = wrap(err, "w");
      }
      EXPECT_TRUE(is(err, weft::canceled));
      EXPECT_FALSE(is(err, weft::deadline_exceeded));
      EXPECT_EQ(err.code(), std::errc::operation_canceled);
      EXPECT_EQ(weft::as<parse_failure>(err), nullptr);
      EXPECT_EQ(err.message().size(), 3u * deep + std::string("context canceled").size());
      EXPECT_THROW(err.rethrow(), weft::error_exception);
    });
    all.wait();
  });
}

TEST_P(ErrorDepth, JoinsOfJoinsAreWalkedAndDestroyed) {
  run([] {
    weft::wait_group all;
    for (const bool first : {true, false}) {
      all.go([first] {
        error err = weft::canceled;
        for (int i = 0; i < deep; ++i) {
          err = first ? join(err, error("e")) : join(error("e"), err);
        }
        EXPECT_TRUE(is(err, weft::canceled));
        EXPECT_FALSE(is(err, weft::deadline_exceeded));
        EXPECT_EQ(err.message().size(), 2u * deep + std::string("context canceled").size());
      });
    }
    all.wait();
  });
}

// ---- threads ----

class ErrorThreads : public weft::testing::Procs {};
WEFT_PROCS(ErrorThreads);

struct living {
  static inline std::atomic<int> count{0};
  living() { ++count; }
  living(const living&) { ++count; }
  ~living() { --count; }
  std::string message() const { return "living"; }
};

TEST_P(ErrorThreads, CopiesMayBeUsedAndDroppedEverywhere) {
  run([] {
    for (int round = 0; round < 50; ++round) {
      error shared = wrap(join(error::make(living()), weft::canceled), "shared");
      weft::wait_group all;
      const auto use = [copy = shared] {
        for (int i = 0; i < 50; ++i) {
          error mine = copy;
          error other = wrap(mine, "mine");
          mine = nullptr;
          EXPECT_TRUE(is(other, copy));
          EXPECT_NE(weft::as<living>(other), nullptr);
          if (i % 8 == 0) {
            weft::yield();
          }
        }
      };
      for (int i = 0; i < 4; ++i) {
        all.go(use);
      }
      std::thread foreign(use);
      shared = nullptr;
      all.wait();
      foreign.join();
    }
  });
  EXPECT_EQ(living::count.load(), 0);
}

// RT-2: catch (...) meets goexit, too; taking it for an error must not stop it.
TEST_P(ErrorThreads, CurrentLetsGoexitPass) {
  run([] {
    weft::wait_group all;
    all.go([] {
      try {
        weft::goexit();
      } catch (...) {
        const error err = error::current();
        ADD_FAILURE() << err;
      }
    });
    all.wait();
  });
}

}  // namespace
