#include "explore.hpp"

#include <weft/detail/atomic.hpp>

#include <boost/context/detail/fcontext.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

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
  bool inside = false;  // a model thread runs
  std::string failure;
  ctx::fcontext_t explorer = nullptr;
};

execution* now = nullptr;

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
  for (auto& body : make()) {
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

// "2:0.1.0": the bound on preemptions, then each choice.
std::string written(int bound, const std::vector<choice>& path) {
  std::string s = std::to_string(bound) + ":";
  for (const choice& c : path) {
    s += (s.back() == ':' ? "" : ".") + std::to_string(c.taken);
  }
  return s;
}

}  // namespace

outcome explore(const scenario& make, const options& how) {
  execution e;
  e.bound = how.preemptions;
  now = &e;
  outcome result;
  for (;;) {
    run_once(make);
    ++result.executions;
    if (!e.failure.empty()) {
      result.failure = e.failure;
      result.schedule = written(e.bound, e.path);
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

std::size_t current() noexcept { return now->running; }

}  // namespace weft::model

namespace weft::detail {

void model_step() noexcept { model::step(false); }
void model_yield() noexcept { model::step(true); }

}  // namespace weft::detail
