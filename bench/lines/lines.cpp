#include "lines.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <mutex>

#include "counted_atomic.hpp"

extern "C" const char __executable_start;

namespace weft::lines {
namespace {

using std::memory_order_relaxed;

// A line is found by its address; two that fall on one entry look like one. With four million
// entries and some ten thousand lines that is rare.
constexpr std::size_t line_entries = std::size_t{1} << 22;
constexpr std::uint32_t shared_bit = 1U << 31;
std::atomic<std::uint32_t> line_of[line_entries];  // who wrote last; shared_bit: it had others

// Sites of one thread. Only it writes them.
constexpr std::size_t site_entries = 4096;
struct counter {
  std::atomic<std::uintptr_t> address;
  std::atomic<std::uint64_t> writes;
  std::atomic<std::uint64_t> shared;
  std::atomic<std::uint64_t> moved;
};
struct counters {
  std::uint32_t thread;  // from 1
  std::array<counter, site_entries> sites{};
};

std::mutex list_lock;
std::vector<counters*>& all() {  // immortal, as the tables in it: threads end at any time
  static auto& list = *new std::vector<counters*>;
  return list;
}

constinit thread_local counters* mine = nullptr;
constinit thread_local std::uint32_t until_yield = 0;
std::atomic<std::uint32_t> yield_every{0};

counters& of_this_thread() {
  if (mine == nullptr) {
    const std::lock_guard hold(list_lock);
    mine = new counters{.thread = static_cast<std::uint32_t>(all().size() + 1)};
    all().push_back(mine);
  }
  return *mine;
}

void bump(std::atomic<std::uint64_t>& n) noexcept {
  n.store(n.load(memory_order_relaxed) + 1, memory_order_relaxed);
}

counter& find(counters& c, std::uintptr_t address) noexcept {
  for (std::size_t i = address * 0x9e3779b97f4a7c15U >> 52;; i = (i + 1) % site_entries) {
    counter& s = c.sites[i];
    const std::uintptr_t known = s.address.load(memory_order_relaxed);
    if (known == address) {
      return s;
    }
    if (known == 0) {
      s.address.store(address, memory_order_relaxed);
      return s;
    }
  }
}

}  // namespace

void reset() {
  for (auto& line : line_of) {
    line.store(0, memory_order_relaxed);
  }
  const std::lock_guard hold(list_lock);
  for (counters* c : all()) {
    for (counter& s : c->sites) {
      s.writes.store(0, memory_order_relaxed);
      s.shared.store(0, memory_order_relaxed);
      s.moved.store(0, memory_order_relaxed);
    }
  }
}

std::vector<site> collect() {
  std::map<std::uintptr_t, site> sums;
  {
    const std::lock_guard hold(list_lock);
    for (const counters* c : all()) {
      for (const counter& s : c->sites) {
        if (s.writes.load(memory_order_relaxed) != 0) {
          site& sum = sums[s.address.load(memory_order_relaxed)];
          sum.writes += s.writes.load(memory_order_relaxed);
          sum.shared += s.shared.load(memory_order_relaxed);
          sum.moved += s.moved.load(memory_order_relaxed);
        }
      }
    }
  }
  std::vector<site> out;
  for (auto& [address, sum] : sums) {
    // The call, not what follows it.
    sum.address = address - 1 - reinterpret_cast<std::uintptr_t>(&__executable_start);
    out.push_back(sum);
  }
  std::ranges::sort(out, std::greater{}, &site::moved);
  return out;
}

void yield_after(std::uint32_t writes) { yield_every.store(writes, memory_order_relaxed); }

}  // namespace weft::lines

namespace weft::detail {

void note_write(const void* at) noexcept {
  using namespace lines;
  counters& me = of_this_thread();
  counter& here = find(me, reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)));
  std::atomic<std::uint32_t>& line =
      line_of[(reinterpret_cast<std::uintptr_t>(at) / 64 * 0x9e3779b97f4a7c15U) >> 42];
  const std::uint32_t before = line.load(memory_order_relaxed);
  const std::uint32_t last = before & ~shared_bit;
  const bool moved = last != 0 && last != me.thread;
  const bool shared = moved || (before & shared_bit) != 0;
  const std::uint32_t after = me.thread | (shared ? shared_bit : 0);
  if (after != before) {
    line.store(after, memory_order_relaxed);
  }
  bump(here.writes);
  if (shared) {
    bump(here.shared);
  }
  if (moved) {
    bump(here.moved);
  }
  if (const std::uint32_t every = yield_every.load(memory_order_relaxed); every != 0) {
    until_yield = until_yield == 0 ? every : until_yield - 1;
    if (until_yield == 0) {
      ::sched_yield();
    }
  }
}

}  // namespace weft::detail
