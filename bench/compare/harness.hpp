#pragma once
// What the C++ programs of bench/compare share: the command line, the clock, the checks and the
// table of workloads. Nothing here runs inside a measured loop except check().
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// A row of results. Its name is the workload's and the suffix; the unit follows from how that
/// ends:
/// "_bytes" bytes per operation, "_cpu" nanoseconds of CPU time, otherwise nanoseconds.
struct measurement {
  double value = 0;
  std::string_view suffix = {};
  std::string quantiles = {};  // of single operations, as quantiles() writes them; or empty
};

/// What one run of a workload yields.
class results : public std::vector<measurement> {
 public:
  results(measurement only) : vector{std::move(only)} {}  // NOLINT: return watch.per_op(count);
  results(std::initializer_list<measurement> rows) : vector(rows) {}
};

/// Single operations, in nanoseconds.
using latencies = std::vector<std::int64_t>;

enum class start {
  warm,       ///< after a warm-up with 1/20 of the operations
  rehearsed,  ///< after a whole run
  cold,       ///< without a warm-up
};

struct workload {
  std::string_view name;
  std::int64_t count;  // operations at scale 1; equal in all languages, tools/bench compares them
  start from;
  results (*run)(std::int64_t count);                // checks its result
  latencies (*time_each)(std::int64_t n) = nullptr;  // n operations, for the quantiles
  std::string_view note = {};                        // shown under the table of results
};

struct options {
  std::vector<workload> chosen;
  int procs = 1;
  double scale = 1;
};

inline constexpr std::int64_t warm_up_divisor = 20;
inline constexpr std::int64_t most_timed_each = 100'000;

// Leaves without running destructors or exit handlers: other workers may be in mid-flight.
[[noreturn]] inline void quit(int status) {
  std::fflush(nullptr);
  std::_Exit(status);
}

inline std::string_view& current() {  // name of the running workload, for messages
  static std::string_view name;
  return name;
}

/// Ends the program with status 1 if a result is wrong.
inline void check(bool ok, const char* what, std::int64_t value) {
  if (!ok) [[unlikely]] {
    std::fprintf(stderr, "%.*s: wrong result: %s: %lld\n", static_cast<int>(current().size()),
                 current().data(), what, static_cast<long long>(value));
    quit(1);
  }
}

#ifdef BENCH_OBSERVED
// Defined by who counts what happens in the measured part (bench/lines).
void measuring_begins();
void measuring_ends(std::int64_t ops);
#else
inline void measuring_begins() {}
inline void measuring_ends(std::int64_t) {}
#endif

class stopwatch {
 public:
  stopwatch() {
    measuring_begins();
    start_ = clock::now();
  }
  measurement per_op(std::int64_t ops) const {
    const std::chrono::duration<double, std::nano> took = clock::now() - start_;
    measuring_ends(ops);
    return {.value = took.count() / static_cast<double>(ops)};
  }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point start_;
};

inline std::int64_t now_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// All latencies of several goroutines.
inline latencies joined(const std::vector<latencies>& parts) {
  latencies all;
  for (const latencies& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// Their distribution: "0:12,0.25:15, ... ,1:900", the quantile and its nanoseconds.
inline std::string quantiles(latencies all) {
  check(!all.empty(), "nothing was timed", 0);
  std::ranges::sort(all);
  std::string text;
  for (const double q : {0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0}) {
    const auto place = std::lround(q * static_cast<double>(all.size() - 1));
    char pair[64];
    std::snprintf(pair, sizeof pair, "%s%g:%lld", text.empty() ? "" : ",", q,
                  static_cast<long long>(all[static_cast<std::size_t>(place)]));
    text += pair;
  }
  return text;
}

/// VmRSS of this process, in bytes.
inline std::int64_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) {
      return std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
    }
  }
  check(false, "no VmRSS in /proc/self/status", 0);
  return 0;
}

/// CPU time that this process has used.
inline double cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
}

/// 0 + 1 + ... + n-1.
inline std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

/// Ends the program if one of four channels was chosen in less than 20 % or more than 30 %.
inline void check_shares(const std::array<std::int64_t, 4>& chosen) {
  std::int64_t all = 0;
  for (const std::int64_t n : chosen) {
    all += n;
  }
  for (const std::int64_t n : chosen) {
    check(n > all / 5 && n < all * 3 / 10, "a channel of four was chosen per 1000", n * 1000 / all);
  }
}

[[noreturn]] inline void usage(const char* program) {
  std::fprintf(stderr, "usage: %s [--only NAME[,NAME]] [--procs N] [--scale F] [--list]\n",
               program);
  quit(2);
}

namespace detail {

template <class Number>
Number number_after(std::string_view text, const char* program) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value > 0)) {
    usage(program);
  }
  return value;
}

inline std::vector<workload> choose(const std::vector<workload>& table, std::string_view names) {
  std::vector<workload> chosen;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    const auto found = std::ranges::find(table, name, &workload::name);
    if (found == table.end()) {
      std::fprintf(stderr, "no workload '%.*s'; --list names them\n", static_cast<int>(name.size()),
                   name.data());
      quit(2);
    }
    chosen.push_back(*found);
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return chosen;
}

}  // namespace detail

/// Reads the command line; answers --list itself.
inline options parse(int argc, char** argv, const std::vector<workload>& table) {
  options out{.chosen = table};
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--list") {
      for (const workload& w : table) {
        std::printf("%s\t%lld%s%s\n", w.name.data(), static_cast<long long>(w.count),
                    w.note.empty() ? "" : "\t", w.note.empty() ? "" : w.note.data());
      }
      quit(0);
    }
    if (i + 1 == argc) {
      usage(argv[0]);
    }
    const std::string_view value = argv[++i];
    if (flag == "--only") {
      out.chosen = detail::choose(table, value);
    } else if (flag == "--procs") {
      out.procs = detail::number_after<int>(value, argv[0]);
    } else if (flag == "--scale") {
      out.scale = detail::number_after<double>(value, argv[0]);
    } else {
      usage(argv[0]);
    }
  }
  return out;
}

/// Runs the chosen workloads and prints a line for each row. What times single operations comes
/// last, so that its clock disturbs nothing.
inline void run_all(const options& opts) {
  for (const workload& w : opts.chosen) {
    current() = w.name;
    const auto count = static_cast<std::int64_t>(static_cast<double>(w.count) * opts.scale);
    if (w.from != start::cold) {
      w.run(w.from == start::rehearsed ? count : count / warm_up_divisor);
    }
    results rows = w.run(count);
    if (w.time_each != nullptr) {
      rows.front().quantiles =
          quantiles(w.time_each(std::clamp(count, std::int64_t{1}, most_timed_each)));
    }
    for (const measurement& m : rows) {
      const std::string row = std::string(w.name).append(m.suffix);
      std::printf("%s\t%.2f%s%s\n", row.c_str(), m.value, m.quantiles.empty() ? "" : "\t",
                  m.quantiles.c_str());
    }
    std::fflush(stdout);
  }
}

}  // namespace bench
