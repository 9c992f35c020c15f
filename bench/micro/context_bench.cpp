// Contexts: made, asked, cancelled.
#include <weft/chan.hpp>
#include <weft/context.hpp>

#include <array>
#include <atomic>
#include <chrono>

#include "micro.hpp"

namespace {

using micro::check;
using namespace std::chrono_literals;

void context_cancel_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    cancel();
    check(ctx.err() == weft::canceled, "it was cancelled");
  });
}
BENCHMARK(context_cancel_uncontended)->UseRealTime();

// A child of one that can be cancelled.
void context_cancel_child_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    auto [parent, cancel_parent] = weft::with_cancel(weft::background());
    for (auto _ : state) {
      auto [ctx, cancel] = weft::with_cancel(parent);
      cancel();
    }
    check(!parent.err(), "nobody cancelled the parent");
  });
}
BENCHMARK(context_cancel_child_uncontended)->UseRealTime();

const bool context_contended =
    micro::contended("context_cancel_child", [](benchmark::State& state, std::int64_t n) {
      auto [parent, cancel_parent] = weft::with_cancel(weft::background());
      micro::together(state, n, [&of = parent](std::int64_t) {
        auto [ctx, cancel] = weft::with_cancel(of);
        cancel();
      });
      check(!parent.err(), "nobody cancelled the parent");
    });

void context_timeout_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 1h);
    cancel();
    check(ctx.err() == weft::canceled, "it was cancelled");
  });
}
BENCHMARK(context_timeout_uncontended)->UseRealTime();

void context_deadline_passed_uncontended(benchmark::State& state) {
  const auto past = std::chrono::steady_clock::now() - 1s;
  micro::alone(state, [&] {
    auto [ctx, cancel] = weft::with_deadline(weft::background(), past);
    check(ctx.err() == weft::deadline_exceeded, "its time has come");
  });
}
BENCHMARK(context_deadline_passed_uncontended)->UseRealTime();

void context_err_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    for (auto _ : state) {
      check(!ctx.err(), "nobody cancelled it");
    }
  });
}
BENCHMARK(context_err_uncontended)->UseRealTime();

void context_done_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    check(static_cast<bool>(ctx.done()), "it can be cancelled");
  });
}
BENCHMARK(context_done_uncontended)->Name("context_make_done_uncontended")->UseRealTime();

struct user {
  int id;
};

void context_value_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    const weft::context ctx = weft::with_value(weft::background(), user{7});
    check(ctx.value<user>()->id == 7, "another value");
  });
}
BENCHMARK(context_value_uncontended)->Name("context_make_value_uncontended")->UseRealTime();

// Under `depth` contexts with other values.
void context_find_value_uncontended(benchmark::State& state) {
  weft::context ctx = weft::with_value(weft::background(), user{7});
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    ctx = weft::with_value(ctx, i);
  }
  micro::alone(state, [&] { check(ctx.value<user>()->id == 7, "another value"); });
}
BENCHMARK(context_find_value_uncontended)->ArgName("depth")->Arg(0)->Arg(10)->UseRealTime();

void context_after_func_stop_uncontended(benchmark::State& state) {
  std::atomic<std::int64_t> ran = 0;
  micro::on_runtime(1, state, [&] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    for (auto _ : state) {
      auto stop = weft::after_func(ctx, [&] { ++ran; });
      check(stop(), "nobody cancelled it");
    }
  });
  check(ran == 0, "how many calls ran");
}
BENCHMARK(context_after_func_stop_uncontended)->UseRealTime();

void context_after_func_runs_uncontended(benchmark::State& state) {
  std::int64_t ran = 0;
  micro::alone(state, [&] {
    weft::wait_group wg;
    wg.add(1);
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    auto stop = weft::after_func(ctx, [&] {
      ++ran;
      wg.done();
    });
    cancel();
    wg.wait();
  });
  check(ran == state.iterations(), "how many calls ran");
}
BENCHMARK(context_after_func_runs_uncontended)->UseRealTime();

void context_merge_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    auto [a, cancel_a] = weft::with_cancel(weft::background());
    auto [b, cancel_b] = weft::with_cancel(weft::background());
    for (auto _ : state) {
      const weft::context both = weft::merge(a, b);
      check(!both.err(), "nobody cancelled either");
    }
  });
}
BENCHMARK(context_merge_uncontended)->UseRealTime();

// One operation: one of `children` whose parent is cancelled.
void context_cancel_children_uncontended(benchmark::State& state) {
  const std::int64_t children = state.range(0);
  micro::on_runtime(1, state, [&] {
    while (state.KeepRunningBatch(children)) {
      auto [parent, cancel] = weft::with_cancel(weft::background());
      std::vector<weft::cancelable_context> all;
      all.reserve(static_cast<std::size_t>(children));
      for (std::int64_t i = 0; i < children; ++i) {
        all.push_back(weft::with_cancel(parent));
      }
      cancel();
      check(all.back().ctx.err() == weft::canceled, "the last child is cancelled");
    }
  });
}
BENCHMARK(context_cancel_children_uncontended)
    ->ArgName("children")
    ->Arg(10)
    ->Arg(10'000)
    ->UseRealTime();

// One operation: one of `waiters` goroutines that one cancellation lets go.
void context_cancel_waiters(benchmark::State& state) {
  const std::int64_t waiters = state.range(0);
  micro::on_runtime(state.range(1), state, [&] {
    while (state.KeepRunningBatch(waiters)) {
      auto [ctx, cancel] = weft::with_cancel(weft::background());
      auto never = weft::make_chan<int>();
      std::atomic<std::int64_t> arrived = 0;
      weft::wait_group ended;
      for (std::int64_t w = 0; w < waiters; ++w) {
        ended.go([&arrived, never, own = ctx] {
          int got = 0;
          ++arrived;
          check(never.recv(own, got) == weft::chan_status::canceled, "nobody sends here");
        });
      }
      micro::await_arrivals(arrived, waiters);
      cancel();
      ended.wait();
    }
  });
}
BENCHMARK(context_cancel_waiters)
    ->ArgNames({"waiters", "procs"})
    ->ArgsProduct({{1, 1000}, micro::one_and_two_procs})
    ->UseRealTime();

}  // namespace
