#include <cstdio>
#include <weft/context.hpp>
#include <weft/errgroup.hpp>
#include <weft/runtime.hpp>

int main() {
  return weft::run([] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    cancel();
    weft::errgroup group;
    group.go([&ctx] { return ctx.err(); });
    const bool canceled = is(group.wait(), weft::canceled);
    std::printf("context_only %d\n", canceled ? 1 : 0);
    return canceled ? 0 : 1;
  });
}
