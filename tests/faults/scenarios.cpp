#include "faults/scenarios.hpp"

#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/context.hpp>
#include <weft/errgroup.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "sched/scheduler.hpp"
#include "support/idle.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

// f(), or false if it says that there is no memory or no thread.
template <class F>
bool granted(F f) {
  try {
    f();
    return true;
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  return false;
}

class players {
 public:
  // f as a goroutine that counts as done when f has returned true.
  template <class F>
  void spawn(F f, std::size_t own_stack_bytes = 0) {
    all_.add(1);
    const bool started = granted([&] {
      weft::go({.stack_bytes = own_stack_bytes}, [this, f]() mutable {
        done_ += f();
        all_.done();
      });
    });
    if (!started) {
      all_.done();
    }
    ++(started ? t_.spawned : t_.refused);
  }
  void wait() { all_.wait(); }
  tally count() const {
    tally t = t_;
    t.done = done_;
    return t;
  }

 private:
  weft::wait_group all_;
  std::atomic<int> done_{0};
  tally t_;
};

template <class F>
tally in_run(std::size_t stack_bytes, F f, bool lock_main_thread = false) {
  tally t;
  const bool ran = granted([&] {
    weft::run({.max_procs = 4, .stack_bytes = stack_bytes, .lock_main_thread = lock_main_thread},
              [&] {
                players p;
                f(p);
                p.wait();
                t = p.count();
                wait_until_goroutines(1);
              });
  });
  t.failed_runs = !ran;
  return t;
}

tally spawn_storm(std::size_t stack_bytes) {
  return in_run(stack_bytes, [](players& p) {
    for (int i = 0; i < 300; ++i) {
      p.spawn([] {
        weft::yield();
        return true;
      });
    }
  });
}

tally parked(std::size_t stack_bytes) {
  return in_run(stack_bytes, [](players& p) {
    auto gate = weft::make_chan<int>();
    for (int i = 0; i < 200; ++i) {
      p.spawn([gate]() mutable { return !gate.recv().has_value(); });
    }
    weft::yield();
    gate.close();
  });
}

tally channels_and_select(std::size_t stack_bytes) {
  return in_run(stack_bytes, [](players& p) {
    constexpr int each = 50;
    auto a = weft::make_chan<int>();
    auto b = weft::make_chan<int>(3);
    for (int i = 0; i < 10; ++i) {
      p.spawn([a, b]() mutable {
        for (int k = 0; k < each; ++k) {
          weft::select(weft::send(a, 1, [] {}), weft::send(b, 1, [] {}));
        }
        return true;
      });
    }
    const int expected = p.count().spawned * each;
    int got = 0;
    while (got < expected) {
      const auto take = [&](std::optional<int> v) { got += v.value_or(0); };
      weft::select(weft::recv(a, take), weft::recv(b, take), weft::timeout(10s));
    }
  });
}

tally timers(std::size_t stack_bytes) {
  return in_run(stack_bytes, [](players& p) {
    for (int i = 0; i < 60; ++i) {
      p.spawn([i] {
        weft::sleep(std::chrono::microseconds(100 * (i % 7)));
        auto never = weft::make_chan<int>();
        const bool late = weft::select(weft::recv(never), weft::timeout(200us)) == 1;
        weft::timer t(300us);
        return late && t.chan().recv().has_value();
      });
    }
  });
}

// Threads that are needed, of no use, and needed again.
tally blocking_bursts(std::size_t stack_bytes) {
  struct at_once {
    const std::int64_t before = std::exchange(detail::scheduler::spare_thread_ns, 0);
    ~at_once() { detail::scheduler::spare_thread_ns = before; }
  } spare_threads_end_at_once;
  return in_run(stack_bytes, [](players& p) {
    for (int burst = 0; burst < 4; ++burst) {
      for (int i = 0; i < 8; ++i) {
        p.spawn([] {
          weft::blocking([] { ::usleep(300); });
          return true;
        });
      }
      p.wait();
      weft::sleep(500us);
    }
  });
}

tally locked_threads(std::size_t stack_bytes) {
  return in_run(stack_bytes, [](players& p) {
    for (int i = 0; i < 6; ++i) {
      auto there = weft::make_chan<int>();
      auto back = weft::make_chan<int>();
      const int before = p.count().spawned;
      p.spawn([there, back, i]() mutable {
        weft::lock_os_thread();
        const auto here = detail::this_worker();
        bool stayed = true;
        for (int k = 0; k < 5; ++k) {
          stayed = there.recv() == k && stayed;
          back.send(k);
          stayed = detail::this_worker() == here && stayed;
        }
        if (i % 2 == 0) {
          weft::unlock_os_thread();  // the others' threads end with them
        }
        return stayed;
      });
      for (int k = 0; k < 5 && p.count().spawned != before; ++k) {
        there.send(k);
        back.recv();
      }
    }
  });
}

tally main_on_the_calling_thread(std::size_t stack_bytes) {
  return in_run(
      stack_bytes,
      [](players& p) {
        auto c = weft::make_chan<int>();
        for (int i = 0; i < 20; ++i) {
          p.spawn([c]() mutable {
            c.send(1);
            return true;
          });
        }
        for (int i = p.count().spawned; i > 0; --i) {
          c.recv();
        }
      },
      true);
}

tally runtime_object(std::size_t stack_bytes) {
  tally t;
  for (int round = 0; round < 3; ++round) {
    bool begun = false;
    const bool granted_all = granted([&] {
      weft::runtime rt({.max_procs = 4, .stack_bytes = stack_bytes});
      begun = true;
      players p;
      auto c = weft::make_chan<int>();
      for (int i = 0; i < 20; ++i) {
        p.spawn([c]() mutable { return c.recv().has_value(); });
      }
      std::thread outside([&] {
        for (int i = p.count().spawned; i > 0; --i) {
          c.send(1);
        }
      });
      outside.join();
      p.wait();
      granted([&] { EXPECT_EQ(rt.call([] { return 5; }), 5); });
      rt.wait();
      const tally now = p.count();
      t.spawned += now.spawned;
      t.done += now.done;
      t.refused += now.refused;
    });
    EXPECT_EQ(granted_all, begun) << "after it began, only spawns may be refused";
    t.failed_runs += !begun;
  }
  return t;
}

tally stacks_of_their_own(std::size_t stack_bytes) {
  return in_run(stack_bytes, [](players& p) {
    for (int i = 0; i < 20; ++i) {
      p.spawn(
          [] {
            volatile char room[100'000];
            std::memset(const_cast<char*>(room), 1, sizeof room);
            weft::yield();
            return room[50'000] == 1;
          },
          static_cast<std::size_t>(256 + i) * 1024);
    }
  });
}

tally groups_and_contexts(std::size_t stack_bytes) {
  return in_run(stack_bytes, [](players& p) {
    p.spawn([] {
      std::atomic<int> ended{0};
      int begun = 0;
      {
        auto [group, ctx] = weft::errgroup::with_context(weft::background());
        group.set_limit(4);
        for (int i = 0; i < 20; ++i) {
          begun += granted([&] {
            group.go([&](const weft::context& mine) -> weft::error {
              ++ended;
              return weft::sleep(mine, 100us);
            });
          });
        }
        static_cast<void>(group.wait());
      }
      auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
      ctx.done().recv();
      return ended == begun;
    });
  });
}

constexpr scenario scenarios[] = {
    {"spawn_storm", spawn_storm},
    {"parked", parked},
    {"channels_and_select", channels_and_select},
    {"timers", timers},
    {"blocking_bursts", blocking_bursts},
    {"locked_threads", locked_threads},
    {"main_on_the_calling_thread", main_on_the_calling_thread},
    {"runtime_object", runtime_object},
    {"stacks_of_their_own", stacks_of_their_own},
    {"groups_and_contexts", groups_and_contexts},
};

// Not by the table: that may say that it does not know.
std::size_t threads_of_process() {
  std::size_t n = 0;
  DIR* d = ::opendir("/proc/self/task");
  while (const dirent* e = ::readdir(d)) {
    n += e->d_name[0] != '.';
  }
  ::closedir(d);
  return n;
}

}  // namespace

std::span<const scenario> all_scenarios() noexcept { return scenarios; }

const scenario& scenario_of(const char* name) noexcept {
  const scenario* s = scenarios;
  while (std::strcmp(s->name, name) != 0) {
    ++s;
  }
  return *s;
}

std::size_t fresh_stack_bytes() noexcept {
  static std::size_t last = 128 * 1024;
  return last += 4096;
}

tally play(const scenario& s, std::size_t stack_bytes) {
  // A sanitizer begins a thread of its own beside the first one.
  static const bool begun = [] {
    std::thread([] {}).join();
    return true;
  }();
  static_cast<void>(begun);
  const std::size_t threads = threads_of_process();
  const tally t = s.play(stack_bytes);
  EXPECT_EQ(t.done, t.spawned);
  EXPECT_EQ(weft::num_goroutines(), 0u);
  // A thread that was joined may be seen for a moment more; the watchdog ends what lasts.
  while (threads_of_process() > threads) {
    ::usleep(100);
  }
  return t;
}

}  // namespace weft::testing
