// mutex, wait_group, once and cond_var.
#include <weft/cond_var.hpp>
#include <weft/mutex.hpp>
#include <weft/once.hpp>
#include <weft/wait_group.hpp>

#include <mutex>

#include "micro.hpp"

namespace {

using micro::check;

void mutex_uncontended(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    weft::mutex m;
    std::int64_t count = 0;
    for (auto _ : state) {
      std::lock_guard lock(m);
      benchmark::DoNotOptimize(++count);
    }
    check(count == state.iterations(), "how often the lock was held");
  });
}
BENCHMARK(mutex_uncontended)->UseRealTime();

void mutex_try_lock_held(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    weft::mutex m;
    std::lock_guard held(m);
    for (auto _ : state) {
      check(!m.try_lock(), "a held mutex was locked");
    }
  });
}
BENCHMARK(mutex_try_lock_held)->UseRealTime();

// `yields` says whether the holder gives way inside: then the others must park.
void mutex_contended(benchmark::State& state) {
  constexpr std::int64_t locks = 1000;
  const std::int64_t goroutines = state.range(0);
  const bool yields = state.range(1) != 0;
  micro::on_runtime(state.range(2), [&] {
    while (state.KeepRunningBatch(goroutines * locks)) {
      weft::mutex m;
      std::int64_t count = 0;  // guarded by m
      weft::wait_group wg;
      for (std::int64_t g = 0; g < goroutines; ++g) {
        wg.go([&] {
          for (std::int64_t i = 0; i < locks; ++i) {
            std::lock_guard lock(m);
            ++count;
            if (yields) {
              weft::yield();
            }
          }
        });
      }
      wg.wait();
      check(count == goroutines * locks, "increments under the lock");
    }
  });
}
BENCHMARK(mutex_contended)
    ->ArgNames({"goroutines", "yields", "procs"})
    ->ArgsProduct({{2, 4, 16}, {0, 1}, micro::one_and_two_procs})
    ->UseRealTime();

void wait_group_add_done(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    weft::wait_group wg;
    for (auto _ : state) {
      wg.add(1);
      wg.done();
    }
    wg.wait();
  });
}
BENCHMARK(wait_group_add_done)->UseRealTime();

// One operation: `waiters` goroutines are released by one done().
void wait_group_release(benchmark::State& state) {
  const std::int64_t waiters = state.range(0);
  micro::on_runtime(state.range(1), [&] {
    std::int64_t released = 0;
    for (auto _ : state) {
      weft::wait_group gate;
      weft::wait_group ended;
      weft::mutex m;
      gate.add(1);
      for (std::int64_t w = 0; w < waiters; ++w) {
        ended.go([&] {
          gate.wait();
          std::lock_guard lock(m);
          ++released;
        });
      }
      gate.done();
      ended.wait();
    }
    check(released == waiters * state.iterations(), "how many were released");
  });
}
BENCHMARK(wait_group_release)
    ->ArgNames({"waiters", "procs"})
    ->ArgsProduct({{1, 100}, micro::one_and_two_procs})
    ->UseRealTime();

void once_done(benchmark::State& state) {
  micro::on_runtime(1, [&] {
    weft::once once;
    int ran = 0;
    for (auto _ : state) {
      once.do_([&] { ++ran; });
    }
    check(ran == 1, "how often once ran");
  });
}
BENCHMARK(once_done)->UseRealTime();

// One operation: a turn to the partner and back.
void cond_var_ping_pong(benchmark::State& state) {
  micro::on_runtime(state.range(0), [&] {
    weft::mutex m;
    weft::cond_var changed;
    std::int64_t turn = 0;  // guarded by m; odd: the partner's
    bool stop = false;      // guarded by m
    weft::wait_group wg;
    wg.go([&] {
      std::unique_lock lock(m);
      for (;;) {
        changed.wait(lock, [&] { return turn % 2 == 1 || stop; });
        if (stop) {
          return;
        }
        ++turn;
        changed.notify_one();
      }
    });
    {
      std::unique_lock lock(m);
      for (auto _ : state) {
        ++turn;
        changed.notify_one();
        changed.wait(lock, [&] { return turn % 2 == 0; });
      }
      check(turn == 2 * state.iterations(), "turns");
      stop = true;
      changed.notify_one();
    }
    wg.wait();
  });
}
BENCHMARK(cond_var_ping_pong)
    ->ArgName("procs")
    ->ArgsProduct({micro::one_and_two_procs})
    ->UseRealTime();

}  // namespace
