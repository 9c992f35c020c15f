#include "run_stand_in.hpp"

#include <weft/detail/park.hpp>

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

#include "detail/sys.hpp"
#include "explore.hpp"
#include "sched/block_thread.hpp"
#include "stack/pool.hpp"
#include "time/clock.hpp"

namespace weft::model {

run_system run_world;

namespace {

constexpr std::size_t most_threads = 16;
constexpr std::int64_t begin_ns = 1'000'000'000;
constexpr std::int64_t reading_ns = 10'000;  // the clock goes on by so much when it is read

std::int64_t read_clock;
bool process_over;
int unparted;                           // threads that were neither joined nor detached
detail::worker* workers[most_threads];  // by model thread

// ---- mutexes of the C++ library ----

struct held_mutex {
  const void* at;
  bool held;
};
held_mutex mutexes[64];

bool& held(const void* m) {
  for (held_mutex& h : mutexes) {
    if (h.at == m || h.at == nullptr) {
      h.at = m;
      return h.held;
    }
  }
  std::abort();
}

}  // namespace

extern "C" {
int __real_pthread_mutex_lock(pthread_mutex_t* m);
int __real_pthread_mutex_unlock(pthread_mutex_t* m);

int __wrap_pthread_mutex_lock(pthread_mutex_t* m) {
  if (!inside()) {
    return __real_pthread_mutex_lock(m);
  }
  detail::model_step();
  while (held(m)) {
    block(m);
  }
  held(m) = true;
  adopt(m);
  return 0;
}
int __wrap_pthread_mutex_unlock(pthread_mutex_t* m) {
  if (!inside()) {
    return __real_pthread_mutex_unlock(m);
  }
  held(m) = false;
  publish(m);
  unblock(m, most_threads);
  return 0;
}
// Who waits for a thread reads the machine's own clock [simulated]: an execution that a busy
// machine holds up must not be another one for that.
int __real_clock_gettime(clockid_t which, timespec* out);
int __wrap_clock_gettime(clockid_t which, timespec* out) {
  if (!inside()) {
    return __real_clock_gettime(which, out);
  }
  const std::int64_t now = detail::clock.now();
  out->tv_sec = now / 1'000'000'000;
  out->tv_nsec = now % 1'000'000'000;
  return 0;
}
int __wrap_pthread_join(pthread_t t, void**) {
  join_thread(static_cast<std::size_t>(t) - 1);
  require(--unparted >= 0, "a thread is joined twice");
  return 0;
}
int __wrap_pthread_detach(pthread_t) {
  --unparted;
  return 0;
}
}

// ---- stacks ----

namespace {

constexpr std::size_t stacks = 24;
constexpr std::size_t stack_bytes = 48 * 1024;
alignas(64) char stack_room[stacks][stack_bytes];
detail::fiber* spares;

void make_stacks() {
  spares = nullptr;
  for (char* low : stack_room) {
    auto* f = new (low + stack_bytes - sizeof(detail::fiber) - 64) detail::fiber;
    f->low = low;
    f->top = low + stack_bytes;
    f->pool = reinterpret_cast<detail::stack_pool*>(&spares);  // not its own mapping
    f->next = std::exchange(spares, f);
    detail::prepare_fiber(f, detail::worker::fiber_loop);
  }
}

// ---- the system ----

void futex_wait(const void* word, std::uint32_t expected, std::int64_t timeout) {
  detail::model_step();
  if (*static_cast<const std::uint32_t*>(word) != expected) {
    return;
  }
  if (timeout < 0) {
    block(word);
  } else {
    block_until(word, now_ns() + timeout);
    if (run_world.after_nap) {
      run_world.after_nap(timeout);
    }
  }
}

int thread_create(pthread_t* out, void* (*start)(void*), void* arg) {
  if (run_world.refuses_threads) {
    return EAGAIN;
  }
  ++unparted;
  *out = static_cast<pthread_t>(start_thread([start, arg] { start(arg); }) + 1);
  return 0;
}

void prepare_system() {
  detail::sys.map = [](std::size_t bytes) -> void* { return ::operator new(bytes); };
  detail::sys.unmap = [](void* at, std::size_t) {
    ::operator delete(at);
    return 0;
  };
  detail::sys.futex_wait = futex_wait;
  detail::sys.futex_wake = [](const void* word, int n) { unblock(word, n); };
  detail::sys.thread_create = thread_create;
  detail::sys.nap = [](std::int64_t) { detail::model_yield(); };
  detail::sys.give_up_processor = [] { detail::model_yield(); };
  detail::sys.prepare_barrier = [] { return true; };
  detail::sys.barrier_everywhere = [] { barrier_everywhere(); };
  detail::sys.count_threads = [] {
    detail::model_step();
    return live_threads();
  };
  detail::sys.random = [](void* out, std::size_t bytes) {
    std::memset(out, 1, bytes);
    return true;
  };
  detail::sys.name_thread = [](const char*) {};
  detail::sys.timer_slack = [](std::int64_t) {};
  detail::clock.now = [] { return begin_ns + now_ns() + (read_clock += reading_ns); };
}

bool finished = true;  // the execution before this one came to its end

// What is static in the runtime, as it was before: an execution that failed has left it somewhere.
void forget_failed_execution() {
  if (finished) {
    return;
  }
  detail::scheduler::forget_in_child();
  new (&detail::visiting) detail::spinlock;
  detail::timers(detail::timers::most_heaps).drop_all();
}

}  // namespace

detail::scheduler& make_run(int max_procs, deadlock_action a) {
  prepare_system();
  forget_failed_execution();
  finished = false;
  run_world = {};
  process_over = false;
  unparted = 0;
  read_clock = 0;
  std::fill(std::begin(workers), std::end(workers), nullptr);
  std::fill(std::begin(mutexes), std::end(mutexes), held_mutex{});
  make_stacks();
  detail::blocked_threads.store(0, detail::relaxed);
  detail::note_time(detail::clock.now());  // not what the execution before has left
  read_clock = 0;
  detail::scheduler::spare_thread_ns = 5'000'000'000;
  runtime_options o;
  o.max_procs = max_procs;
  o.stack_bytes = stack_bytes;
  o.on_deadlock = a;
  static_cast<void>(detail::self());  // the stand-in of all threads that are no worker's
  auto* s = new detail::scheduler(o);
  if (!detail::scheduler::publish(s)) {
    std::abort();
  }
  keep_freed();
  at_end([s] {
    if (process_over) {
      delete s;  // or millions of executions fill all room
    }
    require(static_cast<std::uint32_t>(detail::blocked_threads.load(detail::relaxed)) == 0,
            "a thread that goes on counts as blocked");
    require(unparted == 0 || process_over, "a thread was started that nobody joins");
    finished = true;
  });
  return *s;
}

std::size_t end_run(detail::scheduler& s) { return s.end(); }

void end_process() {
  process_over = true;
  end_others();
  detail::scheduler::forget_in_child();  // nobody finds it in the next execution
}

void await(const bool& done) {
  detail::model_step();
  while (!done) {
    block(&done);
  }
  adopt(&done);
}
void tell(bool& done) {
  detail::model_step();
  done = true;
  publish(&done);
  unblock(&done, static_cast<int>(most_threads));
}
void sleep_until(std::int64_t when) {
  static const char nothing = 0;
  if (when > now_ns()) {
    block_until(&nothing, when);
  }
}

}  // namespace weft::model

namespace weft::detail {

// ---- thread_locals ----

worker* this_worker() noexcept {
  return model::inside() ? model::workers[model::current()] : nullptr;
}
void set_this_worker(worker* w) noexcept { model::workers[model::current()] = w; }

// ---- stacks ----

constinit spinlock visiting;

stack_pool::stack_pool(std::size_t bytes, fiber_main main)
    : span_(bytes), guard_bytes_(0), main_(main) {}
void stack_pool::reserve_slab() {}
void stack_pool::release_slab() noexcept {}
// The real one has a lock.
fiber* stack_pool::take_some(std::size_t, std::size_t& taken) noexcept {
  model::adopt(&model::spares);
  fiber* f = model::spares;
  model::require(f != nullptr, "more stacks than any scenario needs");
  model::spares = std::exchange(f->next, nullptr);
  taken = 1;
  return f;
}
void stack_pool::give_spares(fiber* first) noexcept {
  model::publish(&model::spares);
  while (first != nullptr) {
    fiber* f = std::exchange(first, first->next);
    f->next = model::spares;
    model::spares = f;
  }
}
bool stack_pool::trim() noexcept { return false; }
fiber* stack_pool::map_fiber(std::size_t, fiber_main) { std::abort(); }
void stack_pool::unmap_fiber(fiber*) noexcept { std::abort(); }

// ---- records ----

void drop_extra(goroutine* g) noexcept {
  goroutine_extra* extra = nullptr;
  {
    spin_guard hold(visiting);
    extra = std::exchange(g->extra, nullptr);
  }
  delete extra;
}

constinit atomic<arena*> arena::newest_{nullptr};

// One slab, made anew for each run.
arena& arena::of(std::size_t bytes, fiber_main main) {
  alignas(arena) static std::byte room[sizeof(arena)];
  alignas(slab) static std::byte slab_room[sizeof(slab)];
  auto* a = new (room) arena(bytes, main);
  auto* s = new (slab_room) slab;
  for (std::size_t i = 0; i + 1 < chain_records; ++i) {
    s->records[i].next = &s->records[i + 1];
  }
  a->chains_ = &s->records[0];
  a->slabs_.store(s, release);
  newest_.store(a, release);
  return *a;
}

record_chain arena::take_records() {
  spin_guard hold(lock_);
  model::require(chains_ != nullptr, "more records than any scenario needs");
  goroutine* first = chains_;
  goroutine* last = first;
  std::size_t n = 1;
  for (; n < chain_records / 2; ++n) {
    last = last->next;
  }
  chains_ = std::exchange(last->next, nullptr);
  return {first, last, n};
}

// They are not used again in this run.
void arena::give_records(record_chain c) noexcept {
  if (c.first != nullptr) {
    spin_guard hold(lock_);
  }
}

}  // namespace weft::detail
