#pragma once
// The workloads; bench/README.md says what each does. Each runs about `count` operations on the
// calling thread's scheduler, checks the result and returns what one operation took. There is no
// select_ready_4: Boost.Fiber has no select.
#include "../harness.hpp"

using bench::measurement;

measurement spawn_join(std::int64_t count);
measurement spawn_one(std::int64_t count);
measurement yield_1000(std::int64_t count);
measurement parked(std::int64_t count);

measurement ping_pong(std::int64_t count);
measurement spsc_128(std::int64_t count);
measurement buf_uncontended(std::int64_t count);
measurement mpmc_4x4_128(std::int64_t count);
measurement ring_503(std::int64_t count);

measurement mutex_uncontended(std::int64_t count);
measurement mutex_contended_8(std::int64_t count);

measurement skynet_1m(std::int64_t count);
measurement fib_27(std::int64_t count);
