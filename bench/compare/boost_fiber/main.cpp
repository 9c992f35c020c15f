// The workloads of bench/README.md in Boost.Fiber. Same names, same work and same counts as ../weft
// and ../go, but fewer where a note says so. bench/README.md says what Boost.Fiber cannot do.
#include "fibers.hpp"
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
          {"yield_1000", 4'000'000, warm, yield_1000},
          {"ring_503", 2'000'000, warm, ring_503},
          // The ready queue is first in, first out: all fibers of the tree live at once, and
          // 1'111'111 of them need 9 GB.
          {"skynet_1m", 100'000, warm, skynet_1m, nullptr,
           "Boost.Fiber's tree has 100 000 leaves, not 1 000 000"},
          {"sieve_plain_1000", 1000, warm, sieve_plain_1000},
          {"fib_27", 317'810, warm, fib_27},
          {"nqueens", 436'200, warm, nqueens},
          {"matmul", 4096, warm, matmul},
          {"chameneos", 1'000'000, warm, chameneos},
          {"mutex_uncontended", 20'000'000, warm, mutex_uncontended},
          {"mutex_contended_8", 8'000'000, warm, mutex_contended_8, mutex_contended_8_each},
          {"sleepers_100k", 20'000, rehearsed, sleepers_100k, sleepers_100k_each,
           "Boost.Fiber has 20 000 sleepers within 0.2 s, not 100 000 within 1 s"},
          // Boost's default stack is 128 KiB: a million would need 128 GB of addresses, and with
          // guard pages the kernel's limit of 65530 mappings ends it near 32 000.
          {"parked", 20'000, cold, parked, nullptr,
           "Boost.Fiber parks 20 000 fibers, not 1 000 000"},
          {"close_100k_waiters", 200'000, warm, close_100k_waiters, nullptr,
           "Boost.Fiber closes on 20 000 waiters, not 100 000"},
          {"idle_cpu", 1000, warm, idle_cpu},
      });
  stack_pool::many_threads = opts.procs > 1;
  const threads workers(opts.procs);
  bench::run_all(opts);
}
