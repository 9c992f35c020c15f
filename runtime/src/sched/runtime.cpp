// The runtime object: what run() does, in two halves.

#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <exception>
#include <stdexcept>

#include "debug/crash.hpp"
#include "sched/cpus.hpp"
#include "sched/goexit.hpp"
#include "sched/process.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft {
namespace {

detail::scheduler* start(const runtime_options& options) {
  const detail::race::runtime_code in;
  if (detail::this_worker() != nullptr) {
    throw misuse("weft: runtime: made by a goroutine; a runtime is running already");
  }
  if (options.lock_main_thread) {
    throw std::invalid_argument(
        "weft: runtime_options.lock_main_thread: a runtime object has no main goroutine; use "
        "weft::run");
  }
  if (options.deterministic) {
    throw std::invalid_argument(
        "weft: runtime_options.deterministic: a runtime object works beside other threads; use "
        "weft::run, or weft::testing::bubble");
  }
  detail::refuse_after_fork("runtime");
  runtime_options resolved = detail::resolve(options);
  resolved.deterministic = false;  // WEFT_SEED is a seed for the choices here, no more
  auto* s = new detail::scheduler(resolved);
  if (!detail::scheduler::publish(s)) {
    delete s;
    throw misuse("weft: runtime: a runtime is running already");
  }
  detail::install_crash_handlers();
  try {
    s->start();
  } catch (...) {
    s->end();
    throw;
  }
  return s;
}

void check_outside(const detail::scheduler* s, const char* what) {
  if (s == nullptr) {
    throw misuse(std::string("weft: runtime::") + what + ": it was stopped");
  }
  if (detail::this_worker() != nullptr) {
    throw misuse(std::string("weft: runtime::") + what +
                 ": called from a goroutine, which would wait for itself");
  }
}

}  // namespace

runtime::runtime(const runtime_options& options) : scheduler_(start(options)) {}

runtime::~runtime() {
  if (scheduler_ != nullptr && detail::this_worker() != nullptr && !detail::beyond_runtime()) {
    detail::fatal_misuse("a runtime was destroyed by one of its goroutines");
  }
  stop();
}

std::size_t runtime::stop() {
  if (scheduler_ == nullptr || detail::beyond_runtime()) {
    return 0;
  }
  check_outside(scheduler_, "stop");
  const detail::race::runtime_code in;
  return std::exchange(scheduler_, nullptr)->end();
}

void runtime::wait() {
  check_outside(scheduler_, "wait");
  const detail::race::runtime_code in;
  scheduler_->await_no_goroutines(detail::never);
  detail::race::acquire(scheduler_->ended());
}

bool runtime::wait_for_ns(std::int64_t ns) {
  check_outside(scheduler_, "wait_for");
  const detail::race::runtime_code in;
  const bool none_lives = scheduler_->await_no_goroutines(detail::deadline_after_ns(ns));
  detail::race::acquire(scheduler_->ended());
  return none_lives;
}

void runtime::call_erased(void (*f)(void*), void* arg, std::source_location site) {
  if (scheduler_ == nullptr) {
    throw misuse("weft: runtime::call: it was stopped");
  }
  struct call {
    void (*f)(void*);
    void* arg;
    std::exception_ptr thrown;
    wait_group done;
  } c{f, arg, nullptr, {}};
  c.done.add(1);
  weft::go(
      [&c] {
        // However it ends, goexit included. Nothing of c is touched after done().
        struct at_the_end {
          wait_group& done;
          ~at_the_end() { done.done(); }
        } tell{c.done};
        try {
          c.f(c.arg);
        } catch (const detail::goexit_unwind&) {
          throw;
        } catch (...) {
          c.thrown = std::current_exception();
        }
      },
      site);
  c.done.wait();
  if (c.thrown != nullptr) {
    std::rethrow_exception(std::move(c.thrown));
  }
}

}  // namespace weft
