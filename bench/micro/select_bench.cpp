// Select: ready at once, with a default, with a time, parked, and contended.
#include <weft/chan.hpp>
#include <weft/select.hpp>

#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "micro.hpp"

namespace {

using micro::check;
using namespace std::chrono_literals;

// N channels that each hold a value; what is taken goes back into the same channel.
template <std::size_t N>
void select_ready(benchmark::State& state) {
  std::array<weft::chan<std::size_t>, N> c;
  for (std::size_t i = 0; i < N; ++i) {
    c[i] = weft::make_chan<std::size_t>(1);
    c[i].send(i);
  }
  std::optional<std::size_t> v;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    micro::alone(state, [&] {
      const std::size_t chosen = weft::select(weft::recv(c[I], v)...);
      check(v == chosen, "the value of another channel");
      c[chosen].send(chosen);
    });
  }
  (std::make_index_sequence<N>{});
}
BENCHMARK(select_ready<1>)->Name("select_ready_uncontended/cases:1")->UseRealTime();
BENCHMARK(select_ready<2>)->Name("select_ready_uncontended/cases:2")->UseRealTime();
BENCHMARK(select_ready<4>)->Name("select_ready_uncontended/cases:4")->UseRealTime();
BENCHMARK(select_ready<8>)->Name("select_ready_uncontended/cases:8")->UseRealTime();

// The same with a list of cases made at run time.
void select_list_ready_uncontended(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<weft::chan<std::size_t>> c(n);
  std::vector<weft::select_case> cases;
  std::optional<std::size_t> v;
  for (std::size_t i = 0; i < n; ++i) {
    c[i] = weft::make_chan<std::size_t>(1);
    c[i].send(i);
    cases.push_back(weft::recv(c[i], v));
  }
  micro::alone(state, [&] {
    const std::size_t chosen = weft::select(cases);
    check(v == chosen, "the value of another channel");
    c[chosen].send(chosen);
  });
}
BENCHMARK(select_list_ready_uncontended)
    ->ArgName("cases")
    ->Arg(2)
    ->Arg(4)
    ->Arg(16)
    ->Arg(64)
    ->UseRealTime();

void select_send_ready_uncontended(benchmark::State& state) {
  auto a = weft::make_chan<std::size_t>(1);
  auto b = weft::make_chan<std::size_t>(1);
  micro::alone(state, [&] {
    const std::size_t chosen =
        weft::select(weft::send(a, std::size_t{0}), weft::send(b, std::size_t{1}));
    check((chosen == 0 ? a : b).recv() == chosen, "the value of another case");
  });
}
BENCHMARK(select_send_ready_uncontended)->UseRealTime();

void select_default_uncontended(benchmark::State& state) {
  auto a = weft::make_chan<int>();
  auto b = weft::make_chan<int>(1);
  micro::alone(state, [&] {
    check(weft::select(weft::recv(a), weft::recv(b), weft::otherwise()) == 2, "a case was ready");
  });
}
BENCHMARK(select_default_uncontended)->UseRealTime();

// A time that is not needed.
void select_timeout_ready_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<int>(1);
  micro::alone(state, [&] {
    c.send(1);
    check(weft::select(weft::recv(c), weft::timeout(1h)) == 0, "an hour has passed");
  });
}
BENCHMARK(select_timeout_ready_uncontended)->UseRealTime();

// A time that comes: the select parks, a timer ends it.
void select_timeout_expires_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<int>();
  micro::alone(state, [&] {
    check(weft::select(weft::recv(c), weft::timeout(1ns)) == 1, "nobody sends here");
  });
}
BENCHMARK(select_timeout_expires_uncontended)->UseRealTime();

// Every select parks: the partner answers only after it was asked.
void select_parked_ping_pong(benchmark::State& state) {
  micro::on_runtime(state.range(0), state, [&] {
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
void take_from_either(std::int64_t selectors) {
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

const bool select_contended =
    micro::contended("select", [](benchmark::State& state, std::int64_t selectors) {
      micro::on_runtime(state.range(0), state, [&] {
        while (state.KeepRunningBatch(items)) {
          take_from_either(selectors);
        }
      });
    });

}  // namespace
