#include "stack/guard.hpp"

#include <weft/detail/atomic.hpp>

#include <sys/uio.h>

#include <cerrno>
#include <cstdio>

#include "detail/sys.hpp"
#include "stack/sanitizer.hpp"

namespace weft::detail {
namespace {

constexpr int madv_guard_install = 102;  // not yet in Debian 12's headers
constexpr std::size_t most_advised = 64;
constinit spaced_advice install_all{madv_guard_install};

guard_kind probe() noexcept {
  void* page = sys.map(guard_bytes);
  if (page == nullptr) {
    return guard_kind::mprotect;  // decided again by the first real mapping's own error
  }
  const bool ok = sys.advise(page, guard_bytes, madv_guard_install) == 0;
  sys.unmap(page, guard_bytes);
  return ok ? guard_kind::madvise : guard_kind::mprotect;
}

atomic<long>& budget() noexcept {
  static atomic<long> left{mappings_to_spend() / 2};  // two a stack
  return left;
}

}  // namespace

long mappings_to_spend() noexcept {
  long limit = 65530;
  if (std::FILE* f = std::fopen("/proc/sys/vm/max_map_count", "r")) {
    if (std::fscanf(f, "%ld", &limit) != 1) {
      limit = 65530;
    }
    std::fclose(f);
  }
  return limit - limit / 8;
}

guard_kind guard_support() noexcept {
  static const guard_kind kind = probe();
  return kind;
}

bool guard_budget_take(std::size_t count) noexcept {
  if (guard_support() != guard_kind::mprotect) {
    return true;
  }
  const long n = static_cast<long>(count);
  // relaxed: a counter; it orders nothing.
  if (budget().fetch_sub(n, relaxed) < n) {
    budget().fetch_add(n, relaxed);  // relaxed: as above
    return false;
  }
  return true;
}

void guard_budget_return(std::size_t count) noexcept {
  if (guard_support() == guard_kind::mprotect) {
    budget().fetch_add(static_cast<long>(count), relaxed);  // relaxed: a counter
  }
}

bool install_guard(char* at) noexcept {
  if (guard_support() == guard_kind::madvise) {
    return sys.advise(at, guard_bytes, madv_guard_install) == 0;
  }
  return sys.protect_none(at, guard_bytes) == 0;
}

bool install_guards(char* first, std::size_t span, std::size_t count) noexcept {
  if (guard_support() == guard_kind::madvise && install_all.give(first, guard_bytes, span, count)) {
    return true;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!install_guard(first + i * span)) {
      return false;
    }
  }
  return true;
}

bool spaced_advice::give(char* first, std::size_t bytes, std::size_t span,
                         std::size_t count) noexcept {
  iovec ranges[most_advised];
  // Valgrind warns of calls that are new to it. relaxed: a hint
  if (count < 2 || count > most_advised || !possible_.load(relaxed) ||
      sanitizer::under_valgrind()) {
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    ranges[i] = {first + i * span, bytes};
  }
  const ssize_t done = sys.advise_all(ranges, count, advice_);
  if (done < 0 && (errno == ENOSYS || errno == EBADF || errno == EINVAL || errno == EPERM)) {
    possible_.store(false, relaxed);  // relaxed: a hint
  }
  return done == static_cast<ssize_t>(count * bytes);
}

}  // namespace weft::detail
