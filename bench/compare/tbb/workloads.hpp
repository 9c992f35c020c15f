#pragma once
// The workloads; bench/README.md says what each does. Each runs about `count` operations, checks
// the result and returns what one operation took.
#include "../harness.hpp"

using bench::measurement;
using bench::results;

results skynet_1m(std::int64_t count);
results fib_27(std::int64_t count);
results nqueens(std::int64_t count);
results matmul(std::int64_t count);
