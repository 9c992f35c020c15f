// Contexts, made and cancelled; and groups of goroutines with a context.
#include <weft/context.hpp>
#include <weft/errgroup.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "workloads.hpp"

using namespace std::chrono_literals;

// A child of a context that can be cancelled: made, cancelled.
results ctx_cancel(std::int64_t count) {
  auto [parent, cancel_parent] = weft::with_cancel(weft::background());
  std::int64_t canceled = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    auto [ctx, cancel] = weft::with_cancel(parent);
    cancel();
    canceled += ctx.err() ? 1 : 0;
  }
  const measurement took = watch.per_op(count);
  bench::check(canceled == count, "contexts that were cancelled", canceled);
  return took;
}

// The same with a timeout of an hour.
results ctx_timeout(std::int64_t count) {
  auto [parent, cancel_parent] = weft::with_cancel(weft::background());
  std::int64_t canceled = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < count; ++i) {
    auto [ctx, cancel] = weft::with_timeout(parent, 1h);
    cancel();
    canceled += ctx.err() ? 1 : 0;
  }
  const measurement took = watch.per_op(count);
  bench::check(canceled == count, "contexts that were cancelled", canceled);
  return took;
}

// A parent with 10 000 children, cancelled at once. One operation is a child.
results ctx_fanout_10k(std::int64_t count) {
  constexpr std::int64_t children = 10'000;
  const std::int64_t rounds = std::max<std::int64_t>(count / children, 1);
  std::int64_t canceled = 0;
  const bench::stopwatch watch;
  for (std::int64_t r = 0; r < rounds; ++r) {
    auto [parent, cancel_parent] = weft::with_cancel(weft::background());
    std::vector<decltype(weft::with_cancel(parent))> all;
    all.reserve(children);
    for (std::int64_t i = 0; i < children; ++i) {
      all.push_back(weft::with_cancel(parent));
    }
    cancel_parent();
    for (const auto& child : all) {
      canceled += child.ctx.err() ? 1 : 0;
    }
  }
  const measurement took = watch.per_op(rounds * children);
  bench::check(canceled == rounds * children, "children that were cancelled", canceled);
  return took;
}

// A thousand items, eight at a time, again and again. One operation is an item.
results errgroup_map(std::int64_t count) {
  constexpr int items = 1000;
  constexpr int limit = 8;
  const std::int64_t rounds = std::max<std::int64_t>(count / items, 1);
  std::array<std::int64_t, items> mapped{};
  const bench::stopwatch watch;
  for (std::int64_t r = 0; r < rounds; ++r) {
    auto [group, ctx] = weft::errgroup::with_context(weft::background());
    group.set_limit(limit);
    for (std::int64_t i = 0; i < items; ++i) {
      group.go([&, i]() -> weft::error {
        mapped[static_cast<std::size_t>(i)] += i * i;
        return {};
      });
    }
    bench::check(!group.wait(), "an error in round", r);
  }
  const measurement took = watch.per_op(rounds * items);
  for (std::int64_t i = 0; i < items; ++i) {
    bench::check(mapped[static_cast<std::size_t>(i)] == rounds * i * i, "item", i);
  }
  return took;
}
