// [solo] in docs/protocols.md.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/solo.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "detail/sys.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

// The run in which this foreign thread made itself known; 0: none.
constinit thread_local std::uint64_t known_in_run = 0;

}  // namespace

constinit solo_state solo{};

void solo_claim() noexcept {
#if WEFT_SOLO
  solo.owner.store(thread_pointer(), relaxed);  // [solo.1] relaxed: under the idle lock
#endif
}

void solo_revoke() noexcept {
  const void* owner = solo.owner.load(relaxed);  // relaxed: under the idle lock
  if (owner == nullptr) {
    return;
  }
  solo.owner.store(nullptr, relaxed);  // [solo.4] relaxed: ordered by the membarrier
  if (owner == thread_pointer()) {
    return;  // the caller itself, outside of any section
  }
  sys.barrier_everywhere();  // [solo.5]
  // [solo.6] acquire: pairs with [solo.3].
  for (int spins = 0; solo.busy.load(acquire) != 0; ++spins) {
    if (spins < 100) {
      cpu_relax();
    } else {
      sys.give_up_processor();
    }
  }
}

__attribute__((noinline)) void solo_enter_foreign() noexcept {
  if (this_worker() != nullptr) {
    return;
  }
  scheduler* s = scheduler::running();
  if (s != nullptr && known_in_run != s->run_number()) {
    s->idle.meet_foreign_thread();
    known_in_run = s->run_number();
  }
}

__attribute__((noinline)) void biased_lock::lock_shared() noexcept {
#if WEFT_SOLO
  solo_enter_foreign();
#endif
  if (lock_.try_lock()) [[likely]] {
    return;
  }
  if (worker* w = this_worker()) {
    w->count_contended();
  }
  lock_.lock();
}

}  // namespace weft::detail
