// What go(), run() and the functions of this_goroutine do.
#include <weft/blocking.hpp>
#include <weft/detail/check.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/exceptions.hpp>
#include <weft/go.hpp>

#include <algorithm>
#include <memory>

#include "debug/crash.hpp"
#include "sched/cpus.hpp"
#include "sched/goexit.hpp"
#include "sched/process.hpp"
#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"
#include "stack/sanitizer.hpp"
#include "time/clock.hpp"

namespace weft {
namespace detail {
namespace {

[[noreturn]] void throw_no_runtime(const char* who) {
  refuse_after_fork(who);
  throw no_runtime(std::string("weft: ") + who +
                   ": no runtime is running; call it from within weft::run");
}

// A goroutine asks its own run, which may have ended: an abandoned one goes on until it waits.
std::size_t usual_stack_bytes() {
  const race::runtime_code in;
  if (worker* w = this_worker()) {
    return w->sched().options().stack_bytes;
  }
  scheduler::in_use s;
  if (!s) {
    throw_no_runtime("go");
  }
  return s->options().stack_bytes;
}

// A record that will not be submitted.
void give_back(goroutine* g) noexcept {
  if (worker* w = this_worker()) {
    w->count_finished();
    w->give_record(g);
  } else if (scheduler::in_use s; s) {
    s->give_up_foreign_spawn(g);
  }
}

// `w`: the caller's worker, or null. Throws no_runtime, std::system_error, std::bad_alloc.
goroutine* take_record(worker* w) {
  if (w != nullptr) {
    if (!w->stocked()) [[unlikely]] {
      w->restock();
    }
    return w->take_record();
  }
  scheduler::in_use s;
  if (!s) {
    throw_no_runtime("go");
  }
  goroutine* g = s->take_foreign_record();
  g->id = s->take_ids(1);
  return g;
}

new_goroutine fill_in(goroutine* g, std::source_location site, std::uint64_t parent) noexcept {
  sanitizer::open(g->closure, sizeof(g->closure));
  g->site = site;
  g->parent = parent;
  return {g, g->room()};
}

new_goroutine fresh_record(worker* w, std::source_location site, std::uint64_t parent,
                           goroutine_extra* extra = nullptr) {
  goroutine* g = take_record(w);
#if WEFT_RACE
  try {
    g->actor = race::make_actor();
  } catch (...) {
    give_back(g);
    throw;
  }
  race::name_actor(g->actor, g->id, extra != nullptr ? extra->name : std::string_view());
#endif
  if (extra != nullptr) {
    g->extra = extra;
  }
  return fill_in(g, site, parent);
}

goroutine* current_goroutine() noexcept {
  const race::runtime_code in;
  worker* w = this_worker();
  return w != nullptr ? w->current() : nullptr;
}

std::size_t count_goroutines(scheduler& s) noexcept {
  const auto n = static_cast<std::size_t>(s.live_goroutines());
  race::acquire(s.ended());
  return n;
}

std::unique_ptr<local_values> copy_locals() {
  const race::user_code out;
  return inherited_locals();
}

// What the fast path cannot do: goroutine_locals to inherit, a caller that is no goroutine, no
// record or id in stock; and all spawns under ThreadSanitizer.
__attribute__((noinline)) new_goroutine begin_spawn_slowly(std::source_location site) {
  const race::runtime_code in;
  auto locals = copy_locals();  // user code: the worker may be another one after it
  if (locals == nullptr) {
    return fresh_record(this_worker(), site, this_goroutine::id());
  }
  auto extra = std::make_unique<goroutine_extra>();
  extra->locals = std::move(locals);
  const new_goroutine g = fresh_record(this_worker(), site, this_goroutine::id(), extra.get());
  extra.release();
  return g;
}

}  // namespace

// What nearly all spawns take calls nothing, so that no register need be saved first.
new_goroutine begin_spawn(std::source_location site) {
  worker* w = this_worker();
  const goroutine* me = !race::on && w != nullptr ? w->current() : nullptr;
  if (me != nullptr && me->extra == nullptr && w->stocked()) [[likely]] {
    return fill_in(w->take_record(), site, me->id);
  }
  return begin_spawn_slowly(site);
}

new_goroutine begin_spawn(const spawn_request& request, std::source_location site) {
  const race::runtime_code in;
  auto extra = std::make_unique<goroutine_extra>();
  extra->locals = copy_locals();  // user code: the worker may be another one after it
  const std::size_t usual = usual_stack_bytes();
  extra->name = request.name;
  if (request.stack_bytes != 0 && request.stack_bytes != usual) {
    // [stack.4]
    extra->own_fiber = stack_pool::map_fiber(request.stack_bytes, worker::fiber_loop);
  }
  try {
    const new_goroutine g = fresh_record(this_worker(), site, this_goroutine::id(), extra.get());
    extra.release();
    return g;
  } catch (...) {
    if (extra->own_fiber != nullptr) {
      stack_pool::unmap_fiber(extra->own_fiber);
    }
    throw;
  }
}

namespace {

// In a simulation, and by threads that are no workers.
__attribute__((noinline)) void submit_specially(goroutine* g) noexcept {
  if (worker* w = this_worker()) {
    w->push_fresh(g);
    schedule_point();
  } else if (scheduler::in_use s; s) {
    s->inject(g);
  }
}

}  // namespace

void finish_spawn(goroutine* g, void (*run)(void*)) noexcept {
  const race::runtime_code in;
#if WEFT_RACE
  race::release(&g->actor->started);  // MM-1; the closure was made after the actor
#endif
  g->run = run;
  g->since().store(coarse_now.load(relaxed), relaxed);  // relaxed: for dumps
  g->state.store(goroutine_state::runnable, release);   // [visit.1] release: the record is complete
  worker* w = this_worker();
  if (w == nullptr || in_simulation()) [[unlikely]] {
    return submit_specially(g);
  }
  w->push_fresh(g);
}

void abandon_spawn(goroutine* g) noexcept {
  const race::runtime_code in;
#if WEFT_RACE
  race::free_actor(g->actor);
#endif
  if (g->extra != nullptr) {
    if (g->extra->own_fiber != nullptr) {
      stack_pool::unmap_fiber(g->extra->own_fiber);
    }
    drop_extra(g);
  }
  give_back(g);
}

void run_main(const runtime_options& options, void (*main)(void*), void* arg,
              std::source_location site) {
  runtime_options resolved = resolve(options);
  if (!resolved.deterministic) {
    run_scheduler(resolved, nullptr, "run", main, arg, site);
    return;
  }
  resolved.max_procs = 1;
  resolved.seed = std::max<std::uint64_t>(resolved.seed, 1);
  simulation all(simulation::scope::program, resolved.seed, 0);
  run_scheduler(resolved, &all, "run", main, arg, site);
}

void run_scheduler(const runtime_options& options, simulation* simulated, const char* who,
                   void (*main)(void*), void* arg, std::source_location site) {
  const race::runtime_code in;
  if (this_worker() != nullptr) {
    throw misuse(std::string("weft: ") + who +
                 ": called from a goroutine; a runtime is running already");
  }
  refuse_after_fork(who);
  auto* s = new scheduler(options, simulated);
  if (!scheduler::publish(s)) {
    delete s;
    throw misuse(std::string("weft: ") + who + ": a runtime is running already");
  }
  if (simulated != nullptr) {
    simulated->begin(*s);
  }
  install_crash_handlers();
  goroutine* g = nullptr;
  try {
    g = fresh_record(nullptr, site, 0).record;
  } catch (...) {
    if (simulated != nullptr) {
      simulated->end();
    }
    scheduler::retract();
    delete s;
    throw;
  }
  struct call {
    void (*main)(void*);
    void* arg;
  };
  new (g->room()) call{main, arg};
  g->main = true;
  g->run = [](void* closure) {
    const call c = *static_cast<call*>(closure);
    c.main(c.arg);
  };
  s->run_main(g);
}

}  // namespace detail

void yield() {
  const detail::race::runtime_code in;
  if (detail::worker* w = detail::this_worker(); w != nullptr && w->current() != nullptr) {
    w->yield_current();
  }
}

void goexit() {
  detail::goroutine* g = detail::current_goroutine();
  if (g == nullptr) {
    throw misuse("weft: goexit: not called from a goroutine");
  }
  {
    const detail::race::runtime_code in;
    g->leaving = true;
  }
  throw detail::goexit_unwind{};
}

std::size_t num_goroutines() noexcept {
  const detail::race::runtime_code in;
  if (detail::worker* w = detail::this_worker()) {
    return detail::count_goroutines(w->sched());
  }
  detail::scheduler::in_use s;
  return s ? detail::count_goroutines(*s) : 0;
}

int max_procs() { return max_procs(0); }

int max_procs(int n) {
  const detail::race::runtime_code in;
  detail::scheduler::in_use s;
  if (!s) {
    detail::throw_no_runtime("max_procs");
  }
  if (n < 1) {
    return static_cast<int>(s->max_procs());
  }
  const auto most = static_cast<int>(detail::scheduler::max_threads);
  return static_cast<int>(s->set_max_procs(static_cast<std::uint32_t>(n < most ? n : most)));
}

namespace this_goroutine {

std::uint64_t id() noexcept {
  const detail::race::runtime_code in;
  detail::goroutine* g = detail::current_goroutine();
  return g != nullptr ? g->id : 0;
}

std::string_view name() noexcept {
  const detail::race::runtime_code in;
  detail::goroutine* g = detail::current_goroutine();
  return g != nullptr && g->extra != nullptr ? std::string_view(g->extra->name)
                                             : std::string_view();
}

}  // namespace this_goroutine

namespace detail {

void begin_blocking() noexcept {
  const race::runtime_code in;
  if (worker* w = this_worker()) {
    w->begin_blocking();
  }
}

void end_blocking() noexcept {
  const race::runtime_code in;
  if (worker* w = this_worker()) {
    w->end_blocking();
  }
}

}  // namespace detail
}  // namespace weft
