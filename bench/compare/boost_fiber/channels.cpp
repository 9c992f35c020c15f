// Channels. A buffered_channel's capacity is a power of two and one slot stays empty: 128 here
// holds 127 values, 2 hold 1.
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include <array>

#include "fibers.hpp"
#include "workloads.hpp"

using unbuffered = fibers::unbuffered_channel<std::int64_t>;
using buffered = fibers::buffered_channel<std::int64_t>;

results ping_pong(std::int64_t count) {
  count = std::max<std::int64_t>(count, 1);
  unbuffered ping;
  unbuffered pong;
  go([&] {
    for (const std::int64_t v : ping) {
      pong.push(v + 1);
    }
    pong.close();
  });
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    ping.push(i);
    bench::check(pong.value_pop() == i + 1, "wrong answer to", i);
  }
  const measurement m = watch.per_op(count);
  ping.close();
  std::int64_t ignored;
  bench::check(pong.pop(ignored) == fibers::channel_op_status::closed, "a value after the last",
               count);
  return m;
}

namespace {

// One producer, one consumer.
results pipe(std::int64_t count, std::size_t capacity) {
  buffered c(capacity);
  const bench::stopwatch watch;
  wait_group producer(1);
  go([&, count] {
    for (std::int64_t i = 0; i < count; ++i) {
      c.push(i);
    }
    c.close();
    producer.done();
  });
  std::int64_t sum = 0;
  for (const std::int64_t v : c) {
    sum += v;
  }
  const measurement m = watch.per_op(count);
  producer.wait();
  bench::check(sum == bench::sum_below(count), "sum", sum);
  return m;
}

// As many producers as consumers, all on one channel.
template <class Channel>
results crowd(std::int64_t count, int sides, Channel& c) {
  const std::int64_t each = std::max<std::int64_t>(count / sides, 1);
  buffered sums(2 * static_cast<std::size_t>(sides));
  wait_group producers(sides);
  wait_group consumers(sides);
  const bench::stopwatch watch;
  for (int p = 0; p < sides; ++p) {
    go([&, each, first = p * each] {
      for (std::int64_t i = 0; i < each; ++i) {
        c.push(first + i);
      }
      producers.done();
    });
    go([&] {
      std::int64_t sum = 0;
      for (const std::int64_t v : c) {
        sum += v;
      }
      sums.push(sum);
      consumers.done();
    });
  }
  producers.wait();
  c.close();
  std::int64_t sum = 0;
  for (int i = 0; i < sides; ++i) {
    sum += sums.value_pop();
  }
  const measurement m = watch.per_op(sides * each);
  consumers.wait();
  bench::check(sum == bench::sum_below(sides * each), "sum", sum);
  return m;
}

}  // namespace

results spsc_1(std::int64_t count) { return pipe(count, 2); }
results spsc_128(std::int64_t count) { return pipe(count, 128); }

results mpmc_4x4_128(std::int64_t count) {
  buffered c(128);
  return crowd(count, 4, c);
}

results hot_chan_8x8(std::int64_t count) {
  unbuffered c;
  return crowd(count, 8, c);
}

results buf_uncontended(std::int64_t count) {
  buffered c(16);
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    c.push(i);
    sum += c.value_pop();
  }
  const measurement m = watch.per_op(count);
  bench::check(sum == bench::sum_below(count), "sum", sum);
  return m;
}

// The token is the number of hops left; who receives 0 reports its place.
results ring_503(std::int64_t count) {
  constexpr int size = 503;
  std::array<unbuffered, size> links;
  unbuffered last;
  wait_group wg(size);
  for (std::size_t i = 0; i < size; ++i) {
    go([&wg, &last, place = i, &in = links[i], &out = links[(i + 1) % size]] {
      for (const std::int64_t token : in) {
        if (token == 0) {
          last.push(static_cast<std::int64_t>(place));
        } else {
          out.push(token - 1);
        }
      }
      wg.done();
    });
  }
  count = std::max<std::int64_t>(count, 1);
  const bench::stopwatch watch;
  links[0].push(count);
  const std::int64_t place = last.value_pop();
  const measurement m = watch.per_op(count);
  bench::check(place == count % size, "the token ended at place", place);
  for (unbuffered& link : links) {
    link.close();
  }
  wg.wait();
  return m;
}
