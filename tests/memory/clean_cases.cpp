// None may be reported.
#include <alloca.h>

#include <array>
#include <atomic>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "memory/memory_case.hpp"
#include "support/idle.hpp"
#include "support/migrate.hpp"

namespace weft::testing {
namespace {

#define NOINLINE __attribute__((noinline))

// Frames of every kind that ASan poisons parts of.
NOINLINE int fills_frames(int depth) {
  std::array<char, 200> a{};
  std::memset(hidden(a.data()), depth, a.size());
  int sum = 0;
  {
    std::array<int, 30> inner{};
    hidden(inner.data())[depth % 30] = 1;
    sum = inner[static_cast<std::size_t>(depth % 30)];
  }
  if (depth > 0) {
    sum += fills_frames(depth - 1);
  }
  return sum + *hidden(&a[3]);
}

// The whole of a stack but a rest, touched without a word of ASan's: stale poison would show.
NOINLINE void touches_stack() {
  const std::size_t room = this_goroutine::stack_size() - this_goroutine::stack_in_use();
  const std::size_t n = room > 24 * 1024 ? room - 24 * 1024 : 0;
  auto* a = static_cast<char*>(hidden(alloca(n)));
  std::memset(a, 1, n);
}

NOINLINE void throws_from(int depth) {
  std::string held(100, 'x');
  hidden(&held);
  if (depth == 0) {
    throw std::runtime_error(held);
  }
  std::array<char, 64> a{};
  hidden(a.data())[depth % 64] = 1;
  throws_from(depth - 1);
  hidden(&held);
}

struct yields_at_end {
  ~yields_at_end() {
    std::array<char, 64> a{};
    hidden(a.data())[1] = 1;
    yield();
  }
};

NOINLINE void leaves_by_goexit(int depth) {
  std::array<char, 300> a{};
  hidden(a.data())[depth] = 1;
  const yields_at_end cleanup;
  if (depth == 0) {
    goexit();
  }
  if (depth > 0) {
    leaves_by_goexit(depth - 1);
  }
  hidden(a.data());
}

NOINLINE void jumps_from(std::jmp_buf& to, int depth) {
  std::array<char, 300> a{};
  hidden(a.data())[depth] = 1;
  if (depth == 0) {
    std::longjmp(to, 1);
  }
  if (depth > 0) {
    jumps_from(to, depth - 1);
  }
  hidden(a.data());
}

NOINLINE void holds_in_a_register() {
  auto* p = hidden(new long(1));
  wait_for_ever();
  delete hidden(p);
}

NOINLINE void fills(std::array<long*, 8>& a) {
  for (long*& p : a) {
    p = new long(1);
  }
}

// Its address is known, so ASan may put the array on the heap.
NOINLINE void holds_in_a_frame() {
  std::array<long*, 8> a{};
  fills(*hidden(&a));
  static_cast<void>(fills_frames(10));  // over what fills() left on the stack
  wait_for_ever();
  for (const long* p : *hidden(&a)) {
    delete p;
  }
}

constexpr const char* nil = "chan receive (nil chan)";

// ---- what is reachable is no leak ----

void frames_of_parked_goroutines() {
  for (int i = 0; i < 200; ++i) {
    go(i % 2 == 0 ? holds_in_a_register : holds_in_a_frame);
  }
  wait_until_parked(200, nil);
}

void stacks_of_their_own() {
  for (int i = 0; i < 8; ++i) {
    go({.stack_bytes = std::size_t{1} << 20}, i % 2 == 0 ? holds_in_a_register : holds_in_a_frame);
  }
  wait_until_parked(8, nil);
}

void elements_of_a_channel() {
  go([] {
    auto c = make_chan<std::unique_ptr<long>>(3);
    c.send(std::make_unique<long>(1));
    hidden(&c);
    wait_for_ever();
  });
  go([] {
    auto c = make_chan<std::unique_ptr<long>>();
    c.send(std::make_unique<long>(1));  // waits
  });
  wait_until_parked(2);
}

// The grace of the end of a run is not waited for: it never waits.
void goroutines_that_never_start() {
  for (int i = 0; i < 100; ++i) {
    go([p = std::make_unique<long>(i)] { wait_for_ever(), hidden(p.get()); });
    go([p = std::make_unique<long>(i), big = std::array<char, 500>{}] {
      wait_for_ever(), hidden(p.get()), hidden(&big);
    });
  }
}

void values_of_goroutines() {
  static goroutine_local<std::shared_ptr<long>> value(nullptr);
  go([] {
    *value = std::make_shared<long>(1);
    wait_for_ever();
  });
  wait_until_parked(1, nil);
}

void timers_and_contexts() {
  auto [ctx, cancel] = with_cancel(background());
  go([c = ctx] {
    const auto t =
        after_func(std::chrono::hours(1), [p = std::make_shared<long>(1)] { hidden(&p); });
    const auto [inner, cancel_inner] = with_timeout(c, std::chrono::hours(1));
    static_cast<void>(inner.done().recv());
  });
  wait_until_parked(1);
}

void exception_in_flight() {
  go([] {
    try {
      throws_from(3);
    } catch (const std::exception&) {
      wait_for_ever();
    }
  });
  go([] {
    try {
      const struct waits_at_end {
        ~waits_at_end() { wait_for_ever(); }
      } cleanup;
      throws_from(3);
    } catch (const std::exception&) {
    }
  });
  wait_until_parked(2, nil);
}

void thread_that_ends() {
  // Locked to its thread until it ends: so does the thread.
  wait_group wg;
  auto c = make_chan<int>();
  for (int i = 0; i < 4; ++i) {
    go([c] { holds_in_a_frame(); });
    wg.go([] {
      lock_os_thread();
      static_cast<void>(fills_frames(10));
      yield();
    });
  }
  wg.wait();
  wait_until_parked(4, nil);
}

void foreign_thread_that_waits() {
  static auto c = make_chan<int>();
  static std::atomic<bool> begun = false;
  std::thread([] {
    auto p = std::make_unique<long>(1);
    hidden(&p);
    begun = true;
    static_cast<void>(c.recv());
  }).detach();
  while (!begun) {
    yield();
  }
}

void exit_from_a_goroutine() {
  go(holds_in_a_frame);
  wait_until_parked(1, nil);
  go([] {
    auto p = std::make_unique<long>(1);
    hidden(&p);
    std::exit(0);
  });
  wait_for_ever();
}

// ---- the stack and its frames ----

void exceptions() {
  wait_group wg;
  for (int i = 0; i < 20; ++i) {
    wg.go([i] {
      for (int depth = 0; depth < 10; ++depth) {
        try {
          const yields_at_end cleanup;
          throws_from(depth);
        } catch (const std::exception& e) {
          yield();
          try {
            throws_from(i);
          } catch (...) {
            yield();
          }
          static_cast<void>(std::string(e.what()));
        }
        static_cast<void>(fills_frames(depth));
      }
      touches_stack();
    });
  }
  wg.wait();
}

void exceptions_that_migrate() {
  max_procs(2);
  std::array<char, 100> around{};
  try {
    try {
      throws_from(5);
    } catch (...) {
      migrate();
      throw;
    }
  } catch (const std::exception& e) {
    migrate();
    static_cast<void>(std::string(e.what()));
  }
  hidden(around.data())[99] = 1;
  static_cast<void>(fills_frames(20));
}

void frames_that_migrate() {
  max_procs(2);
  wait_group wg;
  for (int i = 0; i < 3; ++i) {
    wg.go([] {
      std::array<long, 50> a{};
      for (int round = 0; round < 5; ++round) {
        static_cast<void>(fills_frames(10));
        migrate();
        hidden(a.data())[round] = round;
        static_cast<void>(fills_frames(20));
      }
      hidden(a.data())[49] = 1;
    });
  }
  wg.wait();
}

void deep_recursion() {
  wait_group wg;
  for (int i = 0; i < 4; ++i) {
    wg.add(1);
    go({.stack_bytes = std::size_t{16} << 20}, [&] {
      static_cast<void>(fills_frames(5000));
      try {
        throws_from(5000);
      } catch (const std::exception&) {
      }
      static_cast<void>(fills_frames(5000));
      touches_stack();
      wg.done();
    });
  }
  wg.wait();
}

void allocas() {
  wait_group wg;
  for (int i = 1; i < 40; ++i) {
    wg.go([i] {
      const auto n = static_cast<std::size_t>(i) * 100;
      auto* a = static_cast<char*>(hidden(alloca(n)));
      std::memset(a, 1, n);
      yield();
      a[n - 1] = 2;
      if (i % 3 == 0) {
        leaves_by_goexit(5);
      }
    });
    wg.go(touches_stack);
  }
  wg.wait();
}

void goexits() {
  for (int round = 0; round < 3; ++round) {
    wait_group wg;
    for (int i = 0; i < 30; ++i) {
      wg.go([] { leaves_by_goexit(20); });
    }
    wg.wait();
    for (int i = 0; i < 30; ++i) {
      wg.go(touches_stack);
    }
    wg.wait();
  }
}

void long_jumps() {
  wait_group wg;
  for (int i = 0; i < 10; ++i) {
    wg.go([] {
      // Not in a register that longjmp would set back.
      const auto rounds = std::make_unique<int>(0);
      while (++*rounds < 5) {
        std::jmp_buf to;
        if (setjmp(to) == 0) {
          yield();
          jumps_from(to, 20);
        }
        yield();
      }
      static_cast<void>(fills_frames(20));
      touches_stack();
    });
  }
  wg.wait();
}

// Frames that are left without a return keep their poison: what runs there next must not meet it.
void ends_amid_frames() {
  for (int round = 0; round < 20; ++round) {
    auto c = make_chan<int>();
    go({.stack_bytes = std::size_t{1} << 20}, [c] {
      static_cast<void>(fills_frames(50));
      c.send(1);
      leaves_by_goexit(20);
    });
    static_cast<void>(c.recv());
    wait_until_goroutines(1);
    wait_group wg;
    wg.add(1);
    go({.stack_bytes = std::size_t{1} << 20}, [&] { touches_stack(), wg.done(); });
    wg.wait();
  }
}

void stacks_used_again() {
  for (int round = 0; round < 50; ++round) {
    wait_group wg;
    for (int i = 0; i < 100; ++i) {
      wg.go([i] {
        static_cast<void>(fills_frames(i % 20));
        yield();
        static_cast<void>(fills_frames((i * 7) % 20));
      });
    }
    wg.wait();
  }
}

constexpr memory_case cases[] = {
    {"FramesOfParkedGoroutines", nullptr, frames_of_parked_goroutines},
    {"StacksOfTheirOwn", nullptr, stacks_of_their_own},
    {"ElementsOfAChannel", nullptr, elements_of_a_channel},
    {"GoroutinesThatNeverStart", nullptr, goroutines_that_never_start},
    {"ValuesOfGoroutines", nullptr, values_of_goroutines},
    {"TimersAndContexts", nullptr, timers_and_contexts},
    {"ExceptionInFlight", nullptr, exception_in_flight},
    {"ThreadThatEnds", nullptr, thread_that_ends},
    {"ForeignThreadThatWaits", nullptr, foreign_thread_that_waits},
    {"ExitFromAGoroutine", nullptr, exit_from_a_goroutine},
    {"Exceptions", nullptr, exceptions},
    {"ExceptionsThatMigrate", nullptr, exceptions_that_migrate},
    {"FramesThatMigrate", nullptr, frames_that_migrate},
    {"DeepRecursion", nullptr, deep_recursion},
    {"Allocas", nullptr, allocas},
    {"Goexits", nullptr, goexits},
    {"LongJumps", nullptr, long_jumps},
    {"EndsAmidFrames", nullptr, ends_amid_frames},
    {"StacksUsedAgain", nullptr, stacks_used_again},
};

}  // namespace

std::span<const memory_case> clean_cases() { return cases; }

}  // namespace weft::testing
