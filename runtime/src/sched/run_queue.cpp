// Which goroutine runs next on a worker, and where a runnable one waits. The order is:
//   1. now and then the global queue (seeded runs, too), the oldest ready one, and the oldest that
//      was spawned, so that none of them is starved. By the number of the pick (and, for the last,
//      the time), whatever else waits: a pair of goroutines that take turns would come to any place
//      further down in step with it, and keep the others out for ever
//   2. the next slot: made ready by the goroutine that ran last, at most next_streak times in a row
//   3. the newest spawned goroutine (deque), then the oldest ready one (ring)
#include <weft/detail/check.hpp>

#include <algorithm>

#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::uint32_t global_every = 64;  // picks between looks at the global queue
// Picks, and time, between starts of the oldest goroutine that has not started, and between looks
// whether thieves have come. Rare: such a start breaks the depth-first order and may leave one more
// parked stack behind, in a tree of a million goroutines each costs 6 us; and who opens the gate
// again makes the next thief interrupt the process.
constexpr std::uint32_t rare_every = 512;
constexpr std::int64_t rare_every_ns = 100'000;
constexpr std::uint32_t deep = 64;         // of so many, the next is not in the nearest cache
constexpr std::uint32_t next_streak = 16;  // picks from the next slot in a row (GR-10)

}  // namespace

void worker::push_next(goroutine* g) noexcept {
  if (policy_.seeded() && policy_.coin()) [[unlikely]] {
    push_back(g);
    return;
  }
  // relaxed: only the owner fills the slot, so an empty slot stays empty.
  if (next_.load(relaxed) == nullptr) {
    next_.store(g, release);  // [next.1] release: publishes g to a thief [next.2]
    return;
  }
  // [next.1] acq_rel: publishes g; takes what was there, unless a thief just did.
  goroutine* displaced = next_.exchange(g, acq_rel);
  if (displaced != nullptr) {
    push_back(displaced);
  }
}

void worker::displace_next() noexcept {
  if (next_.load(relaxed) == nullptr) {  // relaxed: only the owner fills the slot
    return;
  }
  if (goroutine* g = take_next()) {
    push_quietly(g);
  }
}

void worker::push_back(goroutine* g) noexcept {
  push_quietly(g);
  wake_thief();
}

void worker::push_quietly(goroutine* g) noexcept {
  while (!ready_.push(g)) {
    goroutine* moved[batch];
    const std::size_t n = ready_.steal(moved, batch);
    if (n != 0) {
      WEFT_CHECK(sched_.global.push(port_, moved, n), "out of memory for the global queue");
    }
  }
}

void worker::push_fresh(goroutine* g) noexcept {
  if (!fresh_.push(g)) [[unlikely]] {
    return push_fresh_too_many(g);
  }
  wake_thief();
}

__attribute__((noinline)) void worker::push_fresh_too_many(goroutine* g) noexcept {
  do {
    goroutine* moved[batch];
    std::size_t n = 0;
    while (n < batch) {
      goroutine* old = fresh_.steal();
      if (old == nullptr) {
        break;
      }
      moved[n++] = old;
    }
    if (n != 0) {
      WEFT_CHECK(sched_.global.push(port_, moved, n), "out of memory for the global queue");
    }
  } while (!fresh_.push(g));
  wake_thief();
}

// One goroutine alone is left to its owner, who is about to run it; for two a thief may be woken
// if thieves are not known to come in vain. The monitor sees to what waits nevertheless.
void worker::wake_thief() noexcept {
  if (sched_.idle.worth_waking() && ready_.size() + fresh_.size() >= 2) [[unlikely]] {
    sched_.wake_one();
  }
}

// What comes from the global queue has waited for long, and each goroutine's record, stack and
// saved registers lie elsewhere: fetched for all at once, not one after another when its turn
// comes.
void worker::prefetch(goroutine* const* all, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    __builtin_prefetch(all[i], 1);
    __builtin_prefetch(all[i]->closure, 1);
  }
  for (std::size_t i = 0; i < n; ++i) {
    __builtin_prefetch(all[i]->stack, 1);
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (const fiber* f = all[i]->stack) {
      prefetch_saved(f);
    }
  }
}

// Where many take turns, the next has been away for long: its record, its stack and what was saved
// there are each found through the one before, so they are fetched one pick apart. In a section of
// [gate]: others could take the goroutine, run it to its end and unmap its stack. Returns g, which
// was just taken from the ring.
__attribute__((noinline)) goroutine* worker::fetch_ahead(goroutine* g) noexcept {
  if (const thief_gate::section alone(gate_); alone && ready_.ahead(deep) != nullptr) {
    __builtin_prefetch(ready_.ahead(2), 1);
    __builtin_prefetch(ready_.ahead(1)->stack, 1);
    if (const fiber* f = ready_.ahead(0)->stack) {
      prefetch_saved(f);
    }
  }
  return g;
}

goroutine* worker::pop_global(std::size_t most) noexcept {
  goroutine* got[batch];
  if (most > batch) {
    most = batch;
  }
  const std::size_t n = sched_.global.pop(port_, got, most);
  counts_.from_global.bump(n);
  prefetch(got, n);
  for (std::size_t i = 1; i < n; ++i) {
    push_back(got[i]);
  }
  return n != 0 ? got[0] : nullptr;
}

goroutine* worker::pick_local() noexcept {
  const std::uint64_t pick = picks_.load(relaxed) + 1;  // relaxed: own counter
  picks_.store(pick, relaxed);                          // relaxed: a hint, it publishes nothing
  // relaxed: a hint; what it announces is read with its own order in settle_attention().
  if (attention_.load(relaxed) != 0) [[unlikely]] {
    return nullptr;  // the fiber loop sees to it
  }
  if ((pick & special_mask_) == 0) [[unlikely]] {
    return pick_specially(static_cast<std::uint32_t>(pick));
  }
  return pick_in_order();
}

// Each pick of a seeded worker, one in special_every of others.
goroutine* worker::pick_specially(std::uint32_t tick) noexcept {
  if (policy_.seeded()) {
    return pick_seeded();
  }
  if (tick % global_every == global_every / 2) {
    if (goroutine* g = pop_global(1)) {
      return g;
    }
  }
  if (tick % global_every == 0 && sched_.idle.looks_solo()) {
    claim_solo();
  }
  if (tick % rare_every == 0 && has_rare_turn()) {
    // Each gate is opened, to be closed by a barrier, once in as many times rare_every_ns as there
    // are places, at most: so each thread is interrupted once in rare_every_ns.
    gate_.open_if_quiet(sched_.idle.places() - 1);
    if (goroutine* g = pick_oldest_fresh()) {
      return g;
    }
  }
  if (goroutine* g = pick_ready()) {
    return g;
  }
  return pick_in_order();
}

bool worker::has_rare_turn() noexcept {
  const std::int64_t now = clock.now();
  if (now - rare_turn_ < rare_every_ns) {
    return false;
  }
  rare_turn_ = now;
  return true;
}

goroutine* worker::pick_oldest_fresh() noexcept {
  const thief_gate::section alone(gate_);
  return alone ? fresh_.steal_alone() : fresh_.steal();
}

goroutine* worker::pick_ready() noexcept {
  goroutine* g = nullptr;
  bool many = false;
  {
    const thief_gate::section alone(gate_);
    if (!alone) [[unlikely]] {
      return ready_.pop();
    }
    g = ready_.pop_alone();
    many = ready_.ahead(deep) != nullptr;
  }
  return many ? fetch_ahead(g) : g;
}

// While no thief comes, without a call: so no register is saved.
goroutine* worker::pick_in_order() noexcept {
  goroutine* g = nullptr;
  bool many = false;
  {
    const thief_gate::section alone(gate_);
    if (!alone) [[unlikely]] {
      return pick_among_thieves();
    }
    goroutine* next = next_.load(relaxed);  // relaxed: see [gate]
    if (next != nullptr && streak_ < next_streak) [[likely]] {
      next_.store(nullptr, relaxed);  // relaxed: [gate.2] publishes it
      ++streak_;
      return next;
    }
    streak_ = 0;
    if (next == nullptr) {
      g = fresh_.pop_alone();
      if (g != nullptr) {
        return g;
      }
    }
    g = ready_.pop_alone();
    many = ready_.ahead(deep) != nullptr;
    if (g == nullptr && next != nullptr) {
      g = fresh_.pop_alone();
      if (g == nullptr) {
        next_.store(nullptr, relaxed);  // relaxed: as above
        g = next;
      }
    }
  }
  return many ? fetch_ahead(g) : g;
}

// The same when thieves come.
__attribute__((noinline)) goroutine* worker::pick_among_thieves() noexcept {
  const bool next_waits = next_.load(relaxed) != nullptr;  // relaxed: a hint; take_next() decides
  if (next_waits && streak_ < next_streak) {
    if (goroutine* g = take_next()) {
      ++streak_;
      return g;
    }
  }
  streak_ = 0;
  if (next_waits) {
    if (goroutine* g = ready_.pop()) {
      return g;
    }
  }
  if (goroutine* g = fresh_.pop()) {
    return g;
  }
  if (goroutine* g = ready_.pop()) {
    return g;
  }
  return next_waits ? take_next() : nullptr;
}

void worker::claim_solo() noexcept {
  if (scheduler::used_from_outside()) {
    return;  // the next look may find it otherwise
  }
  sched_.idle.claim_solo(*this, thread_pointer_, sched_.worker_count_word());
}

// Empties the next slot, unless a thief was faster.
goroutine* worker::take_next() noexcept {
  return next_.exchange(nullptr, acq_rel);  // [next.2] acq_rel: a thief may take it, too
}

// All that is queued here goes to the simulation, which has an order of its own.
void worker::collect(simulation& s) {
  if (goroutine* g = take_next()) {
    s.add(g);
  }
  while (goroutine* g = ready_.pop()) {
    s.add(g);
  }
  while (goroutine* g = fresh_.steal()) {
    s.add(g);
  }
  goroutine* got[batch];
  while (const std::size_t n = sched_.global.pop(port_, got, batch)) {
    std::for_each_n(got, n, [&](goroutine* g) { s.add(g); });
  }
}

goroutine* worker::pick_simulated(simulation& s) noexcept {
  collect(s);
  goroutine* g = current();
  // relaxed: own goroutine. One that parks has said so.
  return s.choose(g != nullptr && g->state.load(relaxed) == goroutine_state::running ? g : nullptr);
}

goroutine* worker::pick_seeded() noexcept {
  if (simulation* s = sched_.simulated()) {
    return pick_simulated(*s);
  }
  // Nothing is drawn when nothing is here: how often an idle worker looks is a matter of time.
  // relaxed: a hint; take_next() decides.
  if (next_.load(relaxed) == nullptr && ready_.size() == 0 && fresh_.size() == 0) {
    return nullptr;
  }
  if (policy_.below(global_every) == 0) {
    if (goroutine* g = pop_global(1)) {
      return g;
    }
  }
  const std::uint32_t first = policy_.below(4);
  for (std::uint32_t i = 0; i < 4; ++i) {
    goroutine* g = nullptr;
    switch ((first + i) % 4) {
      case 0:
        g = take_next();
        break;
      case 1:
        g = fresh_.pop();
        break;
      case 2:
        g = fresh_.steal();
        break;
      case 3:
        for (std::uint32_t turns = policy_.below(ready_.size() + 1); turns > 0; --turns) {
          if (goroutine* later = ready_.pop()) {
            ready_.push(later);
          }
        }
        g = ready_.pop();
        break;
    }
    if (g != nullptr) {
      return g;
    }
  }
  return nullptr;
}

// The worker may come back meanwhile, or be in a goroutine that does nothing but spawn: what more
// there is is for the next time.
std::size_t worker::rescue_queues() noexcept {
  goroutine* moved[batch];
  std::size_t n = 0;
  std::size_t all = 0;
  do {
    n = take_as_thief(moved, batch);
    for (std::size_t i = 0; i < n; ++i) {
      sched_.inject(moved[i]);
    }
    all += n;
  } while (n != 0 && all < ring_capacity + deque_capacity && stuck());
  return all;
}

std::size_t worker::take_as_thief(goroutine** out, std::size_t most) noexcept {
  const auto visit = gate_.receive();
  if (!visit) {
    return 0;
  }
  std::size_t n = ready_.steal(out, most);
  while (n < most) {
    goroutine* g = fresh_.steal();
    if (g == nullptr) {
      break;
    }
    out[n++] = g;
  }
  goroutine* g = next_.load(relaxed);  // relaxed: the CAS decides
  // [next.2] acquire: pairs with [next.1].
  if (n == 0 && g != nullptr && next_.compare_exchange(g, nullptr, acq_rel, relaxed)) {
    out[n++] = g;
  }
  return n;
}

void worker::flush_queues() noexcept {
  goroutine* moved[batch];
  std::size_t n = 0;
  auto out = [&] {
    if (n != 0) {
      WEFT_CHECK(sched_.global.push(port_, moved, n), "out of memory for the global queue");
      n = 0;
    }
  };
  if (goroutine* g = take_next()) {
    moved[n++] = g;
  }
  while (goroutine* g = ready_.pop()) {
    moved[n++] = g;
    if (n == batch) {
      out();
    }
  }
  while (fresh_.size() != 0) {
    if (goroutine* g = fresh_.steal()) {
      moved[n++] = g;
      if (n == batch) {
        out();
      }
    }
  }
  out();
}

}  // namespace weft::detail
