#pragma once
// Bubbles as tests of GoogleTest. Not part of <weft/weft.hpp>: the program links GoogleTest itself.
//
//     WEFT_TEST(Cache, KeepsOneValuePerKey) {        // instead of TEST(...)
//       Cache c;
//       weft::wait_group all;
//       for (int i = 0; i < 3; ++i) {
//         all.go([&] { EXPECT_EQ(c.get("k"), 1); });
//       }
//       all.wait();
//     }
//
// runs the body in 1000 bubbles, each with a seed of its own and so in another order, for ten
// seconds at the most, until an EXPECT or ASSERT fails, an exception leaves it, or it ends in a
// deadlock or a leak (failure_kind). The test fails then, and says the seed: WEFT_SEED=n in the
// environment runs that one alone, e.g. in a debugger. WEFT_RUNS=n in the environment asks for
// more. The body begins anew each time; what it changes outside of itself stays.
#include <gtest/gtest.h>
#include <weft/testing.hpp>

#include <source_location>
#include <utility>

namespace weft::testing {

namespace implementation {

/// Of the current test.
inline int failed_checks() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  int n = 0;
  for (int i = 0; test != nullptr && i < test->result()->total_part_count(); ++i) {
    n += test->result()->GetTestPartResult(i).failed();
  }
  return n;
}

}  // namespace implementation

/// explore() as a part of the current test: its failure is one of the test's. Checks that had
/// failed before count for nothing here.
/// Blocks  the calling thread.   Errors  as explore().
template <class F>
void explore_in_test(F&& f, options o = {},
                     std::source_location site = std::source_location::current()) {
  o.print = false;  // the test does
  auto mine = std::move(o.failed);
  const int before = implementation::failed_checks();
  o.failed = [&mine, before] {
    return implementation::failed_checks() > before || (mine && mine());
  };
  const auto body = [&f] {
    if (!::testing::Test::IsSkipped()) {
      f();
    }
  };
  const result r = explore(body, o, site);
  if (!r.passed()) {
    ADD_FAILURE_AT(site.file_name(), static_cast<int>(site.line()))
        << "weft: " << to_string(r.failure->kind) << " with seed " << r.failure->seed
        << " (again: WEFT_SEED=" << r.failure->seed << "), in run " << r.runs << ": "
        << r.failure->message;
  }
}

}  // namespace weft::testing

/// A test whose body is explored; see above.
#define WEFT_TEST(suite, name)                                                            \
  static void weft_body_of_##suite##_##name();                                            \
  TEST(suite, name) { ::weft::testing::explore_in_test(&weft_body_of_##suite##_##name); } \
  static void weft_body_of_##suite##_##name()
