// Threads or memory that cannot be had: the runtime does with less or tells whoever asked.
#include <gtest/gtest.h>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <cerrno>
#include <new>
#include <string>
#include <system_error>

#include "detail/sys.hpp"
#include "sched/arena.hpp"

namespace {

using weft::detail::sys;

std::atomic<int> calls, failures, maps;  // maps: of slabs
std::atomic<int> first_failing, last_failing;
weft::detail::sys_calls real;

bool fails() {
  const int k = ++calls;
  const bool failing = k >= first_failing && k <= last_failing;
  failures += failing;
  return failing;
}

int failing_thread_create(pthread_t* out, void* (*start)(void*), void* arg) {
  return fails() ? EAGAIN : real.thread_create(out, start, arg);
}

void* failing_map(std::size_t bytes) {
  if (fails()) {
    errno = ENOMEM;
    return nullptr;
  }
  return real.map(bytes);
}

// A slab of stacks is larger, the other mappings of a thread are smaller and go when it ends.
constexpr std::size_t slab_bytes = 1024 * 1024;

void* counting_map(std::size_t bytes) {
  maps += bytes >= slab_bytes;
  return real.map(bytes);
}

constexpr int for_ever = 1'000'000'000;

class Faults : public ::testing::Test {
 protected:
  Faults() { real = sys; }
  ~Faults() override { sys = real; }

  /// Calls from the `first`th to the `last`th will fail.
  static void plan(int first, int last = for_ever) {
    calls = failures = maps = 0;
    first_failing = first;
    last_failing = last;
  }

  static void a_later_run_works(std::size_t stack_bytes = 0) {
    sys = real;
    std::atomic<int> done{0};
    weft::run(weft::runtime_options{.max_procs = 4, .stack_bytes = stack_bytes}, [&] {
      weft::wait_group all;
      for (int i = 0; i < 300; ++i) {
        all.go([&] {
          weft::yield();
          ++done;
        });
      }
      all.wait();
    });
    EXPECT_EQ(done.load(), 300);
  }
};

class ThreadFaults : public Faults {};
class MapFaults : public Faults {};

// HZ-10: the first thread is a worker, the second the monitor.
TEST_F(ThreadFaults, OneWorkerDoesTheWorkOfFour) {
  plan(3);
  sys.thread_create = failing_thread_create;
  std::atomic<int> done{0};
  weft::run(weft::runtime_options{.max_procs = 4}, [&] {
    weft::wait_group all;
    for (int i = 0; i < 1000; ++i) {
      all.go([&] {
        while (failures == 0) {
          weft::yield();
        }
        ++done;
      });
    }
    all.wait();
  });
  EXPECT_EQ(done.load(), 1000);
  a_later_run_works();
}

TEST_F(ThreadFaults, AttemptsInVainUseUpNoAddressSpace) {
  plan(3);
  sys.thread_create = failing_thread_create;
  sys.map = counting_map;
  weft::run(weft::runtime_options{.max_procs = 4}, [&] {
    weft::wait_group all;
    for (int i = 0; i < 10; ++i) {
      all.go([&] {
        while (failures < 100) {
          weft::yield();
        }
      });
    }
    all.wait();
  });
  EXPECT_GE(failures.load(), 100);
  EXPECT_LT(maps.load(), 20);
  sys.map = real.map;
  a_later_run_works();
}

TEST_F(ThreadFaults, RunSaysThatThereIsNoThreadForAWorker) {
  plan(1);
  sys.thread_create = failing_thread_create;
  bool ran = false;
  EXPECT_THROW(weft::run([&] { ran = true; }), std::system_error);
  EXPECT_FALSE(ran);
  EXPECT_EQ(weft::num_goroutines(), 0u);
  a_later_run_works();
}

TEST_F(ThreadFaults, RunSaysThatThereIsNoThreadForTheMonitor) {
  plan(2, 2);
  sys.thread_create = failing_thread_create;
  bool ran = false;
  EXPECT_THROW(weft::run([&] { ran = true; }), std::system_error);
  EXPECT_FALSE(ran);
  a_later_run_works();
}

TEST_F(ThreadFaults, ARunThatDidNotStartLeavesNoMainGoroutineBehind) {
  plan(1);
  sys.thread_create = failing_thread_create;
  EXPECT_THROW(weft::run([] {}), std::system_error);
  int mains = 0;
  weft::detail::arena::for_each_record([&](weft::detail::goroutine& g) { mains += g.main; });
  EXPECT_EQ(mains, 0);
}

// GR-6: the first stacks are the main goroutine's, the second ones the first worker's.
TEST_F(MapFaults, RunSaysThatThereAreNoStacksForAWorker) {
  constexpr std::size_t stack_bytes = 100 * 1024;  // nobody else's: there are no slabs yet
  plan(2);
  sys.map = failing_map;
  std::string said;
  try {
    weft::run(weft::runtime_options{.max_procs = 4, .stack_bytes = stack_bytes}, [] {});
  } catch (const std::system_error& e) {
    said = e.what();
  }
  EXPECT_NE(said.find("goroutine stacks"), std::string::npos) << said;
  a_later_run_works(stack_bytes);
}

// Each run takes over the address space that the workers of the one before had.
TEST_F(MapFaults, RunsOneAfterTheOtherUseUpNoAddressSpace) {
  a_later_run_works();
  plan(for_ever);
  sys.map = counting_map;
  for (int i = 0; i < 50; ++i) {
    weft::run(weft::runtime_options{.max_procs = 2}, [] { weft::yield(); });
  }
  EXPECT_LT(maps.load(), 10);
}

struct outcome {
  int spawned = 0, refused = 0;
  bool started = false, threw = false;
};

outcome run_two_hundred(std::size_t stack_bytes) {
  outcome o;
  std::atomic<int> done{0};
  try {
    weft::run(weft::runtime_options{.max_procs = 4, .stack_bytes = stack_bytes}, [&] {
      o.started = true;
      weft::wait_group all;
      for (int i = 0; i < 200; ++i) {
        try {
          all.go([&] {
            weft::yield();
            ++done;
          });
          ++o.spawned;
        } catch (const std::system_error&) {
          ++o.refused;
        } catch (const std::bad_alloc&) {
          ++o.refused;
        }
      }
      all.wait();
    });
  } catch (const std::system_error&) {
    o.threw = true;
  } catch (const std::bad_alloc&) {
    o.threw = true;
  }
  EXPECT_EQ(done.load(), o.spawned);
  EXPECT_EQ(o.spawned + o.refused, o.started ? 200 : 0);
  EXPECT_NE(o.started, o.threw);
  return o;
}

// GR-5: whoever spawns is told; what was spawned runs. Each round has stacks of a new size, so
// that nothing is left of the round before.
TEST_F(MapFaults, OneFailureReachesTheSpawnerOrNobody) {
  for (int k = 1; k <= 6; ++k) {
    SCOPED_TRACE("call " + std::to_string(k));
    const std::size_t stack_bytes = (16 + 4 * static_cast<std::size_t>(k)) * 1024;
    plan(k, k);
    sys.map = failing_map;
    const outcome o = run_two_hundred(stack_bytes);
    EXPECT_LE(o.refused, 1);
    a_later_run_works(stack_bytes);
  }
}

TEST_F(MapFaults, LastingFailureReachesTheSpawnerOrNobody) {
  int refused = 0, threw = 0;
  for (int k = 1; k <= 6; ++k) {
    SCOPED_TRACE("from call " + std::to_string(k));
    const std::size_t stack_bytes = (64 + 4 * static_cast<std::size_t>(k)) * 1024;
    plan(k);
    sys.map = failing_map;
    const outcome o = run_two_hundred(stack_bytes);
    refused += o.refused;
    threw += o.threw;
    a_later_run_works(stack_bytes);
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(threw, 0);
}

}  // namespace
