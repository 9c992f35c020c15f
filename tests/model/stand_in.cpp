// What the sources under test need from the scheduler and the system, on model threads.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/park.hpp>

#include "debug/crash.hpp"
#include "detail/sys.hpp"
#include "explore.hpp"
#include "sched/goroutine.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t most_threads = 8;
goroutine records[most_threads];
bool made_ready[most_threads];

}  // namespace

goroutine* self() { return &records[model::current()]; }

// The commit runs at once, as for a foreign thread: from then on ready() may come first.
void park(wait_reason, park_commit commit, void* arg) noexcept {
  const std::size_t me = model::current();
  made_ready[me] = false;
  commit(arg);
  if (!made_ready[me]) {
    model::block(&records[me]);
  }
}

void ready(goroutine* g) noexcept {
  model_step();
  made_ready[g - records] = true;
  model::unblock(g, 1);
}

void unlock_commit(void* lock) noexcept { static_cast<biased_lock*>(lock)->unlock(); }
std::uint64_t random_bits() noexcept { return 0; }
impatience draw_impatience() noexcept { return impatience::by_clock; }

constinit solo_state solo{};
void solo_claim() noexcept {}
void solo_revoke() noexcept {}
bool solo_forbidden() noexcept { return true; }
void biased_lock::lock_shared() noexcept { lock_.lock(); }

void fatal_misuse(const char* what) noexcept {
  model::require(false, what);
  __builtin_unreachable();
}

void check_failed(const char*, const char*, int, const char* what) noexcept {
  model::require(false, what);
  __builtin_unreachable();
}

sys_calls sys = {};
clock_source clock = {[]() -> std::int64_t { return 0; }};

namespace {
// A spinning thread lets others run; a nap is the same.
const bool prepared = [] {
  sys.give_up_processor = [] { model_yield(); };
  sys.nap = [](std::int64_t) { model_yield(); };
  return true;
}();
}  // namespace

}  // namespace weft::detail
