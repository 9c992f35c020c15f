#include "explore.hpp"

#include <weft/detail/atomic.hpp>

#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <source_location>
#include <sstream>
#include <string_view>
#include <utility>

#include "memory.hpp"

namespace weft::model {
namespace {

namespace ctx = boost::context::detail;

constexpr std::int64_t no_deadline = INT64_MAX;

// What the C++ runtime keeps per thread about them: __cxa_eh_globals of the Itanium ABI.
struct exceptions {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

struct thread {
  std::function<void()> body;
  ctx::fcontext_t context = nullptr;
  const void* blocked_on = nullptr;
  std::int64_t deadline = no_deadline;
  bool timed_out = false;
  bool finished = false;
  bool yielded = false;  // spins: others first
  exceptions in_flight;
};

struct choice {
  std::size_t taken;
  std::size_t of;
};

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr std::size_t most_threads = 16;    // of one execution
constexpr int most_idle_spins = 100;        // of all that can run; then time goes on
constexpr std::size_t most_steps = 20'000;  // of one execution: else it spins for ever

// Reused by all executions: the kernel would be most of the time otherwise.
char* stack_of(std::size_t thread) {
  static std::vector<std::unique_ptr<char[]>> stacks;
  while (stacks.size() <= thread) {
    stacks.push_back(std::make_unique_for_overwrite<char[]>(stack_bytes));
  }
  return stacks[thread].get();
}

struct execution {
  std::vector<thread> threads;
  std::vector<std::function<void()>> checks;
  std::vector<choice> path;
  std::size_t depth = 0;
  std::size_t running = 0;
  std::size_t steps = 0;
  int preemptions = 0;
  int bound = 0;
  int stale = 0;
  memory shared;
  bool inside = false;  // a model thread runs
  std::int64_t time = 0;
  int timeouts = 0;
  int idle_spins = 0;
  bool keeps_freed = false;
  std::ostringstream* trace = nullptr;
  std::string failure;
  ctx::fcontext_t explorer = nullptr;
};

execution* now = nullptr;

struct {
  std::string file;
  unsigned first = 0, last = 0;
  std::memory_order order{};
  std::size_t met = 0;
} weakening;

std::memory_order order_at(std::memory_order order, const std::source_location& site) {
  if (site.line() < weakening.first || site.line() > weakening.last ||
      !std::string_view(site.file_name()).ends_with(weakening.file)) {
    return order;
  }
  ++weakening.met;
  return weakening.order;
}

struct {
  const char* name = nullptr;
  std::size_t met = 0;
} mutation;

// What was freed in this execution. It outlives that: it goes when the next begins.
struct freed_block {
  void* at;
  std::size_t bytes;
};
freed_block freed[1024];
std::size_t freed_count;

// With WEFT_MODEL_TRACE in the environment a replay says which thread came to which line.
void note(const std::source_location& site) {
  if (inside() && now->trace != nullptr) {
    const std::string_view file = site.file_name();
    *now->trace << now->running << ' ' << file.substr(file.rfind('/') + 1) << ':' << site.line()
                << '\n';
  }
}

void check_alive(const void* at) {
  for (std::size_t i = 0; i < freed_count; ++i) {
    const auto* low = static_cast<const char*>(freed[i].at);
    if (at >= low && at < low + freed[i].bytes) {
      require(false, "what was freed is touched");
    }
  }
}

void let_freed_go() {
  const std::size_t n = std::exchange(freed_count, 0);
  for (std::size_t i = 0; i < n; ++i) {
    ::operator delete(freed[i].at);
  }
}

// A thread runs, in a memory that is weaker than sequentially consistent.
bool weak_memory() {
  return now != nullptr && now->inside && now->stale != 0 && now->failure.empty();
}

void to_explorer() {
  const ctx::transfer_t t = ctx::jump_fcontext(now->explorer, nullptr);
  now->explorer = t.fctx;
}

void thread_entry(ctx::transfer_t t) {
  now->explorer = t.fctx;
  thread& me = now->threads[now->running];
  me.body();
  me.finished = true;
  unblock(&me.finished, static_cast<int>(most_threads));
  to_explorer();
  std::abort();
}

void fail(const std::string& what) {
  if (now->failure.empty()) {
    now->failure = what;
  }
}

void step(bool yields) {
  if (now == nullptr || !now->inside) {
    return;
  }
  if (!now->failure.empty()) {
    return;
  }
  now->threads[now->running].yielded = yields;
  to_explorer();
}

// To the next point for which a thread waits; who waits for it can run.
std::vector<std::size_t> let_time_go_on() {
  std::vector<std::size_t> due;
  std::int64_t next = no_deadline;
  for (const thread& t : now->threads) {
    if (!t.finished && t.blocked_on != nullptr) {
      next = std::min(next, t.deadline);
    }
  }
  if (next == no_deadline) {
    return due;
  }
  now->time = std::max(now->time, next);
  ++now->timeouts;
  now->idle_spins = 0;
  for (std::size_t i = 0; i < now->threads.size(); ++i) {
    thread& t = now->threads[i];
    if (!t.finished && t.blocked_on != nullptr && t.deadline == next) {
      t.blocked_on = nullptr;
      t.timed_out = true;
      due.push_back(i);
    }
  }
  return due;
}

// The threads that may go next; the running one first.
std::vector<std::size_t> enabled() {
  std::vector<std::size_t> can;
  const auto add = [&](std::size_t i) {
    const thread& t = now->threads[i];
    if (!t.finished && t.blocked_on == nullptr) {
      can.push_back(i);
    }
  };
  const bool running_spins = now->threads[now->running].yielded;
  if (!running_spins) {
    add(now->running);
  }
  for (std::size_t i = 0; i < now->threads.size(); ++i) {
    if (i != now->running && !now->threads[i].yielded) {
      add(i);
    }
  }
  if (!can.empty()) {
    now->idle_spins = 0;
    return can;
  }
  for (std::size_t i = 0; i < now->threads.size(); ++i) {  // only those that spin are left
    now->threads[i].yielded = false;
    add(i);
  }
  if (can.empty() || ++now->idle_spins > most_idle_spins) {
    for (const std::size_t i : let_time_go_on()) {
      can.push_back(i);
    }
  }
  return can;
}

std::size_t choose(std::size_t of) {
  if (of == 1) {
    return 0;
  }
  if (now->depth == now->path.size()) {
    now->path.push_back({0, of});
  }
  const choice& c = now->path[now->depth++];
  if (c.of != of) {
    std::fprintf(stderr, "model: the scenario is not deterministic\n");
    std::abort();
  }
  return c.taken;
}

void resume(std::size_t i) {
  static auto* const in_flight = reinterpret_cast<exceptions*>(abi::__cxa_get_globals());
  now->running = i;
  now->inside = true;
  *in_flight = now->threads[i].in_flight;
  const ctx::transfer_t t = ctx::jump_fcontext(now->threads[i].context, nullptr);
  now->threads[i].context = t.fctx;
  now->threads[i].in_flight = std::exchange(*in_flight, {});
  now->inside = false;
}

void add_thread(std::function<void()> body) {
  thread& t = now->threads.emplace_back();
  t.body = std::move(body);
  char* const stack = stack_of(now->threads.size() - 1);
  t.context = ctx::make_fcontext(stack + stack_bytes, stack_bytes, thread_entry);
}

void run_once(const scenario& make) {
  let_freed_go();
  now->time = 0;
  now->timeouts = 0;
  now->idle_spins = 0;
  now->keeps_freed = false;
  now->threads.clear();
  now->threads.reserve(most_threads);  // references to them are held
  now->checks.clear();
  now->failure.clear();
  now->depth = 0;
  now->steps = 0;
  now->preemptions = 0;
  now->running = 0;
  now->shared.reset(0, 0);
  auto bodies = make();
  now->shared.reset(bodies.size(), now->stale);
  for (auto& body : bodies) {
    add_thread(std::move(body));
  }
  for (;;) {
    std::vector<std::size_t> can = enabled();
    if (can.empty()) {
      break;
    }
    const bool forced = can.front() != now->running;  // the running one cannot go on
    if (!forced && now->preemptions >= now->bound) {
      can.resize(1);
    }
    const std::size_t next = can[choose(can.size())];
    if (!forced && next != now->running) {
      ++now->preemptions;
    }
    if (++now->steps > most_steps) {
      fail("no end in sight: a thread spins for ever");
    }
    if (!now->failure.empty()) {
      break;
    }
    resume(next);
  }
  bool all = true;
  for (const thread& t : now->threads) {
    all &= t.finished;
  }
  if (now->failure.empty() && !all) {
    fail("blocked for ever: a wake-up was lost");
  }
  if (now->failure.empty()) {
    for (auto& check : now->checks) {
      check();
    }
  }
}

// "2/1:0.1.0": the bounds on preemptions and on stale loads, then each choice.
std::string written(const execution& e, const std::vector<choice>& path) {
  std::string s = std::to_string(e.bound) + "/" + std::to_string(e.stale) + ":";
  for (const choice& c : path) {
    s += (s.back() == ':' ? "" : ".") + std::to_string(c.taken);
  }
  return s;
}

}  // namespace

outcome explore(const scenario& make, const options& how) {
  execution e;
  e.bound = how.preemptions;
  e.stale = how.stale;
  now = &e;
  outcome result;
  for (;;) {
    run_once(make);
    ++result.executions;
    if (!e.failure.empty()) {
      result.failure = e.failure;
      result.schedule = written(e, e.path);
      break;
    }
    // The last choice that has an alternative left takes it; what came after it is new.
    e.path.resize(e.depth);
    while (!e.path.empty() && e.path.back().taken + 1 == e.path.back().of) {
      e.path.pop_back();
    }
    if (e.path.empty()) {
      result.exhausted = true;
      break;
    }
    ++e.path.back().taken;
    if (result.executions == how.most_executions) {
      break;
    }
  }
  // Threads of a failed execution are not unwound: their stacks are dropped as they are.
  now = nullptr;
  return result;
}

outcome replay(const scenario& make, const std::string& schedule) {
  execution e;
  e.bound = std::stoi(schedule);
  e.stale = std::stoi(schedule.substr(schedule.find('/') + 1));
  now = &e;
  outcome result;
  std::istringstream in(schedule.substr(schedule.find(':') + 1));
  std::vector<std::size_t> wanted;
  for (std::string word; std::getline(in, word, '.');) {
    wanted.push_back(std::stoul(word));
  }
  std::ostringstream trace;
  if (std::getenv("WEFT_MODEL_TRACE") != nullptr) {
    e.trace = &trace;
  }
  // The numbers of alternatives are found on the way: grow the path choice by choice.
  for (;;) {
    const std::size_t known = e.path.size();
    trace.str({});
    run_once(make);
    for (std::size_t i = known; i < e.path.size() && i < wanted.size(); ++i) {
      e.path[i].taken = wanted[i];
      e.path.resize(i + 1);
      break;
    }
    if (e.path.size() == known || known >= wanted.size()) {
      break;
    }
  }
  std::fputs(trace.str().c_str(), stderr);
  result.executions = 1;
  result.failure = e.failure;
  result.schedule = schedule;
  now = nullptr;
  return result;
}

void require(bool condition, const char* what) {
  if (!condition) {
    fail(what);
    if (now->inside) {
      to_explorer();  // never resumed
    }
  }
}

void at_end(std::function<void()> check) { now->checks.push_back(std::move(check)); }

void block(const void* key) {
  if (weak_memory() && !now->shared.up_to_date(now->running, key)) {
    now->shared.catch_up(now->running);
    return;
  }
  now->threads[now->running].blocked_on = key;
  to_explorer();
}

bool block_until(const void* key, std::int64_t deadline) {
  thread& me = now->threads[now->running];
  me.deadline = deadline;
  me.timed_out = false;
  block(key);
  me.deadline = no_deadline;
  return !me.timed_out;
}
std::int64_t now_ns() noexcept { return now != nullptr ? now->time : 0; }
int timeouts() noexcept { return now->timeouts; }

std::size_t start_thread(std::function<void()> body) {
  if (now->threads.size() == most_threads || now->stale != 0) {
    std::abort();  // weak memory knows the threads of the beginning only
  }
  add_thread(std::move(body));
  return now->threads.size() - 1;
}
void join_thread(std::size_t index) {
  step(false);
  thread& t = now->threads[index];
  while (!t.finished) {
    block(&t.finished);
  }
}
std::size_t live_threads() noexcept {
  return static_cast<std::size_t>(std::count_if(now->threads.begin(), now->threads.end(),
                                                [](const thread& t) { return !t.finished; }));
}
bool inside() noexcept { return now != nullptr && now->inside; }

void keep_freed() { now->keeps_freed = true; }
bool keep_for_now(void* block, std::size_t bytes) noexcept {
  if (!inside() || !now->keeps_freed || freed_count == std::size(freed)) {
    return false;
  }
  freed[freed_count++] = {block, bytes};
  return true;
}

void unblock(const void* key, int count) {
  for (thread& t : now->threads) {
    if (count > 0 && t.blocked_on == key) {
      t.blocked_on = nullptr;
      --count;
    }
  }
}

void publish(const void* key) {
  if (weak_memory()) {
    now->shared.publish(now->running, key);
  }
}
void adopt(const void* key) {
  if (weak_memory()) {
    now->shared.join_published(now->running, key);
  }
}

std::size_t current() noexcept { return now->running; }

weakened::weakened(std::string file, unsigned first, unsigned last, std::memory_order order) {
  weakening = {std::move(file), first, last, order, 0};
}
weakened::~weakened() { weakening = {}; }
std::size_t weakened::met() const noexcept { return weakening.met; }

mutated::mutated(const char* name) { mutation = {name, 0}; }
mutated::~mutated() { mutation = {}; }
std::size_t mutated::met() const noexcept { return mutation.met; }

}  // namespace weft::model

namespace weft::detail {

// Called by the sources as mutate.py has changed them.
bool model_mutation(const char* name) noexcept;
bool model_mutation(const char* name) noexcept {
  if (model::mutation.name == nullptr || std::string_view(model::mutation.name) != name) {
    return false;
  }
  ++model::mutation.met;
  return true;
}

void model_step() noexcept { model::step(false); }
void model_yield() noexcept {
  if (model::weak_memory()) {
    model::now->shared.catch_up(model::now->running);
  }
  model::step(true);
}

void model_begin(const void* at) noexcept {
  if (model::weak_memory()) {
    model::now->shared.begin(at);
  }
}

std::uint64_t model_load(const void* at, std::uint64_t newest, std::memory_order order,
                         bool may_be_stale, const std::source_location& site) noexcept {
  model::note(site);
  model::check_alive(at);
  if (!model::weak_memory()) {
    return newest;
  }
  order = model::order_at(order, site);
  model::memory& m = model::now->shared;
  const std::size_t me = model::now->running;
  const std::size_t nth = may_be_stale ? model::choose(m.candidates(me, at, order)) : 0;
  return m.load(me, at, newest, nth, order);
}

void model_store(const void* at, std::uint64_t before, std::uint64_t after, std::memory_order order,
                 bool read, const std::source_location& site) noexcept {
  model::note(site);
  model::check_alive(at);
  if (model::weak_memory()) {
    model::now->shared.store(model::now->running, at, before, after, model::order_at(order, site),
                             read);
  }
}

}  // namespace weft::detail
