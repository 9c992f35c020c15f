// The search: depth first through the choices of who goes next, and of what a load returns; and by
// samples of them.
#include "explore.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "execution.hpp"

namespace weft::model {

execution* now = nullptr;

// xorshift64*
std::size_t sampler::below(std::size_t n) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return static_cast<std::size_t>(((state * 0x2545f4914f6cdd1du) >> 33) % n);
}

std::size_t choose(std::size_t of, first f) {
  if (of == 1) {
    return 0;
  }
  now->places += f == first::usual;
  if (now->depth == now->path.size()) {
    std::size_t taken = 0;
    if (sampler* s = now->samples) {
      if (f == first::one_of_all) {
        taken = s->below(of);
      } else if (s->below(s->one_in) == 0) {
        taken = 1 + s->below(of - 1);
      }
    }
    now->path.push_back({taken, of});
  }
  const choice& c = now->path[now->depth++];
  if (c.of != of) {
    std::fprintf(stderr, "model: the scenario is not deterministic\n");
    std::abort();
  }
  return c.taken;
}

void fail(const std::string& what) {
  if (now->failure.empty()) {
    now->failure = what;
  }
}

namespace {

constexpr std::size_t most_steps = 20'000;  // of one execution: else it spins for ever

void run_once(const scenario& make) {
  let_freed_go();
  now->time = 0;
  now->timeouts = 0;
  now->idle_spins = 0;
  now->keeps_freed = false;
  now->threads.clear();
  now->threads.reserve(thread_limit);  // references to them are held
  now->checks.clear();
  now->failure.clear();
  now->depth = 0;
  now->steps = 0;
  now->places = 0;
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
      now->places += can.size() > 1;
      can.resize(1);
    }
    const std::size_t next = can[choose(can.size(), forced ? first::one_of_all : first::usual)];
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

namespace {

// One execution more; false: it has failed.
bool holds_once(const scenario& make, outcome& result) {
  run_once(make);
  ++result.executions;
  result.failure = now->failure;
  if (!result.failure.empty()) {
    result.schedule = written(*now, now->path);
  }
  return result.failure.empty();
}

void explore_in_order(const scenario& make, const options& how, outcome& result) {
  execution& e = *now;
  while (holds_once(make, result)) {
    // The last choice that has an alternative left takes it; what came after it is new.
    e.path.resize(e.depth);
    while (!e.path.empty() && e.path.back().taken + 1 == e.path.back().of) {
      e.path.pop_back();
    }
    if (e.path.empty()) {
      result.exhausted = true;
      return;
    }
    ++e.path.back().taken;
    if (result.executions == how.most_executions) {
      return;
    }
  }
}

void explore_at_random(const scenario& make, const options& how, outcome& result) {
  execution& e = *now;
  sampler draws;
  e.samples = &draws;
  const auto unusual = static_cast<std::size_t>(how.preemptions + how.stale);
  for (std::size_t i = 0; i < how.samples; ++i) {
    e.path.clear();
    // About as many as the bounds allow, spread over the whole of an execution.
    draws.one_in = std::max<std::size_t>(e.places / std::max<std::size_t>(unusual, 1), 2);
    if (!holds_once(make, result)) {
      return;
    }
  }
}

}  // namespace

outcome explore(const scenario& make, const options& how) {
  execution e;
  e.bound = how.preemptions;
  e.stale = how.stale;
  now = &e;
  outcome result;
  explore_in_order(make, how, result);
  if (!result.exhausted && result.failure.empty()) {
    explore_at_random(make, how, result);
  }
  // Threads of a failed execution are not unwound: their stacks are dropped as they are.
  now = nullptr;
  return result;
}

outcome replay(const scenario& make, const std::string& schedule, trace t) {
  execution e;
  char slash = 0;
  char colon = 0;
  std::istringstream in(schedule);
  std::vector<std::size_t> wanted;
  in >> e.bound >> slash >> e.stale >> colon;
  for (std::size_t n = 0; in >> n;) {
    wanted.push_back(n);
    in.ignore(in.peek() == '.' ? 1 : 0);
  }
  if (slash != '/' || colon != ':' || !in.eof()) {
    throw std::invalid_argument("no schedule: " + schedule);
  }
  const auto refuse = [&](const std::string& why) {
    now = nullptr;
    throw std::invalid_argument("schedule " + schedule + " is of no run of this scenario: " + why +
                                "; the sources or the scenario have changed since it was printed");
  };
  now = &e;
  outcome result;
  std::ostringstream lines;
  if (t == trace::lines) {
    e.trace = &lines;
  }
  // The numbers of alternatives are found on the way: grow the path choice by choice.
  for (;;) {
    const std::size_t known = e.path.size();
    lines.str({});
    run_once(make);
    for (std::size_t i = known; i < e.path.size() && i < wanted.size(); ++i) {
      if (wanted[i] >= e.path[i].of) {
        refuse("choice " + std::to_string(i + 1) + " is " + std::to_string(wanted[i]) +
               " of only " + std::to_string(e.path[i].of));
      }
      e.path[i].taken = wanted[i];
      e.path.resize(i + 1);
      break;
    }
    if (e.path.size() == known || known >= wanted.size()) {
      break;
    }
  }
  if (wanted.size() > e.path.size()) {
    refuse("it has " + std::to_string(wanted.size()) + " choices, and the run ended after " +
           std::to_string(e.path.size()));
  }
  std::fputs(lines.str().c_str(), stderr);
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

}  // namespace weft::model
