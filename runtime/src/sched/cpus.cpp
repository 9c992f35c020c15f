#include "sched/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::detail {
namespace {

constexpr std::size_t default_stack_bytes = 192 * 1024;  // 256 KiB of address space with guard
constexpr int most_procs = 10'000;

struct mount {
  std::string point;  // where
  std::string root;   // which part of the hierarchy is visible there
  bool v2 = false;
};

// The kernel writes spaces, tabs, newlines and backslashes in paths as \040, \011, \012, \134.
std::string without_escapes(const std::string& text) {
  const auto digit = [&](std::size_t i, char most) {
    return i < text.size() && text[i] >= '0' && text[i] <= most;
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && digit(i + 1, '3') && digit(i + 2, '7') && digit(i + 3, '7')) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// mountinfo: id parent major:minor root point options [tags...] - type source superoptions
std::vector<mount> cpu_mounts(const std::string& root) {
  std::vector<mount> found;
  std::ifstream in(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) {
      continue;
    }
    std::istringstream left(line.substr(0, dash));
    std::istringstream right(line.substr(dash + 3));
    std::string id, parent, device, type, source, super;
    mount m;
    left >> id >> parent >> device >> m.root >> m.point;
    right >> type >> source >> super;
    m.v2 = type == "cgroup2";
    const std::string list = "," + super + ",";
    if (m.v2 || (type == "cgroup" && list.find(",cpu,") != std::string::npos)) {
      m.root = without_escapes(m.root);
      m.point = without_escapes(m.point);
      found.push_back(m);
    }
  }
  return found;
}

// The process's path in the v2 hierarchy ("0::/path") or in v1's cpu one ("4:cpu,cpuacct:/path").
std::string cgroup_path(const std::string& root, bool v2) {
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (v2 ? controllers == ",," : controllers.find(",cpu,") != std::string::npos) {
      return line.substr(second + 1);
    }
  }
  return {};
}

int rounded_up(double quota, double period) {
  if (quota <= 0 || period <= 0) {
    return 0;
  }
  const double cpus = quota / period;
  const int whole = static_cast<int>(std::min(cpus, 1e6));
  return std::max(1, whole + (cpus > whole ? 1 : 0));
}

int quota_of(const std::string& folder, bool v2) {
  if (v2) {
    std::ifstream in(folder + "/cpu.max");
    std::string quota;
    double period = 0;
    return in >> quota >> period && quota != "max" ? rounded_up(std::atof(quota.c_str()), period)
                                                   : 0;
  }
  std::ifstream quota_in(folder + "/cpu.cfs_quota_us");
  std::ifstream period_in(folder + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  return quota_in >> quota && period_in >> period ? rounded_up(quota, period) : 0;
}

// A word from the environment; `fallback` when the variable is not set.
template <class T, std::size_t N>
T word_from(const char* name, T fallback, const std::pair<std::string_view, T> (&words)[N]) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') {
    return fallback;
  }
  std::string expected;
  for (const auto& [word, value] : words) {
    if (word == text) {
      return value;
    }
    expected += (expected.empty() ? "" : ", ") + std::string(word);
  }
  throw std::invalid_argument("weft: run: the environment has " + std::string(name) + "=" + text +
                              "; one of these was expected: " + expected);
}

}  // namespace

std::uint64_t number_from(const char* name, std::uint64_t fallback, std::uint64_t least,
                          std::uint64_t most, const char* whose) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') {
    return fallback;
  }
  const std::string s(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc{} || end != s.data() + s.size() || value < least || value > most) {
    throw std::invalid_argument("weft: " + std::string(whose) + ": the environment has " +
                                std::string(name) + "=" + s + "; a whole number from " +
                                std::to_string(least) + " to " + std::to_string(most) +
                                " was expected");
  }
  return value;
}

int affinity_cpus() {
  // The mask may be larger than cpu_set_t; ask with growing room.
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) {
      break;
    }
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const bool ok = ::sched_getaffinity(0, bytes, set) == 0;
    const int n = ok ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (ok) {
      return std::max(1, n);
    }
  }
  return 1;
}

int cgroup_cpus(const std::string& root) {
  int least = 0;
  for (const mount& m : cpu_mounts(root)) {
    std::string path = cgroup_path(root, m.v2);
    if (path.empty()) {
      continue;
    }
    // Inside a container the mount shows only a part of the hierarchy.
    const std::size_t n = m.root.size();
    if (m.root != "/" && path.rfind(m.root, 0) == 0 && (path.size() == n || path[n] == '/')) {
      path.erase(0, n);
    }
    for (;;) {
      const int cpus = quota_of(root + m.point + (path == "/" ? "" : path), m.v2);
      if (cpus != 0 && (least == 0 || cpus < least)) {
        least = cpus;
      }
      const auto slash = path.rfind('/');
      if (path.empty() || path == "/" || slash == std::string::npos) {
        break;
      }
      path.erase(slash);
    }
  }
  return least;
}

runtime_options resolve(runtime_options o) {
  if (o.max_procs < 0 || o.max_procs > most_procs) {
    throw std::invalid_argument("weft: run: max_procs is " + std::to_string(o.max_procs) +
                                "; 0 (choose for me) to " + std::to_string(most_procs) +
                                " was expected");
  }
  if (o.max_procs == 0) {
    o.max_procs = static_cast<int>(number_from("WEFT_MAX_PROCS", 0, 1, most_procs));
  }
  if (o.max_procs == 0) {
    o.max_procs = affinity_cpus();
    const int quota = cgroup_cpus("");
    if (quota != 0 && quota < o.max_procs) {
      o.max_procs = quota;
    }
  }
  constexpr std::uint64_t most_stack = std::uint64_t{1} << 40;
  if (o.stack_bytes > most_stack) {
    throw std::invalid_argument("weft: run: stack_bytes is " + std::to_string(o.stack_bytes) +
                                "; at most 2^40 was expected");
  }
  if (o.stack_bytes == 0) {
    o.stack_bytes = number_from("WEFT_STACK_BYTES", default_stack_bytes, 1, most_stack);
  }
  if (o.seed == 0) {
    o.seed = number_from("WEFT_SEED", 0, 0, UINT64_MAX);
    o.deterministic |= o.seed != 0;
  }
  constexpr std::int64_t most_stall_ms = 24 * 3'600'000;
  if (o.stall_limit.count() < 0 || o.stall_limit.count() > most_stall_ms) {
    throw std::invalid_argument("weft: run: stall_limit is " +
                                std::to_string(o.stall_limit.count()) +
                                " ms; 0 (off) to a day was expected");
  }
  if (o.stall_limit.count() == 0) {
    o.stall_limit = std::chrono::milliseconds(
        number_from("WEFT_STALL_LIMIT_MS", 0, 0, std::uint64_t{most_stall_ms}));
  }
  if (o.on_lost_wait == lost_wait_action::ignore) {
    o.on_lost_wait = word_from("WEFT_LOST_WAITS", o.on_lost_wait,
                               {{"ignore", lost_wait_action::ignore},
                                {"report", lost_wait_action::report},
                                {"wake", lost_wait_action::wake}});
  }
  if (o.traceback == traceback::all) {
    o.traceback = word_from("WEFT_TRACEBACK", o.traceback,
                            {{"all", traceback::all},
                             {"none", traceback::none},
                             {"single", traceback::single},
                             {"system", traceback::system},
                             {"crash", traceback::system}});
  }
  if (o.on_sigquit == sigquit_action::dump_and_exit) {
    o.on_sigquit = word_from("WEFT_SIGQUIT", o.on_sigquit,
                             {{"exit", sigquit_action::dump_and_exit},
                              {"dump", sigquit_action::dump},
                              {"leave", sigquit_action::leave}});
  }
  return o;
}

}  // namespace weft::detail
