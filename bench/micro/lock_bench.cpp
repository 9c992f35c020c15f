// mutex, shared_mutex, semaphore.
#include <weft/mutex.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>

#include "micro.hpp"

namespace {

using micro::check;
using namespace std::chrono_literals;

// ---- mutex ----

void mutex_uncontended(benchmark::State& state) {
  weft::mutex m;
  std::int64_t count = 0;
  micro::alone(state, [&] {
    std::lock_guard lock(m);
    benchmark::DoNotOptimize(++count);
  });
  check(count == state.iterations(), "how often the lock was held");
}
BENCHMARK(mutex_uncontended)->UseRealTime();

void mutex_try_lock_held_uncontended(benchmark::State& state) {
  micro::on_runtime(1, state, [&] {
    weft::mutex m;
    std::lock_guard held(m);
    for (auto _ : state) {
      check(!m.try_lock(), "a held mutex was locked");
    }
  });
}
BENCHMARK(mutex_try_lock_held_uncontended)->UseRealTime();

void mutex_try_lock_for_uncontended(benchmark::State& state) {
  weft::mutex m;
  micro::alone(state, [&] {
    check(m.try_lock_for(1h), "nobody else holds it");
    m.unlock();
  });
}
BENCHMARK(mutex_try_lock_for_uncontended)->UseRealTime();

// How often `locked` ran, by goroutines that run it under a lock.
template <class F>
void count_locked(benchmark::State& state, std::int64_t goroutines, F locked) {
  std::int64_t count = 0;  // guarded by the lock that `locked` takes
  micro::together(state, goroutines, [&](std::int64_t) { locked(count); });
  check(count == state.iterations(), "increments under the lock");
}

const bool mutex_contended =
    micro::contended("mutex",
                     [](benchmark::State& state, std::int64_t n) {
                       weft::mutex m;
                       count_locked(state, n, [&](std::int64_t& count) {
                         std::lock_guard lock(m);
                         ++count;
                       });
                     }) &&
    // The holder gives way inside: the others must park.
    micro::contended("mutex_yielding", [](benchmark::State& state, std::int64_t n) {
      weft::mutex m;
      count_locked(state, n, [&](std::int64_t& count) {
        std::lock_guard lock(m);
        ++count;
        weft::yield();
      });
    });

// ---- shared_mutex ----

void shared_mutex_read_uncontended(benchmark::State& state) {
  weft::shared_mutex m;
  micro::alone(state, [&] {
    std::shared_lock lock(m);
    benchmark::DoNotOptimize(lock.owns_lock());
  });
}
BENCHMARK(shared_mutex_read_uncontended)->UseRealTime();

void shared_mutex_write_uncontended(benchmark::State& state) {
  weft::shared_mutex m;
  std::int64_t count = 0;
  micro::alone(state, [&] {
    std::lock_guard lock(m);
    benchmark::DoNotOptimize(++count);
  });
  check(count == state.iterations(), "how often the lock was held");
}
BENCHMARK(shared_mutex_write_uncontended)->UseRealTime();

// Every `writes`-th operation of a goroutine writes; 0: none does.
void read_and_write(benchmark::State& state, std::int64_t goroutines, std::int64_t writes) {
  struct alignas(64) turns {
    std::int64_t done = 0;
  };
  weft::shared_mutex m;
  std::int64_t written = 0;  // guarded by m
  std::atomic<std::int64_t> wrong = 0;
  std::vector<turns> of(static_cast<std::size_t>(goroutines));
  micro::together(state, goroutines, [&](std::int64_t g) {
    if (writes != 0 && ++of[static_cast<std::size_t>(g)].done % writes == 0) {
      std::lock_guard lock(m);
      ++written;
    } else {
      std::shared_lock lock(m);
      const std::int64_t seen = written;
      benchmark::ClobberMemory();
      wrong += seen != written ? 1 : 0;
    }
  });
  check(wrong == 0, "somebody wrote while others read");
  check(written == (writes == 0 ? 0 : state.iterations() / writes), "how many wrote");
}

const bool shared_mutex_contended =
    micro::contended("shared_mutex_read", [](benchmark::State& state,
                                             std::int64_t n) { read_and_write(state, n, 0); }) &&
    micro::contended("shared_mutex_write", [](benchmark::State& state,
                                              std::int64_t n) { read_and_write(state, n, 1); }) &&
    micro::contended("shared_mutex_write_one_in_ten",
                     [](benchmark::State& state, std::int64_t n) { read_and_write(state, n, 10); });

// ---- semaphore ----

void semaphore_uncontended(benchmark::State& state) {
  weft::semaphore s(4);
  micro::alone(state, [&] {
    s.acquire();
    s.release();
  });
  check(s.try_acquire(4), "all are back");
}
BENCHMARK(semaphore_uncontended)->UseRealTime();

void semaphore_try_empty_uncontended(benchmark::State& state) {
  weft::semaphore s(1);
  check(s.try_acquire(), "it is full");
  micro::alone(state, [&] { check(!s.try_acquire(), "it is empty"); });
}
BENCHMARK(semaphore_try_empty_uncontended)->UseRealTime();

const bool semaphore_contended =
    micro::contended("semaphore",
                     [](benchmark::State& state, std::int64_t n) {
                       weft::semaphore s(1);
                       count_locked(state, n, [&](std::int64_t& count) {
                         const weft::semaphore::permit held(s);
                         ++count;
                       });
                     }) &&
    micro::contended("semaphore_yielding", [](benchmark::State& state, std::int64_t n) {
      weft::semaphore s(1);
      count_locked(state, n, [&](std::int64_t& count) {
        const weft::semaphore::permit held(s);
        ++count;
        weft::yield();
      });
    });

}  // namespace
