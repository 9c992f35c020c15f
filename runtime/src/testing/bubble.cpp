// A run in a bubble, and what becomes of its failure.
#include <weft/detail/race.hpp>
#include <weft/testing.hpp>

#include <algorithm>
#include <utility>

#include "debug/crash.hpp"
#include "sched/cpus.hpp"
#include "sched/goexit.hpp"
#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"

namespace weft::testing {
namespace {

using weft::detail::simulation;

struct body {
  simulation* run;
  void (*f)(void*);
  void* arg;
};

void run_body(void* at) {
  const body& b = *static_cast<body*>(at);
  try {
    b.f(b.arg);
  } catch (const weft::detail::goexit_unwind&) {
    b.run->drain();
    throw;
  } catch (...) {
    b.run->fail(failure_kind::exception,
                "an exception left the function: " + weft::detail::current_exception_text(),
                std::current_exception());
    return;
  }
  b.run->drain();
}

}  // namespace

const char* to_string(failure_kind kind) noexcept {
  switch (kind) {
    case failure_kind::exception:
      return "exception";
    case failure_kind::uncaught:
      return "uncaught exception";
    case failure_kind::deadlock:
      return "deadlock";
    case failure_kind::leak:
      return "leak";
    case failure_kind::endless:
      return "endless";
    case failure_kind::check:
      return "check";
  }
  return "unknown";
}

void wait() {
  simulation* s = weft::detail::this_simulation();
  if (s == nullptr || !s->is_bubble()) {
    throw misuse("weft: testing::wait: not called from a goroutine in a bubble");
  }
  s->wait();
}

bubble_failed::bubble_failed(testing::failure f)
    : std::runtime_error("weft: testing: " + std::string(to_string(f.kind)) + " with seed " +
                         std::to_string(f.seed) + ": " + f.message),
      failure_(std::make_shared<const testing::failure>(std::move(f))) {}

namespace implementation {

std::uint64_t seed_or(std::uint64_t otherwise) {
  return weft::detail::number_from("WEFT_SEED", otherwise, 0, UINT64_MAX, "testing");
}

result run_once(const options& o, std::uint64_t seed, void (*f)(void*), void* arg,
                std::source_location site) {
  simulation run(simulation::scope::bubble, seed, o.max_steps);
  body b{&run, f, arg};
  runtime_options r;
  r.deterministic = true;
  r.seed = seed;  // 0 is one like any other here
  r.max_procs = 1;
  r.stack_bytes = o.stack_bytes;
  r = weft::detail::resolve(r);
  r.seed = std::max<std::uint64_t>(seed, 1);
  r.on_lost_wait = lost_wait_action::ignore;  // a bubble sees deadlocks and leaks by itself
  weft::detail::run_scheduler(r, &run, "testing", run_body, &b, site);
  result got = run.take_result();
  if (got.passed() && o.failed && o.failed()) {
    got.failure = {failure_kind::check, seed, "a check failed", nullptr};
  }
  return got;
}

void throw_failure(result r) {
  if (r.passed()) {
    return;
  }
  if (r.failure->kind == failure_kind::exception) {
    std::rethrow_exception(std::move(r.failure->thrown));
  }
  throw bubble_failed(std::move(*r.failure));
}

}  // namespace implementation
}  // namespace weft::testing
