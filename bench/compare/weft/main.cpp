// The workloads of bench/README.md in weft. Same names, same work and same counts as ../go and
// ../boost_fiber.
#include <weft/runtime.hpp>

#include "workloads.hpp"

int main(int argc, char** argv) {
  using enum bench::start;
  const bench::options opts =
      bench::parse(argc, argv,
                   {
                       {"spawn_join", 2'000'000, warm, spawn_join},
                       {"spawn_one", 1'000'000, warm, spawn_one},
                       {"ping_pong", 1'000'000, warm, ping_pong},
                       {"spsc_128", 10'000'000, warm, spsc_128},
                       {"buf_uncontended", 10'000'000, warm, buf_uncontended},
                       {"mpmc_4x4_128", 8'000'000, warm, mpmc_4x4_128},
                       {"select_ready_4", 3'000'000, warm, select_ready_4},
                       {"yield_1000", 4'000'000, warm, yield_1000},
                       {"ring_503", 2'000'000, warm, ring_503},
                       {"skynet_1m", 1'000'000, warm, skynet_1m},
                       {"fib_27", 317'810, warm, fib_27},
                       {"mutex_uncontended", 20'000'000, warm, mutex_uncontended},
                       {"mutex_contended_8", 8'000'000, warm, mutex_contended_8},
                       {"timer_stop", 5'000'000, warm, timer_stop},
                       {"sleepers_100k", 100'000, rehearsed, sleepers_100k},
                       {"ctx_cancel", 3'000'000, warm, ctx_cancel},
                       {"ctx_timeout", 2'000'000, warm, ctx_timeout},
                       {"ctx_fanout_10k", 1'000'000, warm, ctx_fanout_10k},
                       {"parked", 1'000'000, cold, parked},
                   });
  return weft::run(weft::runtime_options{.max_procs = opts.procs}, [&] { bench::run_all(opts); });
}
