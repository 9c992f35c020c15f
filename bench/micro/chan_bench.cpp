// Channels: uncontended, in pairs, and with many goroutines on one channel.
#include <weft/chan.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <cstddef>
#include <optional>

#include "micro.hpp"

namespace {

using micro::check;

void chan_buffered_uncontended(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    auto c = weft::make_chan<std::int64_t>(16);
    std::int64_t sent = 0;
    for (auto _ : state) {
      c.send(sent);
      check(c.recv() == sent++, "another value came out");
    }
  });
}
BENCHMARK(chan_buffered_uncontended)->UseRealTime();

struct big {
  std::array<std::byte, 256> payload{};
  std::int64_t number = 0;
};

void chan_buffered_uncontended_big(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    auto c = weft::make_chan<big>(16);
    big value;
    for (auto _ : state) {
      ++value.number;
      c.send(value);
      check(c.recv()->number == value.number, "another value came out");
    }
  });
}
BENCHMARK(chan_buffered_uncontended_big)
    ->Name("chan_buffered_uncontended/bytes:264")
    ->UseRealTime();

void chan_try_recv_empty(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    auto c = weft::make_chan<int>(16);
    int value = 0;
    for (auto _ : state) {
      check(c.try_recv(value) == weft::chan_status::would_block, "the channel is not empty");
    }
  });
}
BENCHMARK(chan_try_recv_empty)->UseRealTime();

void chan_make(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    for (auto _ : state) {
      auto c = weft::make_chan<int>(static_cast<int>(state.range(0)));
      benchmark::DoNotOptimize(c);
    }
  });
}
BENCHMARK(chan_make)->ArgName("capacity")->Arg(0)->Arg(1)->Arg(128)->UseRealTime();

void chan_unbuffered_ping_pong(benchmark::State& state) {
  micro::on_runtime(state.range(0), [&] {
    auto ping = weft::make_chan<std::int64_t>();
    auto pong = weft::make_chan<std::int64_t>();
    weft::wait_group wg;
    wg.go([ping, pong] {
      for (const std::int64_t v : ping) {
        pong.send(v + 1);
      }
    });
    std::int64_t v = 0;
    for (auto _ : state) {
      ping.send(v);
      check(pong.recv() == ++v, "wrong answer");
    }
    ping.close();
    wg.wait();
  });
}
BENCHMARK(chan_unbuffered_ping_pong)
    ->ArgName("procs")
    ->ArgsProduct({micro::one_and_two_procs})
    ->UseRealTime();

// `senders` goroutines and as many receivers pass `items` numbers through c, each once.
void pass(const weft::chan<std::int64_t>& c, std::int64_t senders, std::int64_t items) {
  const std::int64_t each = items / senders;
  auto sums = weft::make_chan<std::int64_t>(senders);
  weft::wait_group sending;
  for (std::int64_t s = 0; s < senders; ++s) {
    sending.go([c, each, first = s * each] {
      for (std::int64_t i = 0; i < each; ++i) {
        c.send(first + i);
      }
    });
    weft::go([c, sums] {
      std::int64_t sum = 0;
      for (const std::int64_t v : c) {
        sum += v;
      }
      sums.send(sum);
    });
  }
  sending.wait();
  c.close();
  std::int64_t sum = 0;
  for (std::int64_t s = 0; s < senders; ++s) {
    sum += *sums.recv();
  }
  check(sum == micro::sum_below(items), "the sum of what was received");
}

constexpr std::int64_t items_per_batch = 16'000;

void chan_buffered_spsc(benchmark::State& state) {
  micro::on_runtime(state.range(1), [&] {
    while (state.KeepRunningBatch(items_per_batch)) {
      pass(weft::make_chan<std::int64_t>(state.range(0)), 1, items_per_batch);
    }
  });
}
BENCHMARK(chan_buffered_spsc)
    ->ArgNames({"capacity", "procs"})
    ->ArgsProduct({{1, 16, 128}, micro::one_and_two_procs})
    ->UseRealTime();

void chan_buffered_mpmc(benchmark::State& state) {
  micro::on_runtime(state.range(1), [&] {
    while (state.KeepRunningBatch(items_per_batch)) {
      pass(weft::make_chan<std::int64_t>(128), state.range(0), items_per_batch);
    }
  });
}
BENCHMARK(chan_buffered_mpmc)
    ->ArgNames({"senders", "procs"})
    ->ArgsProduct({{2, 4, 16}, micro::one_and_two_procs})
    ->UseRealTime();

void chan_unbuffered_mpmc(benchmark::State& state) {
  micro::on_runtime(state.range(1), [&] {
    while (state.KeepRunningBatch(items_per_batch)) {
      pass(weft::make_chan<std::int64_t>(), state.range(0), items_per_batch);
    }
  });
}
BENCHMARK(chan_unbuffered_mpmc)
    ->ArgNames({"senders", "procs"})
    ->ArgsProduct({{1, 4, 16}, micro::one_and_two_procs})
    ->UseRealTime();

}  // namespace
