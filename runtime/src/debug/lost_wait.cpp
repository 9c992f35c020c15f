#include "debug/lost_wait.hpp"

#include <weft/detail/lost_wait.hpp>

#include <string_view>

#include "debug/dump.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

// One report at a time. A spinlock: who is cut off in the middle of a report holds up others only.
spinlock reporting;

void print_address(const void* at) noexcept {
  auto v = reinterpret_cast<std::uintptr_t>(at);
  char text[2 + 2 * sizeof v];
  char* p = text + sizeof text;
  do {
    *--p = "0123456789abcdef"[v % 16];
    v /= 16;
  } while (v != 0);
  *--p = 'x';
  *--p = '0';
  print(std::string_view(p, static_cast<std::size_t>(text + sizeof text - p)));
}

// "... [with T = int]", or "... [T = int]": what stands behind the first "T = ".
std::string_view type_of(const char* signature) noexcept {
  std::string_view s(signature);
  constexpr std::string_view before = "T = ";
  const auto at = s.find(before);
  if (at == std::string_view::npos) {
    return s;
  }
  s.remove_prefix(at + before.size());
  return s.substr(0, s.rfind(']'));
}

void print_goroutine(const goroutine& g) noexcept {
  print("goroutine ");
  print(g.id);
  print(" [");
  // relaxed: a snapshot
  print(g.state.load(relaxed) == goroutine_state::parked ? to_string(g.reason.load(relaxed))
                                                         : "running");
  print("]");
  if (g.extra != nullptr && !g.extra->name.empty()) {
    print(" \"");
    print(g.extra->name);
    print("\"");
  }
  print(g.main ? ":\n\tmain, started at " : ":\n\tcreated at ");
  print(g.site.file_name());
  print(":");
  print(g.site.line());
  print(" in ");
  print(g.site.function_name());
  print("\n");
}

void print_channel(const lost_wait& w) noexcept {
  print("chan ");
  print_address(w.channel);
  print(" of ");
  print(type_of(w.element));
  print(", capacity ");
  print(w.cap);
  print(", ");
  print(w.len);
  print(w.len == 1 ? " value in it" : " values in it");
}

}  // namespace

void report_lost_wait(const lost_wait& w, lost_by how) noexcept {
  spin_guard hold(reporting);
  print("weft: lost wait: nobody else has a handle of what goroutine ");
  print(w.who->id);
  print(" waits for\n\t");
  print(to_string(w.operation));
  print(": ");
  print_channel(w);
  if (how == lost_by::wait) {
    print("\n\tthose that wait have all of its handles: the last of them came just now\n");
  } else {
    const worker* me = this_worker();
    const goroutine* g = me != nullptr ? me->current() : nullptr;
    print("\n\tthe last other one was dropped by ");
    if (g != nullptr) {
      print_goroutine(*g);
    } else {
      print("a thread that runs no goroutine\n");
    }
  }
  print_goroutine(*w.who);
  print("\n");
}

void report_lock_cycle(const lock_edge* edges, std::size_t n) noexcept {
  spin_guard hold(reporting);
  print("weft: lost wait: goroutines wait for each other's mutexes, for ever\n");
  for (std::size_t i = 0; i < n; ++i) {
    const lock_edge& before = edges[(i + n - 1) % n];  // what it wants, this one holds
    print("\tgoroutine ");
    print(edges[i].who->id);
    print(" holds mutex ");
    print_address(before.wanted);
    print(" and waits for mutex ");
    print_address(edges[i].wanted);
    print(" held by goroutine ");
    print(edges[(i + 1) % n].who->id);
    print("\n");
  }
  for (std::size_t i = 0; i < n; ++i) {
    print_goroutine(*edges[i].who);
  }
  print("\n");
}

}  // namespace weft::detail
