// How often contexts allocate. A binary of its own: it replaces operator new.
#include <weft/context.hpp>

#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

#include "support/fixture.hpp"

namespace {
thread_local std::size_t allocations = 0;  // of this thread; nothing here waits while it counts
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) {
    return p;
  }
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t align) {
  ++allocations;
  const auto a = static_cast<std::size_t>(align);
  if (void* p = std::aligned_alloc(a, (size + a - 1) / a * a)) {
    return p;
  }
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

using namespace std::chrono_literals;

template <class F>
std::size_t count(F&& f) {
  f();  // what is made once is not counted
  const std::size_t before = allocations;
  f();
  return allocations - before;
}

// TestAllocs: one for each derivation, or none while small blocks are kept for reuse; none to look
// at it or to cancel it.
TEST(ContextAllocations, AreOneForEachDerivationAtMost) {
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    const auto background = weft::background();
    auto [parent, cancel_parent] = weft::with_cancel(background);
    EXPECT_LE(count([] { (void)weft::background().err(); }), 0u);
    EXPECT_LE(count([&] { (void)weft::with_value(background, 1); }), 1u);
    EXPECT_LE(count([&, &p = parent] {
                auto made = weft::with_cancel(p);
                made.cancel();
                (void)made.ctx.err();
                (void)weft::cause(made.ctx);
              }),
              1u);
    EXPECT_LE(count([&, &p = parent] { (void)weft::with_cancel_cause(p); }), 1u);
    // The heap of the timers grows now and then.
    EXPECT_LE(count([&, &p = parent] {
                for (int i = 0; i < 1000; ++i) {
                  (void)weft::with_timeout(p, 1h);
                }
              }),
              1005u);
    EXPECT_LE(count([&, &p = parent] { (void)weft::with_timeout(p, 0s); }), 1u);
    EXPECT_LE(count([&, &p = parent] { (void)weft::without_cancel(p); }), 1u);
    EXPECT_LE(count([&, &p = parent] { (void)weft::after_func(p, [] {}).stop(); }), 1u);
    EXPECT_LE(count([&, &p = parent] {
                auto made = weft::with_cancel(p);
                (void)made.ctx.done();
                (void)made.ctx.done();
              }),
              2u);
    EXPECT_LE(count([&, &p = parent] { (void)weft::merge(p, background); }), 3u);
  });
}

}  // namespace
