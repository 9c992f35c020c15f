// Select.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>

#include <array>
#include <optional>

#include "workloads.hpp"

// All four channels are ready at every select, so this also checks that the choice is uniform.
results select_ready_4(std::int64_t count) {
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

// Asks one of three channels, in turn, and waits for the answer; so the select that answers has to
// park each time. One operation is a select, and the answer.
results select_block_3(std::int64_t count) {
  std::array<weft::chan<std::int64_t>, 3> c;
  for (auto& ask : c) {
    ask = weft::make_chan<std::int64_t>();
  }
  auto answer = weft::make_chan<std::int64_t>();
  weft::go([c, answer, count] {
    const auto& [c0, c1, c2] = c;
    std::optional<std::int64_t> v;
    for (std::int64_t i = 0; i < count; ++i) {
      switch (weft::select(weft::recv(c0, v), weft::recv(c1, v), weft::recv(c2, v))) {
        case 0:
          answer.send(3 * *v);
          break;
        case 1:
          answer.send(3 * *v + 1);
          break;
        case 2:
          answer.send(3 * *v + 2);
          break;
      }
    }
  });
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    c[static_cast<std::size_t>(i % 3)].send(i / 3);
    bench::check(answer.recv() == i, "wrong answer to", i);
  }
  return watch.per_op(count);
}

// Two channels on which nobody sends.
results select_default(std::int64_t count) {
  auto a = weft::make_chan<std::int64_t>();
  auto b = weft::make_chan<std::int64_t>(1);
  std::int64_t nothing = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    if (weft::select(weft::recv(a), weft::recv(b), weft::otherwise()) == 2) {
      ++nothing;
    }
  }
  const measurement m = watch.per_op(count);
  bench::check(nothing == count, "times that nothing was there", nothing);
  return m;
}

// One such channel: how programs look whether they are to stop.
results select_default_1(std::int64_t count) {
  auto quit = weft::make_chan<weft::unit>();
  weft::unit v;
  std::int64_t nothing = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    if (quit.try_recv(v) == weft::chan_status::would_block) {
      ++nothing;
    }
  }
  const measurement m = watch.per_op(count);
  bench::check(nothing == count, "times that nothing was there", nothing);
  return m;
}
