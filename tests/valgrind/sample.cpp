// What tests/valgrind/run.sh runs under memcheck: sample CASE.
#include <weft/weft.hpp>

#include <alloca.h>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/idle.hpp"
#include "support/migrate.hpp"

#if __has_include(<valgrind/valgrind.h>)
constexpr bool registers = true;
#else
constexpr bool registers = false;
#endif

#define NOINLINE __attribute__((noinline))

using namespace weft;

template <class T>
NOINLINE T* hidden(T* p) {
  asm volatile("" : "+r"(p)::"memory");
  return p;
}

// ---- mistakes: named in the reports ----

NOINLINE long reads_freed(const long* p) { return *hidden(p); }
NOINLINE void writes_past(char* p, std::size_t n) { hidden(p)[n] = 1; }
NOINLINE void frees(long* p) { delete hidden(p); }
NOINLINE void uses_unset(const int* p) {
  if (*hidden(p) == 42) {
    std::puts("forty-two");
  }
}
NOINLINE void leaves_unset() {
  int a[4];
  yield();
  uses_unset(hidden(a));
}
NOINLINE char reads_below() {
  char* here = hidden(static_cast<char*>(__builtin_frame_address(0)));
  yield();
  return *hidden(here - 4096);
}
NOINLINE void forgets() {
  hidden(alloca(8192));
  std::memset(hidden(new char[4567]), 1, 4567);
}

void in_a_goroutine(void (*f)()) {
  wait_group wg;
  wg.go([f] { yield(), f(); });
  wg.wait();
}

namespace {

// ---- everything that is done to stacks ----

NOINLINE int fills_frames(int depth) {
  int a[40];
  for (int& e : a) {
    e = depth;
  }
  yield();
  return (depth > 0 ? fills_frames(depth - 1) : 0) + hidden(a)[depth % 40];
}

NOINLINE void throws_from(int depth) {
  const std::string held(100, 'x');
  if (depth == 0) {
    throw std::runtime_error(held);
  }
  throws_from(depth - 1);
}

NOINLINE void jumps_from(std::jmp_buf& to, int depth) {
  char a[300];
  std::memset(hidden(a), 1, sizeof a);
  if (depth == 0) {
    std::longjmp(to, 1);
  }
  if (depth > 0) {
    jumps_from(to, depth - 1);
  }
  hidden(a);
}

struct yields_at_end {
  ~yields_at_end() { yield(); }
};

void channels() {
  auto c = make_chan<std::string>();
  auto d = make_chan<std::string>(3);
  for (int i = 0; i < 30; ++i) {
    go([=] { c.send(std::to_string(i)); });
    go([=] { d.send(*c.recv()); });
  }
  std::size_t length = 0;
  for (int i = 0; i < 30; ++i) {
    std::string s;
    select(recv(d, [&](std::optional<std::string> got) { s = std::move(*got); }),
           timeout(std::chrono::hours(1)));
    length += s.size();
  }
  if (length != 50) {
    std::abort();
  }
}

void exceptions() {
  wait_group wg;
  for (int i = 0; i < 10; ++i) {
    wg.go([i] {
      try {
        const yields_at_end cleanup;
        throws_from(i);
      } catch (const std::exception& e) {
        yield();
        static_cast<void>(fills_frames(static_cast<int>(std::strlen(e.what()) % 10)));
      }
    });
    wg.go([] {
      const yields_at_end cleanup;
      goexit();
    });
    wg.go([] {
      std::jmp_buf to;
      if (setjmp(to) == 0) {
        jumps_from(to, 10);
      }
      static_cast<void>(fills_frames(10));
    });
  }
  wg.wait();
}

void stacks() {
  wait_group wg;
  for (int i = 1; i <= 20; ++i) {
    wg.add(1);
    go({.stack_bytes = std::size_t{1} << 20}, [&] { fills_frames(300), wg.done(); });
    wg.go([i] {
      const auto n = static_cast<std::size_t>(i) * 200;
      auto* a = static_cast<char*>(hidden(alloca(n)));
      std::memset(a, 1, n);
      yield();
      static_cast<void>(fills_frames(a[n - 1]));
    });
  }
  wg.wait();
}

void waits() {
  mutex m;
  wait_group wg;
  for (int i = 0; i < 20; ++i) {
    wg.go([&, i] {
      sleep(std::chrono::milliseconds(i % 3));
      std::lock_guard hold(m);
      yield();
    });
  }
  auto [ctx, cancel] = with_timeout(background(), std::chrono::milliseconds(2));
  static_cast<void>(ctx.done().recv());
  wg.wait();
}

void threads() {
  auto c = make_chan<int>();
  std::thread t([c] {
    for (int i = 0; i < 10; ++i) {
      c.send(i);
    }
  });
  for (int i = 0; i < 10; ++i) {
    static_cast<void>(c.recv());
  }
  t.join();
  wait_group wg;
  wg.go([] {
    lock_os_thread();
    static_cast<void>(fills_frames(10));
  });
  wg.wait();
  if (max_procs() > 1) {
    testing::migrate();
  }
}

void many() {
  auto c = make_chan<int>();
  for (int i = 0; i < 500; ++i) {
    go([c] { static_cast<void>(c.recv()), static_cast<void>(fills_frames(3)); });
  }
  testing::wait_until_parked(500);
  c.close();
  testing::wait_until_goroutines(1);
}

void everything() {
  channels();
  exceptions();
  stacks();
  waits();
  threads();
  many();
}

// Held by a frame and by nothing else.
NOINLINE void parks() {
  auto* p = hidden(new char[4567]);
  static_cast<void>(recv_chan<int>().recv());
  delete[] hidden(p);
}

struct test_case {
  const char* name;
  int procs;
  void (*body)();
};

const test_case cases[] = {
    {"everything_at_1", 1, everything},
    {"everything_at_2", 2, everything},
    {"everything_at_4", 4, everything},
    {"held_by_a_parked_goroutine", 2,
     [] {
       for (int i = 0; i < 20; ++i) {
         go(parks);
       }
       testing::wait_until_parked(20);
     }},
    {"reads_freed", 2,
     [] {
       auto c = make_chan<long*>();
       go([c] {
         auto* p = new long(1);
         frees(p);
         c.send(p);
       });
       static_cast<void>(reads_freed(*c.recv()));
     }},
    {"writes_past", 2,
     [] {
       in_a_goroutine([] {
         const auto p = std::make_unique<char[]>(30);
         writes_past(p.get(), 30);
       });
     }},
    {"uses_unset", 2, [] { in_a_goroutine(leaves_unset); }},
    {"uses_unset_heap", 2,
     [] {
       auto c = make_chan<int*>();
       go([c] { c.send(new int); });
       int* p = *c.recv();
       uses_unset(p);
       delete p;
     }},
    {"frees_twice", 2,
     [] {
       auto c = make_chan<int>();
       auto* p = new long(1);
       go([=] { frees(p), c.send(1); });
       static_cast<void>(c.recv());
       frees(p);
     }},
    {"reads_below_its_stack", 2,
     [] {
       in_a_goroutine([] {
         static_cast<void>(fills_frames(50));
         static_cast<void>(reads_below());
       });
     }},
    {"forgets", 2, [] { in_a_goroutine(forgets); }},
};

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc == 2 ? argv[1] : "";
  if (name == "registers") {
    std::puts(registers ? "yes" : "no");
    return 0;
  }
  for (const test_case& c : cases) {
    if (name == c.name) {
      run({.max_procs = c.procs}, [&] { c.body(); });
      std::puts("done");
      return 0;
    }
  }
  std::fprintf(stderr, "no such case: %s\n", name.c_str());
  return 2;
}
