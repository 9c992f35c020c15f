// The threads of an execution: each on a stack of its own, one of them runs.
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "execution.hpp"

namespace weft::model {
namespace {

namespace ctx = boost::context::detail;

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr int most_idle_spins = 100;  // of all that can run; then time goes on

// Reused by all executions: the kernel would be most of the time otherwise.
char* stack_of(std::size_t thread) {
  static std::vector<std::unique_ptr<char[]>> stacks;
  while (stacks.size() <= thread) {
    stacks.push_back(std::make_unique_for_overwrite<char[]>(stack_bytes));
  }
  return stacks[thread].get();
}

void thread_entry(ctx::transfer_t t) {
  now->explorer = t.fctx;
  thread& me = now->threads[now->running];
  me.body();
  me.finished = true;
  publish(&me.finished);
  unblock(&me.finished, static_cast<int>(thread_limit));
  to_explorer();
  std::abort();
}

// To the next point for which a thread waits; who waits for it can run.
std::vector<std::size_t> let_time_go_on() {
  std::vector<std::size_t> due;
  std::int64_t next = never_due;
  for (const thread& t : now->threads) {
    if (!t.finished && t.blocked_on != nullptr) {
      next = std::min(next, t.deadline);
    }
  }
  if (next == never_due) {
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

}  // namespace

void to_explorer() {
  const ctx::transfer_t t = ctx::jump_fcontext(now->explorer, nullptr);
  now->explorer = t.fctx;
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
  me.deadline = never_due;
  return !me.timed_out;
}
std::int64_t now_ns() noexcept { return now != nullptr ? now->time : 0; }
int timeouts() noexcept { return now->timeouts; }

std::size_t start_thread(std::function<void()> body) {
  if (now->threads.size() == thread_limit) {
    std::abort();
  }
  if (weak_memory()) {
    now->shared.add_thread(now->running);
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
  adopt(&t.finished);
}
void end_others() noexcept {
  for (std::size_t i = 0; i < now->threads.size(); ++i) {
    now->threads[i].finished |= i != now->running;
  }
}
std::size_t live_threads() noexcept {
  std::size_t n = 0;
  for (const thread& t : now->threads) {
    if (t.finished) {
      adopt(&t.finished);
    } else {
      ++n;
    }
  }
  return n;
}
bool inside() noexcept { return now != nullptr && now->inside; }

void unblock(const void* key, int count) {
  for (thread& t : now->threads) {
    if (count > 0 && t.blocked_on == key) {
      t.blocked_on = nullptr;
      --count;
    }
  }
}

void barrier_everywhere() {
  step(false);
  if (weak_memory()) {
    now->shared.barrier_everywhere(now->running);
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

}  // namespace weft::model
