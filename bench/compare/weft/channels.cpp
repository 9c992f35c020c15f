// Channels.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <optional>

#include "workloads.hpp"

results ping_pong(std::int64_t count) {
  count = std::max<std::int64_t>(count, 1);
  auto ping = weft::make_chan<std::int64_t>();
  auto pong = weft::make_chan<std::int64_t>();
  weft::go([ping, pong] {
    for (const std::int64_t v : ping) {
      pong.send(v + 1);
    }
    pong.close();
  });
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    ping.send(i);
    const std::optional<std::int64_t> v = pong.recv();
    bench::check(v == i + 1, "wrong answer to", i);
  }
  const measurement m = watch.per_op(count);
  ping.close();
  bench::check(!pong.recv(), "a value after the last", count);
  return m;
}

namespace {

// One producer, one consumer.
results pipe(std::int64_t count, std::size_t capacity) {
  auto c = weft::make_chan<std::int64_t>(capacity);
  const bench::stopwatch watch;
  weft::go([c, count] {
    for (std::int64_t i = 0; i < count; ++i) {
      c.send(i);
    }
    c.close();
  });
  std::int64_t sum = 0;
  for (const std::int64_t v : c) {
    sum += v;
  }
  const measurement m = watch.per_op(count);
  bench::check(sum == bench::sum_below(count), "sum", sum);
  return m;
}

// As many producers as consumers, all on one channel.
results crowd(std::int64_t count, int sides, std::size_t capacity) {
  const std::int64_t each = std::max<std::int64_t>(count / sides, 1);
  auto c = weft::make_chan<std::int64_t>(capacity);
  auto sums = weft::make_chan<std::int64_t>(static_cast<std::size_t>(sides));
  weft::wait_group producers;
  producers.add(sides);
  const bench::stopwatch watch;
  for (int p = 0; p < sides; ++p) {
    weft::go([&producers, c, each, first = p * each] {
      for (std::int64_t i = 0; i < each; ++i) {
        c.send(first + i);
      }
      producers.done();
    });
    weft::go([c, sums] {
      std::int64_t sum = 0;
      for (const std::int64_t v : c) {
        sum += v;
      }
      sums.send(sum);
    });
  }
  producers.wait();
  c.close();
  std::int64_t sum = 0;
  for (int i = 0; i < sides; ++i) {
    sum += *sums.recv();
  }
  const measurement m = watch.per_op(sides * each);
  bench::check(sum == bench::sum_below(sides * each), "sum", sum);
  return m;
}

}  // namespace

results spsc_1(std::int64_t count) { return pipe(count, 1); }
results spsc_128(std::int64_t count) { return pipe(count, 128); }
results mpmc_4x4_128(std::int64_t count) { return crowd(count, 4, 128); }
results hot_chan_8x8(std::int64_t count) { return crowd(count, 8, 0); }

results buf_uncontended(std::int64_t count) {
  auto c = weft::make_chan<std::int64_t>(16);
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    c.send(i);
    sum += *c.recv();
  }
  const measurement m = watch.per_op(count);
  bench::check(sum == bench::sum_below(count), "sum", sum);
  return m;
}

// The token is the number of hops left; who receives 0 reports its place.
results ring_503(std::int64_t count) {
  constexpr int size = 503;
  std::array<weft::chan<std::int64_t>, size> links;
  for (auto& link : links) {
    link = weft::make_chan<std::int64_t>();
  }
  auto last = weft::make_chan<std::int64_t>();
  weft::wait_group wg;
  wg.add(size);
  for (std::size_t i = 0; i < size; ++i) {
    weft::go([&wg, last, place = i, in = links[i], out = links[(i + 1) % size]] {
      for (const std::int64_t token : in) {
        if (token == 0) {
          last.send(static_cast<std::int64_t>(place));
        } else {
          out.send(token - 1);
        }
      }
      wg.done();
    });
  }
  count = std::max<std::int64_t>(count, 1);
  const bench::stopwatch watch;
  links[0].send(count);
  const std::int64_t place = *last.recv();
  const measurement m = watch.per_op(count);
  bench::check(place == count % size, "the token ended at place", place);
  for (auto& link : links) {
    link.close();
  }
  wg.wait();
  return m;
}
