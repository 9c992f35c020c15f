// Contexts: made and cancelled.
#include <weft/context.hpp>

#include <chrono>
#include <vector>

#include "workloads.hpp"

using namespace std::chrono_literals;

// A child of a context that can be cancelled: made, cancelled.
measurement ctx_cancel(std::int64_t count) {
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
measurement ctx_timeout(std::int64_t count) {
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
measurement ctx_fanout_10k(std::int64_t count) {
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
