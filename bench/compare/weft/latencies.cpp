// Workloads whose single operations are timed: the same as elsewhere, with a clock in the loop.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <mutex>

#include "workloads.hpp"

using bench::latencies;
using bench::now_ns;

latencies ping_pong_each(std::int64_t n) {
  latencies all(static_cast<std::size_t>(n));
  auto ping = weft::make_chan<std::int64_t>();
  auto pong = weft::make_chan<std::int64_t>();
  weft::go([ping, pong] {
    for (const std::int64_t v : ping) {
      pong.send(v + 1);
    }
  });
  for (std::int64_t& ns : all) {
    const std::int64_t began = now_ns();
    ping.send(began);
    const std::optional<std::int64_t> v = pong.recv();
    ns = now_ns() - began;
    bench::check(v == began + 1, "wrong answer", v.value_or(0));
  }
  ping.close();
  return all;
}

latencies spawn_one_each(std::int64_t n) {
  latencies all(static_cast<std::size_t>(n));
  for (std::int64_t& ns : all) {
    bool ran = false;
    const std::int64_t began = now_ns();
    weft::wait_group wg;
    wg.add(1);
    weft::go([&] {
      ran = true;
      wg.done();
    });
    wg.wait();
    ns = now_ns() - began;
    bench::check(ran, "no goroutine ran", 0);
  }
  return all;
}

namespace {

// From before the send until after the receive: what is sent is the time.
latencies through_channel(std::int64_t n, std::int64_t sides, std::size_t capacity) {
  const std::int64_t each = std::max<std::int64_t>(n / sides, 1);
  std::vector<latencies> parts(static_cast<std::size_t>(sides));
  for (latencies& mine : parts) {
    mine.resize(static_cast<std::size_t>(each * sides));
  }
  auto c = weft::make_chan<std::int64_t>(capacity);
  weft::wait_group producers;
  weft::wait_group consumers;
  producers.add(static_cast<int>(sides));
  consumers.add(static_cast<int>(sides));
  for (latencies& mine : parts) {
    weft::go([&producers, c, each] {
      for (std::int64_t i = 0; i < each; ++i) {
        c.send(now_ns());
      }
      producers.done();
    });
    weft::go([&consumers, &mine, c] {
      std::size_t received = 0;
      for (const std::int64_t sent : c) {
        mine[received++] = now_ns() - sent;
      }
      mine.resize(received);
      consumers.done();
    });
  }
  producers.wait();
  c.close();
  consumers.wait();
  latencies all = bench::joined(parts);
  bench::check(static_cast<std::int64_t>(all.size()) == each * sides, "values received",
               static_cast<std::int64_t>(all.size()));
  return all;
}

}  // namespace

latencies spsc_1_each(std::int64_t n) { return through_channel(n, 1, 1); }
latencies spsc_128_each(std::int64_t n) { return through_channel(n, 1, 128); }
latencies mpmc_4x4_128_each(std::int64_t n) { return through_channel(n, 4, 128); }
latencies hot_chan_8x8_each(std::int64_t n) { return through_channel(n, 8, 0); }

latencies buf_uncontended_each(std::int64_t n) {
  latencies all(static_cast<std::size_t>(n));
  auto c = weft::make_chan<std::int64_t>(16);
  for (std::int64_t& ns : all) {
    c.send(now_ns());
    const std::int64_t sent = *c.recv();
    ns = now_ns() - sent;
  }
  return all;
}

// How long it takes to have the mutex.
latencies mutex_contended_8_each(std::int64_t n) {
  constexpr std::int64_t goroutines = 8;
  std::vector<latencies> parts(goroutines);
  for (latencies& mine : parts) {
    mine.resize(static_cast<std::size_t>(std::max<std::int64_t>(n / goroutines, 1)));
  }
  weft::mutex m;
  std::size_t held = 0;
  weft::wait_group wg;
  wg.add(goroutines);
  for (latencies& mine : parts) {
    weft::go([&] {
      for (std::int64_t& ns : mine) {
        const std::int64_t began = now_ns();
        std::lock_guard hold(m);
        ns = now_ns() - began;
        ++held;
      }
      wg.done();
    });
  }
  wg.wait();
  latencies all = bench::joined(parts);
  bench::check(held == all.size(), "times locked", static_cast<std::int64_t>(held));
  return all;
}
