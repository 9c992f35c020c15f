#include "explore.hpp"

#include <weft/detail/atomic.hpp>

#include <boost/context/detail/fcontext.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <source_location>
#include <sstream>
#include <string_view>

#include "memory.hpp"

namespace weft::model {
namespace {

namespace ctx = boost::context::detail;

struct thread {
  std::function<void()> body;
  ctx::fcontext_t context = nullptr;
  const void* blocked_on = nullptr;
  bool finished = false;
  bool yielded = false;  // spins: others first
};

struct choice {
  std::size_t taken;
  std::size_t of;
};

constexpr std::size_t stack_bytes = 64 * 1024;
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
  if (can.empty()) {  // only those that spin are left
    for (std::size_t i = 0; i < now->threads.size(); ++i) {
      now->threads[i].yielded = false;
      add(i);
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
  now->running = i;
  now->inside = true;
  const ctx::transfer_t t = ctx::jump_fcontext(now->threads[i].context, nullptr);
  now->threads[i].context = t.fctx;
  now->inside = false;
}

void run_once(const scenario& make) {
  now->threads.clear();
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
    thread& t = now->threads.emplace_back();
    t.body = std::move(body);
    char* const stack = stack_of(now->threads.size() - 1);
    t.context = ctx::make_fcontext(stack + stack_bytes, stack_bytes, thread_entry);
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
  // The numbers of alternatives are found on the way: grow the path choice by choice.
  for (;;) {
    const std::size_t known = e.path.size();
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

}  // namespace weft::model

namespace weft::detail {

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
  if (model::weak_memory()) {
    model::now->shared.store(model::now->running, at, before, after, model::order_at(order, site),
                             read);
  }
}

}  // namespace weft::detail
