// Select: ready at once, with a default, parked, and contended.
#include <weft/chan.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <optional>
#include <utility>

#include "micro.hpp"

namespace {

using micro::check;

// N channels that each hold a value; what is taken goes back into the same channel.
template <std::size_t N>
void select_ready(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    std::array<weft::chan<std::size_t>, N> c;
    for (std::size_t i = 0; i < N; ++i) {
      c[i] = weft::make_chan<std::size_t>(1);
      c[i].send(i);
    }
    std::optional<std::size_t> v;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      for (auto _ : state) {
        const std::size_t chosen = weft::select(weft::recv(c[I], v)...);
        check(v == chosen, "the value of another channel");
        c[chosen].send(chosen);
      }
    }
    (std::make_index_sequence<N>{});
  });
}
BENCHMARK(select_ready<1>)->Name("select_ready/cases:1")->UseRealTime();
BENCHMARK(select_ready<2>)->Name("select_ready/cases:2")->UseRealTime();
BENCHMARK(select_ready<4>)->Name("select_ready/cases:4")->UseRealTime();
BENCHMARK(select_ready<8>)->Name("select_ready/cases:8")->UseRealTime();

// The same with a list of cases made at run time.
void select_list_ready(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    const auto n = static_cast<std::size_t>(state.range(0));
    std::vector<weft::chan<std::size_t>> c(n);
    std::vector<weft::select_case> cases;
    std::optional<std::size_t> v;
    for (std::size_t i = 0; i < n; ++i) {
      c[i] = weft::make_chan<std::size_t>(1);
      c[i].send(i);
      cases.push_back(weft::recv(c[i], v));
    }
    for (auto _ : state) {
      const std::size_t chosen = weft::select(cases);
      check(v == chosen, "the value of another channel");
      c[chosen].send(chosen);
    }
  });
}
BENCHMARK(select_list_ready)->ArgName("cases")->Arg(2)->Arg(4)->Arg(16)->Arg(64)->UseRealTime();

void select_otherwise(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>(1);
    for (auto _ : state) {
      check(weft::select(weft::recv(a), weft::recv(b), weft::otherwise()) == 2, "a case was ready");
    }
  });
}
BENCHMARK(select_otherwise)->UseRealTime();

// Every select parks: the partner answers only after it was asked.
void select_parked_ping_pong(benchmark::State& state) {
  micro::on_runtime(state.range(0), [&] {
    auto ping = weft::make_chan<std::int64_t>();
    auto pong = weft::make_chan<std::int64_t>();
    auto quit = weft::make_chan<weft::unit>();
    weft::wait_group wg;
    wg.go([&] {
      std::optional<std::int64_t> v;
      while (weft::select(weft::recv(ping, v), weft::recv(quit)) == 0) {
        pong.send(*v + 1);
      }
    });
    std::optional<std::int64_t> v;
    std::int64_t sent = 0;
    for (auto _ : state) {
      ping.send(sent);
      check(weft::select(weft::recv(pong, v), weft::recv(quit)) == 0, "nobody quits here");
      check(v == ++sent, "wrong answer");
    }
    quit.close();
    wg.wait();
  });
}
BENCHMARK(select_parked_ping_pong)
    ->ArgName("procs")
    ->ArgsProduct({micro::one_and_two_procs})
    ->UseRealTime();

constexpr std::int64_t items = 16'000;  // per batch

// `selectors` goroutines receive from either of two channels that two senders fill.
void select_contended(benchmark::State& state) {
  const std::int64_t selectors = state.range(0);
  micro::on_runtime(state.range(1), [&] {
    while (state.KeepRunningBatch(items)) {
      std::array<weft::chan<std::int64_t>, 2> c = {weft::make_chan<std::int64_t>(16),
                                                   weft::make_chan<std::int64_t>(16)};
      auto sums = weft::make_chan<std::int64_t>(selectors);
      for (std::int64_t s = 0; s < 2; ++s) {
        weft::go([to = c[static_cast<std::size_t>(s)], s] {
          for (std::int64_t i = s; i < items; i += 2) {
            to.send(i);
          }
          to.close();
        });
      }
      for (std::int64_t s = 0; s < selectors; ++s) {
        weft::go([a = c[0], b = c[1], sums]() mutable {
          std::int64_t sum = 0;
          std::optional<std::int64_t> v;
          for (int open = 2; open > 0;) {
            const std::size_t chosen = weft::select(weft::recv(a, v), weft::recv(b, v));
            if (v) {
              sum += *v;
            } else {
              (chosen == 0 ? a : b) = nullptr;  // closed; as nil it is never ready again
              --open;
            }
          }
          sums.send(sum);
        });
      }
      std::int64_t sum = 0;
      for (std::int64_t s = 0; s < selectors; ++s) {
        sum += *sums.recv();
      }
      check(sum == micro::sum_below(items), "the sum of what was received");
    }
  });
}
BENCHMARK(select_contended)
    ->ArgNames({"selectors", "procs"})
    ->ArgsProduct({{1, 4, 16}, micro::one_and_two_procs})
    ->UseRealTime();

}  // namespace
