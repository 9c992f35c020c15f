// The workloads of bench/README.md in Boost.Fiber. Same names, same work and same counts as ../weft
// and ../go, but fewer for skynet_1m and parked, and no select.
#include "fibers.hpp"
#include "workloads.hpp"

int main(int argc, char** argv) {
  using enum bench::start;
  const bench::options opts = bench::parse(
      argc, argv,
      {
          {"spawn_join", 2'000'000, warm, spawn_join},
          {"spawn_one", 1'000'000, warm, spawn_one},
          {"ping_pong", 1'000'000, warm, ping_pong},
          {"spsc_128", 10'000'000, warm, spsc_128},
          {"buf_uncontended", 10'000'000, warm, buf_uncontended},
          {"mpmc_4x4_128", 8'000'000, warm, mpmc_4x4_128},
          {"yield_1000", 4'000'000, warm, yield_1000},
          {"ring_503", 2'000'000, warm, ring_503},
          // The ready queue is first in, first out: all fibers of the tree live at once, and
          // 1'111'111 of them need 9 GB.
          {"skynet_1m", 100'000, warm, skynet_1m,
           "Boost.Fiber's tree has 100 000 leaves, not 1 000 000"},
          {"fib_27", 317'810, warm, fib_27},
          {"mutex_uncontended", 20'000'000, warm, mutex_uncontended},
          {"mutex_contended_8", 8'000'000, warm, mutex_contended_8},
          // Boost's default stack is 128 KiB: a million would need 128 GB of addresses, and with
          // guard pages the kernel's limit of 65530 mappings ends it near 32 000.
          {"parked", 20'000, cold, parked, "Boost.Fiber parks 20 000 fibers, not 1 000 000"},
      });
  stack_pool::many_threads = opts.procs > 1;
  const threads workers(opts.procs);
  bench::run_all(opts);
}
