// Timers, tickers, sleep, calls after a time.
#include <weft/chan.hpp>
#include <weft/sleep.hpp>
#include <weft/time.hpp>

#include <atomic>
#include <chrono>
#include <optional>

#include "micro.hpp"

namespace {

using micro::check;
using namespace std::chrono_literals;

void now_uncontended(benchmark::State& state) {
  micro::alone(state, [] { benchmark::DoNotOptimize(weft::now()); });
}
BENCHMARK(now_uncontended)->UseRealTime();

// ---- times that do not come ----

void timer_start_stop_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    weft::timer t(1h);
    check(t.stop(), "an hour has passed");
  });
}
BENCHMARK(timer_start_stop_uncontended)->UseRealTime();

// Among as many others as `timers`.
void timer_start_stop_among_others_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    std::vector<weft::timer> others;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      others.emplace_back(1h + std::chrono::seconds(i));
    }
    for (auto _ : state) {
      weft::timer t(2h);
      check(t.stop(), "two hours have passed");
    }
  });
}
BENCHMARK(timer_start_stop_among_others_uncontended)
    ->ArgName("timers")
    ->Arg(1000)
    ->Arg(100'000)
    ->UseRealTime();

const bool timer_contended =
    micro::contended("timer_start_stop", [](benchmark::State& state, std::int64_t n) {
      micro::together(state, n, [](std::int64_t) {
        weft::timer t(1h);
        check(t.stop(), "an hour has passed");
      });
    });

void timer_reset_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    weft::timer t(1h);
    for (auto _ : state) {
      check(t.reset(1h), "an hour has passed");
    }
  });
}
BENCHMARK(timer_reset_uncontended)->UseRealTime();

void after_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    auto c = weft::after(1h);
    check(c.len() == 0, "an hour has passed");
  });
}
BENCHMARK(after_uncontended)->UseRealTime();

void ticker_start_stop_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    weft::ticker t(1h);
    t.stop();
  });
}
BENCHMARK(ticker_start_stop_uncontended)->UseRealTime();

void after_func_start_stop_uncontended(benchmark::State& state) {
  std::atomic<std::int64_t> ran = 0;
  micro::alone(state, [&] {
    auto call = weft::after_func(1h, [&] { ++ran; });
    check(call.stop(), "an hour has passed");
  });
  check(ran == 0, "how many calls ran");
}
BENCHMARK(after_func_start_stop_uncontended)->UseRealTime();

// ---- times that come: the goroutine parks until its worker has looked at the clock ----

void timer_fires_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    weft::timer t(1ns);
    check(t.chan().recv().has_value(), "the first time");
    for (auto _ : state) {
      t.reset(1ns);
      check(t.chan().recv().has_value(), "a time");
    }
  });
}
BENCHMARK(timer_fires_uncontended)->UseRealTime();

// The period is shorter than it takes: there is a tick whenever one is asked for.
void ticker_ticks_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    weft::ticker t(1ns);
    for (auto _ : state) {
      check(t.chan().recv().has_value(), "a tick");
    }
  });
}
BENCHMARK(ticker_ticks_uncontended)->UseRealTime();

void after_func_runs_uncontended(benchmark::State& state) {
  std::int64_t ran = 0;
  micro::alone(state, [&] {
    weft::wait_group wg;
    wg.add(1);
    auto call = weft::after_func(1ns, [&] {
      ++ran;
      wg.done();
    });
    wg.wait();
  });
  check(ran == state.iterations(), "how many calls ran");
}
BENCHMARK(after_func_runs_uncontended)->UseRealTime();

void sleep_0_uncontended(benchmark::State& state) {
  std::chrono::nanoseconds none = 0ns;
  micro::alone(state, [&] {
    benchmark::DoNotOptimize(none);  // or the compiler leaves nothing to measure
    weft::sleep(none);
  });
}
BENCHMARK(sleep_0_uncontended)->UseRealTime();

void sleep_1ns_uncontended(benchmark::State& state) {
  micro::alone(state, [] { weft::sleep(1ns); });
}
BENCHMARK(sleep_1ns_uncontended)->UseRealTime();

}  // namespace
