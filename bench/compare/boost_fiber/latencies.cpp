// Workloads whose single operations are timed: the same as elsewhere, with a clock in the loop.
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include <algorithm>
#include <mutex>

#include "fibers.hpp"
#include "workloads.hpp"

using bench::latencies;
using bench::now_ns;

using unbuffered = fibers::unbuffered_channel<std::int64_t>;
using buffered = fibers::buffered_channel<std::int64_t>;

latencies ping_pong_each(std::int64_t n) {
  latencies all(static_cast<std::size_t>(n));
  unbuffered ping;
  unbuffered pong;
  wait_group partner(1);
  go([&] {
    for (const std::int64_t v : ping) {
      pong.push(v + 1);
    }
    partner.done();
  });
  for (std::int64_t& ns : all) {
    const std::int64_t began = now_ns();
    ping.push(began);
    const std::int64_t v = pong.value_pop();
    ns = now_ns() - began;
    bench::check(v == began + 1, "wrong answer", v);
  }
  ping.close();
  partner.wait();
  return all;
}

latencies spawn_one_each(std::int64_t n) {
  latencies all(static_cast<std::size_t>(n));
  for (std::int64_t& ns : all) {
    bool ran = false;
    const std::int64_t began = now_ns();
    wait_group wg(1);
    go([&] {
      ran = true;
      wg.done();
    });
    wg.wait();
    ns = now_ns() - began;
    bench::check(ran, "no fiber ran", 0);
  }
  return all;
}

namespace {

// From before the send until after the receive: what is sent is the time.
template <class Channel>
latencies through(Channel& c, std::int64_t n, std::int64_t sides) {
  const std::int64_t each = std::max<std::int64_t>(n / sides, 1);
  std::vector<latencies> parts(static_cast<std::size_t>(sides));
  for (latencies& mine : parts) {
    mine.resize(static_cast<std::size_t>(each * sides));
  }
  wait_group producers(sides);
  wait_group consumers(sides);
  for (latencies& mine : parts) {
    go([&, each] {
      for (std::int64_t i = 0; i < each; ++i) {
        c.push(now_ns());
      }
      producers.done();
    });
    go([&] {
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

latencies spsc_1_each(std::int64_t n) {
  buffered c(2);
  return through(c, n, 1);
}

latencies spsc_128_each(std::int64_t n) {
  buffered c(128);
  return through(c, n, 1);
}

latencies mpmc_4x4_128_each(std::int64_t n) {
  buffered c(128);
  return through(c, n, 4);
}

latencies hot_chan_8x8_each(std::int64_t n) {
  unbuffered c;
  return through(c, n, 8);
}

latencies buf_uncontended_each(std::int64_t n) {
  latencies all(static_cast<std::size_t>(n));
  buffered c(16);
  for (std::int64_t& ns : all) {
    c.push(now_ns());
    const std::int64_t sent = c.value_pop();
    ns = now_ns() - sent;
  }
  return all;
}

// How long it takes to have the mutex.
latencies mutex_contended_8_each(std::int64_t n) {
  constexpr std::int64_t holders = 8;
  std::vector<latencies> parts(holders);
  for (latencies& mine : parts) {
    mine.resize(static_cast<std::size_t>(std::max<std::int64_t>(n / holders, 1)));
  }
  fibers::mutex m;
  std::size_t held = 0;
  wait_group wg(holders);
  for (latencies& mine : parts) {
    go([&] {
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
