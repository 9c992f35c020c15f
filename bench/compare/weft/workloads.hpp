#pragma once
// The workloads; bench/README.md says what each does. Each runs about `count` operations on the
// current runtime, checks the result and returns what one operation took. NAME_each times n of them
// one by one.
#include "../harness.hpp"

using bench::measurement;
using bench::results;

results spawn_join(std::int64_t count);
results spawn_one(std::int64_t count);
results spawn_parked(std::int64_t count);
results yield_1000(std::int64_t count);
bench::latencies spawn_one_each(std::int64_t n);

results parked(std::int64_t count);
results close_100k_waiters(std::int64_t count);

results ping_pong(std::int64_t count);
results spsc_1(std::int64_t count);
results spsc_128(std::int64_t count);
results buf_uncontended(std::int64_t count);
results mpmc_4x4_128(std::int64_t count);
results hot_chan_8x8(std::int64_t count);
results ring_503(std::int64_t count);
bench::latencies ping_pong_each(std::int64_t n);
bench::latencies spsc_1_each(std::int64_t n);
bench::latencies spsc_128_each(std::int64_t n);
bench::latencies buf_uncontended_each(std::int64_t n);
bench::latencies mpmc_4x4_128_each(std::int64_t n);
bench::latencies hot_chan_8x8_each(std::int64_t n);

results select_ready_4(std::int64_t count);
results select_block_3(std::int64_t count);
results select_default(std::int64_t count);
results select_default_1(std::int64_t count);

results mutex_uncontended(std::int64_t count);
results mutex_contended_8(std::int64_t count);
results rwmutex_read(std::int64_t count);
bench::latencies mutex_contended_8_each(std::int64_t n);

results timer_stop(std::int64_t count);
results sleepers_100k(std::int64_t count);
results hog_wake(std::int64_t count);
results idle_cpu(std::int64_t milliseconds);
bench::latencies sleepers_100k_each(std::int64_t n);

results ctx_cancel(std::int64_t count);
results ctx_timeout(std::int64_t count);
results ctx_fanout_10k(std::int64_t count);
results errgroup_map(std::int64_t count);

results skynet_1m(std::int64_t count);
results fib_27(std::int64_t count);
results nqueens(std::int64_t count);
results matmul(std::int64_t count);

results sieve_plain_1000(std::int64_t primes);
results sieve_select_1000(std::int64_t primes);
results chameneos(std::int64_t count);
