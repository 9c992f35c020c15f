#include "debug/dump.hpp"

#include <unistd.h>

#include <charconv>

#include "sched/arena.hpp"

namespace weft::detail {

void print(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void print(std::uint64_t number) noexcept {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  print(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void print_goroutine(const goroutine& g) noexcept {
  print("goroutine ");
  print(g.id);
  print(" [");
  switch (g.state.load(relaxed)) {  // relaxed: a snapshot
    case goroutine_state::idle:
      print("idle");
      break;
    case goroutine_state::runnable:
      print("runnable");
      break;
    case goroutine_state::running:
      print("running");
      break;
    case goroutine_state::parked:
      print(to_string(g.reason.load(relaxed)));  // relaxed: a snapshot
      break;
  }
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

void print_all_goroutines(const goroutine* except) noexcept {
  arena::for_each_record([&](const goroutine& g) {
    // relaxed: a snapshot
    if (&g != except && g.state.load(relaxed) != goroutine_state::idle) {
      print("\n");
      print_goroutine(g);
    }
  });
}

void deadlock_exit(std::int64_t live) noexcept {
  print(live == 0 ? "weft: fatal: no goroutines (main called goexit) - deadlock!\n"
                  : "weft: fatal: all goroutines are asleep - deadlock!\n");
  print_all_goroutines(nullptr);
  ::_exit(2);
}

}  // namespace weft::detail
