#include "faults/table.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "debug/dump.hpp"
#include "detail/sys.hpp"

namespace weft::testing {
namespace {

using detail::sys;

constexpr int madv_guard_install = 102;
// A slab of stacks is larger; the other mappings of a thread or a goroutine are smaller.
constexpr std::size_t slab_bytes = 4 * 1024 * 1024;

struct plan {
  bool at_random = false;
  call which = call::map;
  std::uint64_t first = 0, last = 0;
  std::uint64_t threshold = 0;  // of a random 64-bit number
  std::uint64_t seed = 0;
};

plan planned;
detail::sys_calls real;
std::atomic<std::uint64_t> calls_made{0}, calls_failed{0}, draws{0};
std::atomic<std::int64_t> mappings_held{0}, slabs_made{0};

std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e37'79b9'7f4a'7c15u;
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9u;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebu;
  return x ^ (x >> 31);
}

bool fails(call c) noexcept {
  bool yes = false;
  if (planned.at_random) {
    // Guards that are refused end the program, as documented: they have a test of their own.
    yes = c != call::guard && mix(planned.seed + ++draws) < planned.threshold;
  } else if (c == planned.which) {
    const std::uint64_t k = ++calls_made;
    yes = k >= planned.first && k <= planned.last;
  }
  calls_failed += yes;
  return yes;
}

int refuse(int error) noexcept {
  errno = error;
  return -1;
}

void* map(std::size_t bytes) {
  if (fails(call::map)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* at = real.map(bytes);
  if (at != nullptr) {
    ++(bytes >= slab_bytes ? slabs_made : mappings_held);
  }
  return at;
}

int unmap(void* at, std::size_t bytes) {
  --mappings_held;
  return fails(call::unmap) ? refuse(ENOMEM) : real.unmap(at, bytes);
}

int advise(void* at, std::size_t bytes, int advice) {
  const call c = advice == madv_guard_install ? call::guard : call::advise;
  return fails(c) ? refuse(ENOMEM) : real.advise(at, bytes, advice);
}

// That all of it is refused at once is met by doing one after the other.
ssize_t advise_all(const iovec* ranges, std::size_t count, int advice) {
  return fails(call::advise) ? refuse(EBADF) : real.advise_all(ranges, count, advice);
}

int protect_none(void* at, std::size_t bytes) {
  return fails(call::guard) ? refuse(ENOMEM) : real.protect_none(at, bytes);
}

int thread_create(pthread_t* out, void* (*start)(void*), void* arg) {
  return fails(call::thread_create) ? EAGAIN : real.thread_create(out, start, arg);
}

bool prepare_barrier() { return !fails(call::prepare_barrier) && real.prepare_barrier(); }

int alternate_stack(const stack_t* to, stack_t* before) {
  return fails(call::alternate_stack) ? refuse(ENOMEM) : real.alternate_stack(to, before);
}

std::size_t count_threads() { return fails(call::count_threads) ? 0 : real.count_threads(); }

bool random(void* out, std::size_t bytes) {
  return !fails(call::random) && real.random(out, bytes);
}

int signal_thread(std::int32_t tid, int signal) {
  return fails(call::signal_thread) ? refuse(EAGAIN) : real.signal_thread(tid, signal);
}

void install() {
  real = sys;
  calls_made = calls_failed = draws = 0;
  mappings_held = slabs_made = 0;
  sys.map = map;
  sys.unmap = unmap;
  sys.advise = advise;
  sys.advise_all = advise_all;
  sys.protect_none = protect_none;
  sys.thread_create = thread_create;
  sys.prepare_barrier = prepare_barrier;
  sys.alternate_stack = alternate_stack;
  sys.count_threads = count_threads;
  sys.random = random;
  sys.signal_thread = signal_thread;
}

void on_alarm(int) {
  char text[200];
  const int n =
      planned.at_random
          ? std::snprintf(text, sizeof text,
                          "watchdog: a hang, calls failing at random, seed %llu\n",
                          static_cast<unsigned long long>(planned.seed))
          : std::snprintf(text, sizeof text, "watchdog: a hang, calls %llu to %llu of %s failing\n",
                          static_cast<unsigned long long>(planned.first),
                          static_cast<unsigned long long>(planned.last), name_of(planned.which));
  detail::print(std::string_view(text, static_cast<std::size_t>(n)));
  detail::print_crash_dump(nullptr, detail::heap::doubtful, detail::stacks::none);
  ::_exit(70);
}

}  // namespace

const char* name_of(call c) noexcept {
  switch (c) {
    case call::map:
      return "map";
    case call::unmap:
      return "unmap";
    case call::advise:
      return "advise";
    case call::guard:
      return "guard";
    case call::thread_create:
      return "thread_create";
    case call::prepare_barrier:
      return "prepare_barrier";
    case call::alternate_stack:
      return "alternate_stack";
    case call::count_threads:
      return "count_threads";
    case call::random:
      return "random";
    case call::signal_thread:
      return "signal_thread";
  }
  return "?";
}

failing::failing(call which, std::uint64_t first, std::uint64_t last) {
  planned = {.which = which, .first = first, .last = last};
  install();
}

failing::failing(double probability, std::uint64_t seed) {
  planned = {.at_random = true,
             .threshold = static_cast<std::uint64_t>(probability * 18446744073709549568.0),
             .seed = mix(seed)};
  install();
}

failing::failing() : failing(call::map, 1, 0) {}

failing::~failing() { sys = real; }

std::uint64_t failing::failures() noexcept { return calls_failed; }
std::uint64_t failing::calls() noexcept { return calls_made; }
std::int64_t failing::mappings() noexcept { return mappings_held; }
std::int64_t failing::slabs() noexcept { return slabs_made; }

watchdog::watchdog(unsigned seconds) noexcept {
  std::signal(SIGALRM, on_alarm);
  ::alarm(seconds);
}

watchdog::~watchdog() { ::alarm(0); }

}  // namespace weft::testing
