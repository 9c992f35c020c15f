// What goroutines use rather than wait for: pool, goroutine_local, error.
#include <weft/error.hpp>
#include <weft/goroutine_local.hpp>
#include <weft/pool.hpp>

#include <string>
#include <string_view>

#include "micro.hpp"

namespace {

using micro::check;

// ---- pool ----

void pool_uncontended(benchmark::State& state) {
  weft::pool<std::string> buffers;
  micro::alone(state, [&] {
    std::string s = buffers.get();
    check(buffers.put(std::move(s)), "there is room");
  });
}
BENCHMARK(pool_uncontended)->UseRealTime();

void pool_borrow_uncontended(benchmark::State& state) {
  weft::pool<std::string> buffers;
  micro::alone(state, [&] {
    auto s = buffers.borrow();
    check(s->empty(), "nobody wrote into it");
  });
}
BENCHMARK(pool_borrow_uncontended)->UseRealTime();

const bool pool_contended = micro::contended("pool", [](benchmark::State& state, std::int64_t n) {
  weft::pool<std::string> buffers;
  micro::together(state, n, [&](std::int64_t) {
    auto s = buffers.borrow();
    check(s->empty(), "nobody wrote into it");
  });
});

// ---- goroutine_local ----

void goroutine_local_get_uncontended(benchmark::State& state) {
  weft::goroutine_local<std::int64_t> mine;
  std::int64_t last = 0;
  micro::alone(state, [&] { last = ++*mine; });
  check(last == state.iterations(), "how often it was counted");
}
BENCHMARK(goroutine_local_get_uncontended)->UseRealTime();

void goroutine_local_set_reset_uncontended(benchmark::State& state) {
  weft::goroutine_local<std::int64_t> mine;
  micro::alone(state, [&] {
    mine.set(7);
    mine.reset();
  });
}
BENCHMARK(goroutine_local_set_reset_uncontended)->UseRealTime();

const bool goroutine_local_contended =
    micro::contended("goroutine_local_get", [](benchmark::State& state, std::int64_t n) {
      weft::goroutine_local<std::int64_t> mine;
      micro::together(state, n, [&](std::int64_t) { benchmark::DoNotOptimize(++*mine); });
    });

// ---- error ----

constinit const weft::static_error not_found("not found");

void error_static_copy_uncontended(benchmark::State& state) {
  const weft::error e(not_found);
  micro::alone(state, [&] {
    const weft::error copy = e;
    check(copy == e, "a copy is equal");
  });
}
BENCHMARK(error_static_copy_uncontended)->UseRealTime();

void error_make_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    const weft::error e("not found");
    check(static_cast<bool>(e), "there is an error");
  });
}
BENCHMARK(error_make_uncontended)->UseRealTime();

void error_wrap_uncontended(benchmark::State& state) {
  const weft::error e(not_found);
  micro::alone(state, [&] {
    const weft::error outer = weft::wrap(e, "read the file");
    check(weft::is(outer, e), "its cause is found");
  });
}
BENCHMARK(error_wrap_uncontended)->UseRealTime();

// Under `depth` wrappers.
void error_is_uncontended(benchmark::State& state) {
  const weft::error e(not_found);
  weft::error outer = e;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    outer = weft::wrap(outer, "a layer");
  }
  micro::alone(state, [&] { check(weft::is(outer, e), "its cause is found"); });
}
BENCHMARK(error_is_uncontended)->ArgName("depth")->Arg(1)->Arg(10)->UseRealTime();

struct refused {
  int code;
  std::string_view message() const { return "refused"; }
};

void error_payload_uncontended(benchmark::State& state) {
  micro::alone(state, [] {
    const weft::error e = weft::error::make(refused{7});
    check(weft::as<refused>(e)->code == 7, "its payload is found");
  });
}
BENCHMARK(error_payload_uncontended)->UseRealTime();

const bool error_contended =
    micro::contended("error_copy", [](benchmark::State& state, std::int64_t n) {
      const weft::error e("not found");
      micro::together(state, n, [&](std::int64_t) {
        const weft::error copy = e;
        check(copy == e, "a copy is equal");
      });
    });

}  // namespace
