// Channels and select.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <optional>

#include "workloads.hpp"

measurement ping_pong(std::int64_t count) {
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

measurement spsc_128(std::int64_t count) {
  auto c = weft::make_chan<std::int64_t>(128);
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

measurement buf_uncontended(std::int64_t count) {
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

measurement mpmc_4x4_128(std::int64_t count) {
  constexpr int sides = 4;
  const std::int64_t each = std::max<std::int64_t>(count / sides, 1);
  auto c = weft::make_chan<std::int64_t>(128);
  auto sums = weft::make_chan<std::int64_t>(sides);
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

// All four channels are ready at every select, so this also checks that the choice is uniform.
measurement select_ready_4(std::int64_t count) {
  count = std::max<std::int64_t>(count, 4000);  // with fewer, 20..30 % would be a matter of luck
  std::array<weft::chan<std::size_t>, 4> c;
  for (std::size_t i = 0; i < c.size(); ++i) {
    c[i] = weft::make_chan<std::size_t>(1);
    c[i].send(i);
  }
  const auto& [c0, c1, c2, c3] = c;
  std::array<std::int64_t, 4> chosen{};
  std::optional<std::size_t> v;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    switch (
        weft::select(weft::recv(c0, v), weft::recv(c1, v), weft::recv(c2, v), weft::recv(c3, v))) {
      case 0:
        ++chosen[*v];
        c0.send(*v);
        break;
      case 1:
        ++chosen[*v];
        c1.send(*v);
        break;
      case 2:
        ++chosen[*v];
        c2.send(*v);
        break;
      case 3:
        ++chosen[*v];
        c3.send(*v);
        break;
    }
  }
  const measurement m = watch.per_op(count);
  bench::check_shares(chosen);
  for (std::size_t i = 0; i < c.size(); ++i) {
    bench::check(c[i].recv() == i, "a channel lost its value", static_cast<std::int64_t>(i));
  }
  return m;
}

// The token is the number of hops left; who receives 0 reports its place.
measurement ring_503(std::int64_t count) {
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
