// Those workloads of bench/README.md that are nothing but forks and joins, in oneTBB. Same names,
// same work and same counts as ../weft and ../go.
#include <oneapi/tbb/global_control.h>

#include "workloads.hpp"

int main(int argc, char** argv) {
  using enum bench::start;
  const bench::options opts = bench::parse(argc, argv,
                                           {
                                               {"skynet_1m", 1'000'000, warm, skynet_1m},
                                               {"fib_27", 317'810, warm, fib_27},
                                               {"nqueens", 436'200, warm, nqueens},
                                               {"matmul", 4096, warm, matmul},
                                           });
  const oneapi::tbb::global_control threads(oneapi::tbb::global_control::max_allowed_parallelism,
                                            static_cast<std::size_t>(opts.procs));
  bench::run_all(opts);
}
