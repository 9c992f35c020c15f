// Channels: alone, in pairs, and with many goroutines on one channel.
#include <weft/chan.hpp>
#include <weft/context.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>

#include "micro.hpp"

namespace {

using micro::check;
using namespace std::chrono_literals;

void chan_make_uncontended(benchmark::State& state) {
  micro::alone(state, [&] {
    auto c = weft::make_chan<int>(static_cast<int>(state.range(0)));
    benchmark::DoNotOptimize(c);
  });
}
BENCHMARK(chan_make_uncontended)->ArgName("capacity")->Arg(0)->Arg(1)->Arg(128)->UseRealTime();

void chan_make_close_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    auto c = weft::make_chan<int>();
    c.close();
    check(!c.recv(), "a closed channel gave a value");
  });
}
BENCHMARK(chan_make_close_uncontended)->UseRealTime();

// ---- one goroutine ----

struct big {
  std::array<std::byte, 256> payload{};
  std::int64_t number = 0;
};

void chan_buffered_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<std::int64_t>(16);
  std::int64_t sent = 0;
  micro::alone(state, [&] {
    c.send(sent);
    check(c.recv() == sent++, "another value came out");
  });
}
BENCHMARK(chan_buffered_uncontended)->UseRealTime();

void chan_buffered_uncontended_big(benchmark::State& state) {
  auto c = weft::make_chan<big>(16);
  big value;
  micro::alone(state, [&] {
    ++value.number;
    c.send(value);
    check(c.recv()->number == value.number, "another value came out");
  });
}
BENCHMARK(chan_buffered_uncontended_big)
    ->Name("chan_buffered_uncontended/bytes:264")
    ->UseRealTime();

void chan_try_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<std::int64_t>(16);
  std::int64_t sent = 0, got = 0;
  micro::alone(state, [&] {
    check(c.try_send(++sent) == weft::chan_status::ok, "the channel is full");
    check(c.try_recv(got) == weft::chan_status::ok && got == sent, "another value came out");
  });
}
BENCHMARK(chan_try_uncontended)->UseRealTime();

void chan_try_recv_empty_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<int>(16);
  int value = 0;
  micro::alone(state, [&] {
    check(c.try_recv(value) == weft::chan_status::would_block, "the channel is not empty");
  });
}
BENCHMARK(chan_try_recv_empty_uncontended)->UseRealTime();

void chan_try_send_full_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<int>();
  micro::alone(state,
               [&] { check(c.try_send(1) == weft::chan_status::would_block, "nobody receives"); });
}
BENCHMARK(chan_try_send_full_uncontended)->UseRealTime();

void chan_recv_closed_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<int>();
  c.close();
  micro::alone(state, [&] { check(!c.recv(), "a closed channel gave a value"); });
}
BENCHMARK(chan_recv_closed_uncontended)->UseRealTime();

void chan_len_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<int>(16);
  c.send(1);
  micro::alone(state, [&] { check(c.len() == 1, "how much is in the channel"); });
}
BENCHMARK(chan_len_uncontended)->UseRealTime();

// With a limit that is not needed.
void chan_with_time_uncontended(benchmark::State& state) {
  auto c = weft::make_chan<std::int64_t>(16);
  std::int64_t sent = 0, got = 0;
  micro::alone(state, [&] {
    check(c.send_for(++sent, 1h) == weft::chan_status::ok, "the channel is full");
    check(c.recv_for(got, 1h) == weft::chan_status::ok && got == sent, "another value came out");
  });
}
BENCHMARK(chan_with_time_uncontended)->UseRealTime();

void chan_with_context_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    auto c = weft::make_chan<std::int64_t>(16);
    std::int64_t sent = 0, got = 0;
    for (auto _ : state) {
      check(c.send(ctx, ++sent) == weft::chan_status::ok, "the channel is full");
      check(c.recv(ctx, got) == weft::chan_status::ok && got == sent, "another value came out");
    }
  });
}
BENCHMARK(chan_with_context_uncontended)->UseRealTime();

// ---- two goroutines that take turns ----

void chan_unbuffered_ping_pong(benchmark::State& state) {
  micro::on_runtime(state.range(0), state, [&] {
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

// ---- many goroutines ----

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

void pass_in_batches(benchmark::State& state, std::int64_t procs, std::int64_t senders,
                     std::int64_t capacity) {
  micro::on_runtime(procs, state, [&] {
    while (state.KeepRunningBatch(items_per_batch)) {
      pass(weft::make_chan<std::int64_t>(capacity), senders, items_per_batch);
    }
  });
}

void chan_one_to_one(benchmark::State& state) {
  pass_in_batches(state, state.range(1), 1, state.range(0));
}
BENCHMARK(chan_one_to_one)
    ->ArgNames({"capacity", "procs"})
    ->ArgsProduct({{0, 1, 16, 128}, micro::one_and_two_procs})
    ->UseRealTime();

// As many receivers as senders, and N of both.
const bool chan_contended =
    micro::contended("chan_unbuffered",
                     [](benchmark::State& state, std::int64_t n) {
                       pass_in_batches(state, state.range(0), n / 2, 0);
                     }) &&
    micro::contended("chan_buffered", [](benchmark::State& state, std::int64_t n) {
      pass_in_batches(state, state.range(0), n / 2, 128);
    });

// One operation: one of `waiters` receivers, all of whom one close() lets go.
void chan_close_waiters(benchmark::State& state) {
  const std::int64_t waiters = state.range(0);
  micro::on_runtime(state.range(1), state, [&] {
    while (state.KeepRunningBatch(waiters)) {
      auto c = weft::make_chan<int>();
      std::atomic<std::int64_t> arrived = 0;
      weft::wait_group ended;
      for (std::int64_t w = 0; w < waiters; ++w) {
        ended.go([&] {
          ++arrived;
          check(!c.recv(), "nobody sent");
        });
      }
      micro::await_arrivals(arrived, waiters);
      c.close();
      ended.wait();
    }
  });
}
BENCHMARK(chan_close_waiters)
    ->ArgNames({"waiters", "procs"})
    ->ArgsProduct({{1, 1000}, micro::one_and_two_procs})
    ->UseRealTime();

}  // namespace
