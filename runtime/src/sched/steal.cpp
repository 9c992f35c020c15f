// Finding work elsewhere. On few cores stealing fresh work is a loss: its owner would have run it
// within microseconds, and both then wait for each other's cache lines. A thief therefore watches
// its victims for a moment and takes only what is old: the oldest item has not moved while the
// thief looked, or the queue is so deep that its tail would wait long.
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::int64_t watch_ns = 5'000;  // how long a thief looks before it takes
#if WEFT_MODEL
constexpr int relaxes = 0;  // each would end only when all others wait: nobody would meet a thief
#else
constexpr int relaxes = 32;  // between two looks at the clock
#endif
constexpr std::int64_t worth_ns = 20'000;     // a wait worth the cost of moving a goroutine
constexpr std::uint32_t victims_at_once = 8;  // watched together

// Would the oldest of `size` items wait at least worth_ns, when `moved` left in `elapsed`?
bool waits_long(std::uint32_t size, std::uint32_t moved, std::int64_t elapsed) noexcept {
  if (size == 0) {
    return false;
  }
  return moved == 0 || static_cast<std::int64_t>(size) * elapsed / moved >= worth_ns;
}

}  // namespace

work_sample worker::sample() const noexcept {
  work_sample s;
  s.picks = picks_.load(relaxed);             // relaxed: a hint
  s.contended = contended_.load(relaxed);     // relaxed: statistics
  s.stolen = counts_.stolen.load(relaxed);    // relaxed: statistics
  s.arrived = counts_.arrived.load(relaxed);  // relaxed: a hint
  s.slept = counts_.slept.load(relaxed);      // relaxed: a hint
  s.ring_position = ready_.position();
  s.ring_size = ready_.size();
  s.deque_position = fresh_.position();
  s.deque_size = fresh_.size();
  s.next = next_.load(relaxed) != nullptr;  // relaxed: a hint
  return s;
}

bool old_work(const work_sample& then, const work_sample& now, std::int64_t elapsed) noexcept {
  return (then.ring_size != 0 &&
          waits_long(now.ring_size, now.ring_position - then.ring_position, elapsed)) ||
         (then.deque_size != 0 &&
          waits_long(now.deque_size, now.deque_position - then.deque_position, elapsed)) ||
         (then.next && now.next && then.picks == now.picks);
}

// `then`: what was seen at the time `begin`. The clock is read first: a thief that loses its
// processor in between takes work for younger, not for older.
goroutine* worker::steal_from(worker& victim, const work_sample& then, std::int64_t begin,
                              bool& refused) noexcept {
  const std::int64_t watched = clock.now() - begin;
  if (!old_work(then, victim.sample(), watched)) {
    return nullptr;  // nothing that would be worth a visit
  }
  const auto visit = victim.gate_.receive();
  if (!visit) {
    refused = true;
    return nullptr;
  }
  // To come may have taken longer than to watch.
  const std::int64_t elapsed = clock.now() - begin;
  const work_sample now = victim.sample();
  if (then.deque_size != 0 &&
      waits_long(now.deque_size, now.deque_position - then.deque_position, elapsed)) {
    goroutine* first = victim.fresh_.steal();
    counts_.stolen.bump(first != nullptr);
    const std::uint32_t half = now.deque_size / 2;
    for (std::uint32_t more = half < batch ? half : batch; first != nullptr && more > 1; --more) {
      goroutine* g = victim.fresh_.steal();
      if (g == nullptr) {
        break;
      }
      counts_.stolen.bump();
      if (!fresh_.push(g)) {
        push_back(g);
      }
    }
    if (first != nullptr) {
      return first;
    }
  }
  if (then.ring_size != 0 &&
      waits_long(now.ring_size, now.ring_position - then.ring_position, elapsed)) {
    goroutine* got[batch];
    const std::size_t n = victim.ready_.steal(got, batch);
    counts_.stolen.bump(n);
    for (std::size_t i = 1; i < n; ++i) {
      push_back(got[i]);
    }
    if (n != 0) {
      return got[0];
    }
  }
  if (then.next && now.next && then.picks == now.picks) {
    goroutine* g = victim.next_.load(relaxed);  // relaxed: the CAS decides
    // [next.2] acquire: pairs with [next.1]; takes the slot only from an owner that stands still.
    if (g != nullptr && victim.next_.compare_exchange(g, nullptr, acq_rel, relaxed)) {
      counts_.stolen.bump();
      return g;
    }
  }
  return nullptr;
}

goroutine* worker::search(bool& futile) noexcept {
  worker* victims[victims_at_once];
  work_sample before[victims_at_once];
  std::uint32_t n = 0;
  counts_.searches.bump();
  const std::uint32_t count = sched_.worker_count();
  const std::uint32_t start = policy_.victim_below(count);
  for (std::uint32_t i = 0; i < count && n < victims_at_once; ++i) {
    worker& w = sched_.worker_at((start + i) % count);
    if (&w != this) {
      before[n] = w.sample();
      if (before[n].any()) {
        victims[n++] = &w;
      }
    }
  }
  if (n == 0) {
    return nullptr;
  }
  const std::int64_t begin = clock.now();
  do {
    for (int i = 0; i < relaxes; ++i) {
      cpu_relax();
    }
  } while (clock.now() - begin < watch_ns);
  bool refused = false;
  for (std::uint32_t i = 0; i < n; ++i) {
    if (goroutine* g = steal_from(*victims[i], before[i], begin, refused)) {
      return g;
    }
  }
  futile = !refused;  // where it was refused it may be needed soon
  return nullptr;
}

}  // namespace weft::detail
