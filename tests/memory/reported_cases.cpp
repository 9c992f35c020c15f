// Each must be reported: by its kind, and with the function that did it as the first one, so that
// another error cannot stand for it.
#include <alloca.h>

#include <climits>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>

#include "memory/memory_case.hpp"
#include "support/migrate.hpp"

namespace weft::testing {

// Not in an unnamed namespace: the reports name them.
#define CULPRIT __attribute__((noinline))

namespace culprit {

// The call cannot be left out.
template <class T>
void use(T v) {
  asm volatile("" ::"r"(v) : "memory");
}

CULPRIT long reads(const long* p) { return *hidden(p); }
CULPRIT void writes(long* p) { *hidden(p) = 1; }
CULPRIT void frees(long* p) { delete hidden(p); }

CULPRIT void overflows_frame(std::size_t at) {
  long a[8] = {};
  yield();
  hidden(a)[at] = 1;
}

CULPRIT void overflows_frame_elsewhere(std::size_t at) {
  long a[8] = {};
  migrate();
  hidden(a)[at] = 1;
}

CULPRIT void overflows_alloca(std::size_t n) {
  auto* a = static_cast<char*>(hidden(alloca(n)));
  std::memset(a, 0, n);
  yield();
  a[n] = 1;
}

CULPRIT void leaves_scope() {
  const long* outlived = nullptr;
  {
    long a = 1;
    outlived = hidden(&a);
  }
  yield();
  static_cast<void>(reads(outlived));
}

CULPRIT const long* own_frame() {
  long a = 1;
  return hidden(&a);
}

long table[4];

CULPRIT char* leaks_later(std::size_t bytes) {
  auto* p = hidden(new char[bytes]);
  std::memset(p, 1, bytes);
  return p;
}
// Far below the frames that the caller will have when it waits: what these do not write over would
// still hold it.
CULPRIT void leaks(std::size_t bytes) {
  hidden(alloca(8192));
  use(leaks_later(bytes));
}

CULPRIT int adds(int a, int b) { return a + b; }
CULPRIT long indexes(int at) {
  long a[4] = {1, 2, 3, 4};
  return a[at];
}
CULPRIT long misaligned(const char* p) { return *reinterpret_cast<const long*>(hidden(p)); }

}  // namespace culprit

namespace {

using namespace culprit;

// [^#]*#0: in the very first frame.
#define ASAN_BY(kind, function) \
  "AddressSanitizer: " kind "[^#]*#0 0x[0-9a-f]+ in [^#]*culprit::" function
// In the frame that called something of the library's, or of the standard library's.
#define ASAN_FOR(kind, function) \
  "AddressSanitizer: " kind "[^#]*#0 0x[0-9a-f]+ in [^#]*#1 [^#]*culprit::" function
#define LEAK_OF(bytes)                                                      \
  "Direct leak of " bytes                                                   \
  " byte.s. in 1 object.*culprit::leaks.*SUMMARY: AddressSanitizer: " bytes \
  " byte.s. leaked in 1 alloc"
#define UB_BY(what, function)                       \
  "reported_cases.cpp:[0-9:]+ runtime error: " what \
  "[^#]*#0 0x[0-9a-f]+ in "                         \
  "[^#]*culprit::" function

constexpr memory_case cases[] = {
    // ---- the heap ----
    {"FreedByAnotherGoroutine", ASAN_BY("heap-use-after-free", "reads"),
     [] {
       auto* p = new long(1);
       auto c = make_chan<int>();
       go([=] { frees(p), c.send(1); });
       static_cast<void>(c.recv());
       static_cast<void>(reads(p));
     }},
    {"FreedByTheMainGoroutine", ASAN_BY("heap-use-after-free", "writes"),
     [] {
       auto c = make_chan<long*>(), back = make_chan<long*>();
       go([=] {
         long* p = *c.recv();
         c.send(p);
         writes(p);
         back.send(p);
       });
       auto* p = new long(1);
       c.send(p);
       static_cast<void>(c.recv());
       frees(p);
       static_cast<void>(back.recv());
     }},
    {"FreedByAForeignThread", ASAN_BY("heap-use-after-free", "reads"),
     [] {
       auto* p = new long(1);
       std::thread([=] { frees(p); }).join();
       static_cast<void>(reads(p));
     }},
    {"FreedBeforeATimersFunction", ASAN_BY("heap-use-after-free", "writes"),
     [] {
       auto c = make_chan<int>();
       auto* p = new long(1);
       auto t = after_func(std::chrono::milliseconds(1), [=] { writes(p), c.send(1); });
       frees(p);
       static_cast<void>(c.recv());
     }},
    {"FreedAfterAMigration", ASAN_BY("heap-use-after-free", "reads"),
     [] {
       // At one worker nobody migrates; a second one is what this case is about.
       max_procs(2);
       auto* p = new long(1);
       migrate();
       frees(p);
       static_cast<void>(reads(p));
     }},
    {"FreedTwice", ASAN_FOR("attempting double-free", "frees"),
     [] {
       auto* p = new long(1);
       auto c = make_chan<int>();
       go([=] { frees(p), c.send(1); });
       static_cast<void>(c.recv());
       frees(p);
     }},
    {"FreedAsWhatItIsNot", ASAN_FOR("alloc-dealloc-mismatch", "frees"),
     [] {
       auto c = make_chan<long*>();
       go([=] { c.send(new long[4]); });
       frees(*c.recv());
     }},
    {"OverflowThroughAChannel", ASAN_BY("heap-buffer-overflow", "writes"),
     [] {
       auto c = make_chan<long*>();
       wait_group wg;
       wg.go([=] {
         long* p = *c.recv();
         writes(p + 4);
         delete[] p;
       });
       c.send(new long[4]);
       wg.wait();
     }},
    {"WhatAGoroutineCapturedByReference", ASAN_BY("heap-use-after-free", "reads"),
     [] {
       auto c = make_chan<int>();
       wait_group wg;
       {
         auto owner = std::make_unique<long>(1);
         wg.go([&v = *owner, c] { static_cast<void>(c.recv()), static_cast<void>(reads(&v)); });
       }
       c.send(1);
       wg.wait();
     }},
    {"GlobalOverflow", ASAN_BY("global-buffer-overflow", "writes"),
     [] {
       wait_group wg;
       wg.go([] { writes(table + 4); });
       wg.wait();
     }},
    // ---- stacks ----
    {"OverflowOfAFrame", ASAN_BY("stack-buffer-overflow", "overflows_frame"),
     [] {
       wait_group wg;
       wg.go([] { overflows_frame(8); });
       wg.wait();
     }},
    {"UnderflowOfAFrame", ASAN_BY("stack-buffer-underflow", "overflows_frame"),
     [] {
       wait_group wg;
       wg.go([] { overflows_frame(static_cast<std::size_t>(-1)); });
       wg.wait();
     }},
    {"OverflowOfAFrameAfterAMigration",
     ASAN_BY("stack-buffer-overflow", "overflows_frame_elsewhere"),
     [] {
       max_procs(2);
       wait_group wg;
       wg.go([] { overflows_frame_elsewhere(8); });
       wg.wait();
     }},
    {"OverflowOfAFrameOfAStackOfItsOwn", ASAN_BY("stack-buffer-overflow", "overflows_frame"),
     [] {
       wait_group wg;
       wg.add(1);
       go({.stack_bytes = 1 << 20}, [&] { overflows_frame(8), wg.done(); });
       wg.wait();
     }},
    {"OverflowOfAnAlloca", ASAN_BY("dynamic-stack-buffer-overflow", "overflows_alloca"),
     [] {
       wait_group wg;
       wg.go([] { overflows_alloca(40); });
       wg.wait();
     }},
    {"OverflowOfAnothersFrame", ASAN_BY("stack-buffer-overflow", "writes"),
     [] {
       long a[8] = {};
       wait_group wg;
       wg.go([p = hidden(a)] { writes(p + 8); });
       wg.wait();
     }},
    {"ScopeThatIsLeft", ASAN_BY("stack-use-after-scope", "reads"),
     [] {
       wait_group wg;
       wg.go([] { leaves_scope(); });
       wg.wait();
     }},
    {"ScopeThatAGoroutineCaptured", ASAN_BY("stack-use-after-scope", "reads"),
     [] {
       auto c = make_chan<int>();
       wait_group wg;
       {
         long a = 1;
         wg.go([p = hidden(&a), c] { static_cast<void>(c.recv()), static_cast<void>(reads(p)); });
       }
       c.send(1);
       wg.wait();
     }},
    {"FrameThatHasReturned", ASAN_BY("stack-use-after-return", "reads"),
     [] {
       wait_group wg;
       wg.go([] {
         const long* p = own_frame();
         yield();
         static_cast<void>(reads(p));
       });
       wg.wait();
     },
     true},
    {"FrameOfAGoroutineThatHasEnded", ASAN_BY("stack-use-after-return", "reads"),
     [] {
       auto c = make_chan<const long*>();
       go([c] {
         long a = 1;
         c.send(hidden(&a));
       });
       const long* p = *c.recv();
       while (num_goroutines() > 1) {
         yield();
       }
       static_cast<void>(reads(p));
     },
     true},
    // ---- leaks ----
    {"HeldByNothing", LEAK_OF("1237"),
     [] {
       wait_group wg;
       wg.go([] { leaks(1237); });
       wg.wait();
     }},
    {"HeldByNothingAfterAPark", LEAK_OF("1237"),
     [] {
       auto c = make_chan<int>();
       go([c] { c.send(1), leaks(1237), c.send(1); });
       static_cast<void>(c.recv()), static_cast<void>(c.recv());
     }},
    {"HeldByADeadFrameOfAParkedGoroutine", LEAK_OF("1237"),
     [] {
       auto c = make_chan<int>();
       go([c] { leaks(1237), c.send(1), wait_for_ever(); });
       static_cast<void>(c.recv());
     }},
    {"HeldByNothingInAStackOfItsOwn", LEAK_OF("1237"),
     [] {
       auto c = make_chan<int>();
       go({.stack_bytes = 1 << 20}, [c] { leaks(1237), c.send(1), wait_for_ever(); });
       static_cast<void>(c.recv());
     }},
    {"ForgottenByAClosure", LEAK_OF("1237"),
     [] {
       wait_group wg;
       auto c = make_chan<int>();
       wg.go([p = leaks_later(1237), c] { c.send(p != nullptr ? 1 : 0); });
       static_cast<void>(c.recv());
       wg.wait();
     }},
    // ---- what a goroutine captured, when it has ended ----
    {"ClosureOfAGoroutineThatHasEnded", ASAN_BY("use-after-poison", "reads"),
     [] {
       auto c = make_chan<const long*>();
       go([a = 1L, c] { c.send(&a); });
       const long* p = *c.recv();
       while (num_goroutines() > 1) {
         yield();
       }
       static_cast<void>(reads(p));
     }},
    // ---- undefined behaviour ----
    {"SignedOverflow", UB_BY("signed integer overflow", "adds"),
     [] {
       wait_group wg;
       int one = 1;
       wg.go([by = *hidden(&one)] { use(adds(INT_MAX, by)); });
       wg.wait();
     }},
    {"IndexOutOfBounds", UB_BY("index 7 out of bounds", "indexes"),
     [] {
       wait_group wg;
       wg.go([] { yield(), use(indexes(7)); });
       wg.wait();
     }},
    {"Misaligned", UB_BY("load of misaligned address", "misaligned"),
     [] {
       wait_group wg;
       alignas(8) static constexpr char text[24] = {};
       wg.go([] { use(misaligned(text + 1)); });
       wg.wait();
     }},
};

}  // namespace

std::span<const memory_case> reported_cases() { return cases; }

}  // namespace weft::testing
