// Many goroutines that wait, and how quiet they are.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "workloads.hpp"

using namespace std::chrono_literals;

namespace {

// Goroutines that wait for one channel until it is closed.
class crowd {
 public:
  // Returns when each has come to its receive.
  explicit crowd(std::int64_t count) : size_(count) {
    wg_.add(static_cast<int>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      weft::go([this, gate = gate_] {
        ++arrived_;
        if (!gate.recv()) {
          ++released_;
        }
        wg_.done();
      });
    }
    while (arrived_ < count) {
      weft::yield();
    }
  }

  // Returns when all have ended.
  void release() {
    gate_.close();
    wg_.wait();
  }

  void check() const {
    bench::check(released_ == size_, "goroutines that saw the close", released_);
  }

 private:
  weft::chan<weft::unit> gate_ = weft::make_chan<weft::unit>();
  weft::wait_group wg_;
  const std::int64_t size_;
  std::atomic<std::int64_t> arrived_ = 0;
  std::atomic<std::int64_t> released_ = 0;
};

}  // namespace

results parked(std::int64_t count) {
  count = std::max<std::int64_t>(count, 1);
  const std::int64_t before = bench::resident_bytes();
  const bench::stopwatch create;
  crowd waiters(count);
  const measurement created = create.per_op(count);
  const auto bytes = static_cast<double>(bench::resident_bytes() - before);
  const bench::stopwatch wake;
  waiters.release();
  const measurement woken = wake.per_op(count);
  waiters.check();
  return {{.value = created.value, .suffix = "_create"},
          {.value = woken.value, .suffix = "_wake"},
          {.value = bytes / static_cast<double>(count), .suffix = "_bytes"}};
}

// Crowds of 100 000; what counts is the time from the close until all have ended.
results close_100k_waiters(std::int64_t count) {
  const std::int64_t size = std::clamp<std::int64_t>(count, 1, 100'000);
  const std::int64_t rounds = std::max<std::int64_t>(count / size, 1);
  double sum = 0;
  for (std::int64_t r = 0; r < rounds; ++r) {
    crowd waiters(size);
    const bench::stopwatch watch;
    waiters.release();
    sum += watch.per_op(size).value;
    waiters.check();
  }
  return measurement{.value = sum / static_cast<double>(rounds)};
}

// CPU time that a process uses in which 1000 goroutines wait and nothing happens, per second. It
// has worked before, so that there are threads that could look for work.
results idle_cpu(std::int64_t milliseconds) {
  spawn_join(20'000);
  crowd waiters(1000);
  weft::sleep(20ms);  // until all has come to rest
  const std::int64_t began = bench::now_ns();
  const double cpu_before = bench::cpu_ns();
  weft::sleep(std::chrono::milliseconds(std::max<std::int64_t>(milliseconds, 1)));
  const double cpu = bench::cpu_ns() - cpu_before;
  const double seconds = 1e-9 * static_cast<double>(bench::now_ns() - began);
  waiters.release();
  waiters.check();
  return measurement{.value = cpu / seconds};
}
