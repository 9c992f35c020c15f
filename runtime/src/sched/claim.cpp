// One word per goroutine decides who ends a wait that several parties may end: [claim] in
// docs/protocols.md.
#include <weft/detail/park.hpp>
#include <weft/detail/race.hpp>

#include "sched/goroutine.hpp"

namespace weft::detail {

std::uint64_t open_claim(goroutine* me) noexcept {
  const race::runtime_code in;
  // Tickets are 2^17 apart: room for the index of every case (SE-12). relaxed: only the owner
  // writes between waits; the queue's lock publishes it to wakers.
  const std::uint64_t ticket = ((me->claim.load(relaxed) >> 17) + 1) << 17;
  me->claim.store(ticket, relaxed);  // relaxed: as above
  return ticket;
}

bool try_claim(waiter* w) noexcept {
  const race::runtime_code in;
  std::uint64_t expected = w->ticket;
  // [claim.1] acq_rel: one winner; relaxed on failure: the loser touches nothing of the waiter's.
  return w->who->claim.compare_exchange(expected, w->ticket + 1 + w->index, acq_rel, relaxed);
}

bool is_open(const waiter* w) noexcept {
  // relaxed: set when all of its run has ended. It waits no more: it does not exist any more
  // (GR-2).
  if (w->who->kind.load(relaxed) == goroutine_kind::abandoned) {
    return false;
  }
  // [claim.1] acquire: as a lost try_claim(); without a ticket the queue's lock says it all.
  return w->ticket == 0 || w->who->claim.load(acquire) == w->ticket;
}

std::uint32_t claimed_index(goroutine* me) noexcept {
  const race::runtime_code in;
  // relaxed: the claim happened before ready(), which happened before this.
  return static_cast<std::uint32_t>(me->claim.load(relaxed) & 0x1ffff) - 1;
}

}  // namespace weft::detail
