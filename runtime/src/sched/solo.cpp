// [solo] in docs/protocols.md.
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/check.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/detail/solo.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "detail/sys.hpp"
#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// A section is some instructions long, and a few cache misses; the barrier may have interrupted it.
constexpr std::int64_t section_ns = 5'000;

// [solo.7] 1 once a thread that is not a worker has used weft. Never reset.
constinit atomic<std::uint32_t> forbidden{0};

#if WEFT_SOLO
// This foreign thread has made itself known.
constinit thread_local bool known = false;

// Before a thread that may not be a worker takes a biased lock the ordinary way.
void announce() noexcept {
  if (this_worker() == nullptr && !known) {
    solo_forbid();
    known = true;
  }
}
#endif

void check_awake([[maybe_unused]] const worker* w) noexcept {
#ifndef NDEBUG
  // [solo.1] A worker among the sleepers counts as one that runs no weft code.
  WEFT_CHECK(w == nullptr || !w->counts_as_asleep(), "a sleeping worker takes a biased lock");
#endif
}

__attribute__((noinline)) void wait_for(spinlock& lock) noexcept {
  note_contention();
  lock.lock();
}

// By a thread that is no worker, or in a simulation.
__attribute__((noinline)) void take_specially(spinlock& lock, simulation::goes_first who) noexcept {
  check_awake(this_worker());
  solo_meet();
  if (simulating.load(relaxed) != 0) [[unlikely]] {  // relaxed: set by the same thread
    if (simulation* s = this_simulation()) {
      s->lock_in_turn(lock, who);
      return;
    }
  }
  if (!lock.try_lock()) [[unlikely]] {
    wait_for(lock);
  }
}

// A lock that others may hold; the caller is no owner of solo. What a worker needs calls nothing if
// it gets the lock.
inline void take_with_others(spinlock& lock, simulation::goes_first who) noexcept {
  const worker* w = this_worker();
  if (w == nullptr || simulating.load(relaxed) != 0) [[unlikely]] {  // relaxed: as above
    return take_specially(lock, who);
  }
  check_awake(w);
  if (!lock.try_lock()) [[unlikely]] {
    wait_for(lock);
  }
}

}  // namespace

constinit solo_state solo{};

void solo_claim([[maybe_unused]] const void* thread) noexcept {
#if WEFT_SOLO
  // [solo.1] release: pairs with the look in a section; under the idle lock, after those who sleep.
  solo.owner.store(thread, release);
#endif
}

void solo_meet() noexcept {
#if WEFT_SOLO
  announce();
#endif
}

#if WEFT_SOLO
solo_exempt::solo_exempt() noexcept : before_(known) { known = true; }
solo_exempt::~solo_exempt() { known = before_; }
#else
solo_exempt::solo_exempt() noexcept = default;
solo_exempt::~solo_exempt() = default;
#endif

bool has_left_section(const atomic<std::uint32_t>& busy) noexcept {
  // [solo.6] acquire: pairs with [solo.3]. [gate.5] acquire: pairs with [gate.2].
  for (const std::int64_t begin = clock.now(); busy.load(acquire) != 0; cpu_relax()) {
    if (clock.now() - begin >= section_ns) {
      return false;
    }
  }
  return true;
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
  sys.barrier_everywhere();               // [solo.5]
  while (!has_left_section(solo.busy)) {  // [solo.6]
    sys.give_up_processor();
  }
}

void solo_forbid() noexcept {
  // [solo.7] seq_cst, then a look at the running scheduler: either a scheduler that is published
  // later sees the flag in claim_solo(), or it is seen here and its owner is revoked.
  forbidden.store(1, seq_cst);
  if (scheduler::in_use s; s) {
    s->idle.revoke_solo();
  }
}

bool solo_forbidden() noexcept {
  return forbidden.load(seq_cst) != 0;  // [solo.7] seq_cst: see solo_forbid()
}

__attribute__((noinline)) void biased_lock::lock_shared() noexcept {
  take_with_others(lock_, simulation::goes_first::others);
}

__attribute__((noinline)) void biased_lock::lock_shared_besides() noexcept {
  take_with_others(lock_, simulation::goes_first::caller);
}

}  // namespace weft::detail
