#pragma once
// The fixture of every test that runs goroutines: at 1, 2 and 4 workers, and nothing left over.
#include <gtest/gtest.h>
#include <weft/go.hpp>
#include <weft/runtime.hpp>

#include <cstdlib>
#include <utility>

#include "support/idle.hpp"

namespace weft::testing {

/// Parameter: max_procs. `class ChanUnbuffered : public weft::testing::Procs {};` and
/// `WEFT_PROCS(ChanUnbuffered);`, then TEST_P.
class Procs : public ::testing::TestWithParam<int> {
 protected:
  int procs() const { return GetParam(); }

  /// Runs f as the main goroutine; then all others must have ended or be about to.
  template <class F>
  void run(F&& f) {
    weft::run(runtime_options{.max_procs = procs()}, [&] {
      f();
      wait_until_goroutines(1);
    });
  }

  /// The same for a test that abandons goroutines on purpose.
  template <class F>
  void run_and_abandon(F&& f) {
    weft::run(runtime_options{.max_procs = procs()}, std::forward<F>(f));
  }
};

#define WEFT_PROCS(Fixture)                                            \
  INSTANTIATE_TEST_SUITE_P(Procs, Fixture, ::testing::Values(1, 2, 4), \
                           ::testing::PrintToStringParamName())

/// A factor for the number of rounds: WEFT_TEST_SCALE in the environment, else 1.
inline double scale() {
  const char* text = std::getenv("WEFT_TEST_SCALE");
  return text != nullptr ? std::atof(text) : 1.0;
}

}  // namespace weft::testing
