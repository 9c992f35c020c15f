// wait_group, once, once_value, cond_var.
#include <weft/cond_var.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/once_value.hpp>

#include <atomic>
#include <chrono>
#include <mutex>

#include "micro.hpp"

namespace {

using micro::check;
using namespace std::chrono_literals;

// ---- wait_group ----

void wait_group_add_done_uncontended(benchmark::State& state) {
  weft::wait_group wg;
  micro::alone(state, [&] {
    wg.add(1);
    wg.done();
  });
}
BENCHMARK(wait_group_add_done_uncontended)->UseRealTime();

void wait_group_wait_for_nothing_uncontended(benchmark::State& state) {
  weft::wait_group wg;
  micro::alone(state, [&] { check(wg.wait_for(1h), "an hour has passed"); });
}
BENCHMARK(wait_group_wait_for_nothing_uncontended)->UseRealTime();

const bool wait_group_contended =
    micro::contended("wait_group_add_done", [](benchmark::State& state, std::int64_t n) {
      weft::wait_group shared;
      micro::together(state, n, [&](std::int64_t) {
        shared.add(1);
        shared.done();
      });
    });

// One operation: one of `waiters` goroutines that one done() lets go.
void wait_group_release(benchmark::State& state) {
  const std::int64_t waiters = state.range(0);
  micro::on_runtime(state.range(1), state, [&] {
    std::atomic<std::int64_t> released = 0;
    while (state.KeepRunningBatch(waiters)) {
      std::atomic<std::int64_t> arrived = 0;
      weft::wait_group gate;
      weft::wait_group ended;
      gate.add(1);
      for (std::int64_t w = 0; w < waiters; ++w) {
        ended.go([&] {
          ++arrived;
          gate.wait();
          ++released;
        });
      }
      micro::await_arrivals(arrived, waiters);
      gate.done();
      ended.wait();
    }
    check(released == state.iterations(), "how many were released");
  });
}
BENCHMARK(wait_group_release)
    ->ArgNames({"waiters", "procs"})
    ->ArgsProduct({{1, 100}, micro::one_and_two_procs})
    ->UseRealTime();

// ---- once ----

void once_done_uncontended(benchmark::State& state) {
  weft::once once;
  int ran = 0;
  micro::alone(state, [&] { once.do_([&] { ++ran; }); });
  check(ran == 1, "how often once ran");
}
BENCHMARK(once_done_uncontended)->UseRealTime();

void once_first_uncontended(benchmark::State& state) {
  std::int64_t ran = 0;
  micro::alone(state, [&] {
    weft::once once;
    once.do_([&] { ++ran; });
  });
  check(ran == state.iterations(), "how often once ran");
}
BENCHMARK(once_first_uncontended)->UseRealTime();

void once_value_uncontended(benchmark::State& state) {
  weft::once_value answer([] { return 42; });
  micro::alone(state, [&] { check(answer() == 42, "another value"); });
}
BENCHMARK(once_value_uncontended)->UseRealTime();

const bool once_contended =
    micro::contended("once_done", [](benchmark::State& state, std::int64_t n) {
      weft::once once;
      int ran = 0;
      micro::together(state, n, [&](std::int64_t) { once.do_([&] { ++ran; }); });
      check(ran == 1, "how often once ran");
    });

// ---- cond_var ----

void cond_var_notify_nobody_uncontended(benchmark::State& state) {
  weft::cond_var changed;
  micro::alone(state, [&] { changed.notify_one(); });
}
BENCHMARK(cond_var_notify_nobody_uncontended)->UseRealTime();

// One operation: a turn to the partner and back.
void cond_var_ping_pong(benchmark::State& state) {
  micro::on_runtime(state.range(0), state, [&] {
    weft::mutex m;
    weft::cond_var changed;
    std::int64_t turn = 0;  // guarded by m; odd: the partner's
    bool stop = false;      // guarded by m
    weft::wait_group wg;
    wg.go([&] {
      std::unique_lock lock(m);
      for (;;) {
        changed.wait(lock, [&] { return turn % 2 == 1 || stop; });
        if (stop) {
          return;
        }
        ++turn;
        changed.notify_one();
      }
    });
    {
      std::unique_lock lock(m);
      for (auto _ : state) {
        ++turn;
        changed.notify_one();
        changed.wait(lock, [&] { return turn % 2 == 0; });
      }
      check(turn == 2 * state.iterations(), "turns");
      stop = true;
      changed.notify_one();
    }
    wg.wait();
  });
}
BENCHMARK(cond_var_ping_pong)
    ->ArgName("procs")
    ->ArgsProduct({micro::one_and_two_procs})
    ->UseRealTime();

// One operation: one of `waiters` goroutines that one notify_all() lets go.
void cond_var_notify_all(benchmark::State& state) {
  const std::int64_t waiters = state.range(0);
  micro::on_runtime(state.range(1), state, [&] {
    std::int64_t released = 0;  // guarded by m
    weft::mutex m;
    while (state.KeepRunningBatch(waiters)) {
      weft::cond_var changed;
      bool go_on = false;  // guarded by m
      std::atomic<std::int64_t> arrived = 0;
      weft::wait_group ended;
      for (std::int64_t w = 0; w < waiters; ++w) {
        ended.go([&] {
          std::unique_lock lock(m);
          ++arrived;
          changed.wait(lock, [&] { return go_on; });
          ++released;
        });
      }
      micro::await_arrivals(arrived, waiters);
      {
        std::lock_guard lock(m);
        go_on = true;
      }
      changed.notify_all();
      ended.wait();
    }
    check(released == state.iterations(), "how many were released");
  });
}
BENCHMARK(cond_var_notify_all)
    ->ArgNames({"waiters", "procs"})
    ->ArgsProduct({{1, 100}, micro::one_and_two_procs})
    ->UseRealTime();

}  // namespace
