// How often contexts and limited waits allocate. A binary of its own: it replaces operator new.
#include <weft/cond_var.hpp>
#include <weft/context.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#include "support/fixture.hpp"

namespace {
thread_local std::size_t allocations = 0;  // of this thread: for what does not wait
std::atomic<std::size_t> all_allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  ++all_allocations;
  if (void* p = std::malloc(size)) {
    return p;
  }
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t align) {
  ++allocations;
  ++all_allocations;
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

// Neither a timeout in a select nor any other wait with a limit makes anything: there is no channel
// and no timer object behind it. (The heap of the times grows now and then, and so do the stacks.)
TEST(LimitedWaits, AllocateNothing) {
  weft::run(weft::runtime_options{.max_procs = 1}, [] {
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    const auto c = weft::make_chan<int>();
    weft::mutex m, free;
    weft::shared_mutex rw;
    weft::cond_var cond;
    weft::semaphore s(1);
    weft::wait_group g;
    m.lock();
    rw.lock();
    s.acquire();
    g.add(1);
    const auto waits = [&, &x = ctx] {
      int v = 0;
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(weft::select(weft::recv(c), weft::timeout(1us)), 1u);
        EXPECT_EQ(weft::select(weft::recv(c), weft::send(c, 1), weft::timeout(1us)), 2u);
        EXPECT_EQ(c.recv_for(v, 1us), weft::chan_status::timeout);
        EXPECT_EQ(c.send_for(1, 1us), weft::chan_status::timeout);
        EXPECT_FALSE(m.try_lock_for(1us));
        EXPECT_FALSE(rw.try_lock_for(1us));
        EXPECT_FALSE(rw.try_lock_shared_for(1us));
        EXPECT_FALSE(s.try_acquire_for(1us));
        EXPECT_FALSE(g.wait_for(1us));
        std::unique_lock hold(free);
        EXPECT_EQ(cond.wait_for(hold, 1us), std::cv_status::timeout);
        EXPECT_FALSE(weft::sleep(x, 1us));
      }
    };
    waits();  // what is made once is not counted
    waits();
    const std::size_t before = all_allocations;
    waits();
    EXPECT_LE(all_allocations - before, 10u) << "in 1100 waits";
    m.unlock();
    rw.unlock();
    g.done();
  });
}

}  // namespace
