// The workloads of bench/README.md in weft. Same names, same work and same counts as ../go and
// ../boost_fiber.
#include <weft/runtime.hpp>

#include "workloads.hpp"

int main(int argc, char** argv) {
  using enum bench::start;
  const bench::options opts = bench::parse(
      argc, argv,
      {
          {"spawn_join", 2'000'000, warm, spawn_join},
          {"spawn_one", 1'000'000, warm, spawn_one, spawn_one_each},
          {"spawn_parked", 1'000'000, warm, spawn_parked},
          {"ping_pong", 1'000'000, warm, ping_pong, ping_pong_each},
          {"spsc_1", 3'000'000, warm, spsc_1, spsc_1_each},
          {"spsc_128", 10'000'000, warm, spsc_128, spsc_128_each},
          {"buf_uncontended", 10'000'000, warm, buf_uncontended, buf_uncontended_each},
          {"mpmc_4x4_128", 8'000'000, warm, mpmc_4x4_128, mpmc_4x4_128_each},
          {"hot_chan_8x8", 2'000'000, warm, hot_chan_8x8, hot_chan_8x8_each},
          {"select_ready_4", 3'000'000, warm, select_ready_4},
          {"select_block_3", 1'000'000, warm, select_block_3},
          {"select_default", 10'000'000, warm, select_default},
          {"select_default_1", 50'000'000, warm, select_default_1},
          {"yield_1000", 4'000'000, warm, yield_1000},
          {"ring_503", 2'000'000, warm, ring_503},
          {"skynet_1m", 1'000'000, warm, skynet_1m},
          {"sieve_plain_1000", 1000, warm, sieve_plain_1000},
          {"sieve_select_1000", 1000, warm, sieve_select_1000},
          {"fib_27", 317'810, warm, fib_27},
          {"nqueens", 436'200, warm, nqueens},
          {"matmul", 4096, warm, matmul},
          {"chameneos", 1'000'000, warm, chameneos},
          {"mutex_uncontended", 20'000'000, warm, mutex_uncontended},
          {"mutex_contended_8", 8'000'000, warm, mutex_contended_8, mutex_contended_8_each},
          {"rwmutex_read", 4'000'000, warm, rwmutex_read},
          {"timer_stop", 5'000'000, warm, timer_stop},
          {"sleepers_100k", 100'000, rehearsed, sleepers_100k, sleepers_100k_each},
          {"ctx_cancel", 3'000'000, warm, ctx_cancel},
          {"ctx_timeout", 2'000'000, warm, ctx_timeout},
          {"ctx_fanout_10k", 1'000'000, warm, ctx_fanout_10k},
          {"errgroup_map", 1'000'000, warm, errgroup_map},
          {"parked", 1'000'000, cold, parked},
          {"close_100k_waiters", 1'000'000, warm, close_100k_waiters},
          {"hog_wake", 200, warm, hog_wake},
          {"idle_cpu", 1000, warm, idle_cpu},
      });
  return weft::run(weft::runtime_options{.max_procs = opts.procs}, [&] { bench::run_all(opts); });
}
