// One bubble after the other, until one fails.
#include <weft/testing.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "debug/dump.hpp"
#include "sched/cpus.hpp"

namespace weft::testing {
namespace {

// As for all variables: an empty one is none.
bool is_set(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0';
}

void say(const failure& f, std::uint64_t runs) {
  const std::string seed = std::to_string(f.seed);
  weft::detail::print("weft: testing: " + std::string(to_string(f.kind)) + " in run " +
                      std::to_string(runs) + ", with seed " + seed +
                      " (again: weft::testing::replay(" + seed + ", f), or WEFT_SEED=" + seed +
                      "): " + f.message + "\n");
}

}  // namespace

namespace implementation {

result run_many(const options& o, void (*f)(void*), void* arg, std::source_location site) {
  using std::chrono::steady_clock;
  const bool one = is_set("WEFT_SEED");
  const bool all = is_set("WEFT_RUNS");
  const std::uint64_t first = std::max<std::uint64_t>(seed_or(o.seed), 1);  // 0 is taken for 1
  const std::uint64_t most =
      one ? 1 : weft::detail::number_from("WEFT_RUNS", o.runs, 1, UINT64_MAX, "testing");
  if (most == 0) {
    throw std::invalid_argument(
        "weft: testing: explore: options.runs is 0: nothing would be tested");
  }
  const auto begin = steady_clock::now();
  result sum;
  for (std::uint64_t i = 0; i < most; ++i) {
    if (i != 0 && !all && steady_clock::now() - begin >= o.budget) {
      break;
    }
    result r = run_once(o, first + i, f, arg, site);
    sum.runs += 1;
    sum.steps += r.steps;
    sum.schedule = r.schedule;
    if (!r.passed()) {
      sum.failure = std::move(r.failure);
      if (o.print) {
        say(*sum.failure, sum.runs);
      }
      break;
    }
  }
  return sum;
}

}  // namespace implementation
}  // namespace weft::testing
