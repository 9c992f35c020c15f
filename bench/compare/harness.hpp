#pragma once
// What the C++ programs of bench/compare share: the command line, the clock, the checks and the
// table of workloads. Nothing here runs inside a measured loop except check().
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What one run of a workload yields. bytes_per_op is 0 where only time is measured.
struct measurement {
  double ns_per_op = 0;
  double bytes_per_op = 0;
};

enum class start {
  warm,       ///< after a warm-up with 1/20 of the operations
  rehearsed,  ///< after a whole run
  cold,       ///< without a warm-up
};

struct workload {
  std::string_view name;
  std::int64_t count;  // operations at scale 1; equal in all languages, tools/bench compares them
  start from;
  measurement (*run)(std::int64_t count);  // checks its result
  std::string_view note = {};              // shown under the table of results
};

struct options {
  std::vector<workload> chosen;
  int procs = 1;
  double scale = 1;
};

inline constexpr std::int64_t warm_up_divisor = 20;

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
    return {.ns_per_op = took.count() / static_cast<double>(ops)};
  }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point start_;
};

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
inline double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// The same random times, below one second, in all languages.
class random_sleeps {
 public:
  std::int64_t next_us() {
    state_ = state_ * 1'103'515'245 + 12'345;
    return (state_ >> 8) % 1'000'000;
  }

 private:
  std::uint32_t state_ = 1;
};

/// 0 + 1 + ... + n-1.
inline std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

/// The largest tree of skynet with at most `count` leaves.
struct skynet_size {
  std::int64_t leaves = 10;
  std::int64_t nodes = 11;

  explicit skynet_size(std::int64_t count) {
    while (leaves * 10 <= count) {
      leaves *= 10;
      nodes += leaves;
    }
  }
};

/// The largest n whose fib(n) spawns at most `count` goroutines; it spawns fib(n+1) - 1.
struct fib_size {
  int n = 2;
  std::int64_t value = 1;
  std::int64_t spawned = 1;

  explicit fib_size(std::int64_t count) {
    while (value + spawned <= count) {
      const std::int64_t next = spawned + 1;
      ++n;
      spawned += value;
      value = next;
    }
  }
};

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

/// Runs the chosen workloads and prints a line or two for each.
inline void run_all(const options& opts) {
  for (const workload& w : opts.chosen) {
    current() = w.name;
    const auto count = static_cast<std::int64_t>(static_cast<double>(w.count) * opts.scale);
    if (w.from != start::cold) {
      w.run(w.from == start::rehearsed ? count : count / warm_up_divisor);
    }
    const measurement m = w.run(count);
    if (m.bytes_per_op != 0) {
      std::printf("%s_ns\t%.2f\n%s_bytes\t%.1f\n", w.name.data(), m.ns_per_op, w.name.data(),
                  m.bytes_per_op);
    } else {
      std::printf("%s\t%.2f\n", w.name.data(), m.ns_per_op);
    }
    std::fflush(stdout);
  }
}

}  // namespace bench
