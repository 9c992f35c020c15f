// Select, after Go's runtime/select.go in its outline. If any case looks as if it could go, without
// a lock: try them in random order, one channel locked at a time. Only if none can go, lock all
// channels in address order, look again, and then either take the default, at one instant (SE-4),
// or join all queues. A worker that is alone takes the default without a lock.
#include <weft/detail/describe.hpp>
#include <weft/detail/lost_wait_search.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/detail/select_core.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/wait_limit.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace weft::detail {
namespace {

// [chan.8]
bool may_go(const select_entry& e) noexcept {
  return e.op == select_op::send ? e.core->may_send() : e.core->may_recv();
}

// [chan.8] True: no case can go, all seen at one instant, since this worker is alone. Others wait
// for the end of the section: for few cases only.
bool none_can_go(const select_entry* entries, std::uint32_t n) noexcept {
  constexpr std::uint32_t few = 64;
  const solo_section alone;
  return alone && n <= few && std::none_of(entries, entries + n, [](const select_entry& e) {
           return e.op > select_op::recv || (e.core != nullptr && may_go(e));
         });
}

// Uniform (SE-2).
void shuffle(std::uint32_t* poll, std::uint32_t count) noexcept {
  std::uint64_t bits = 0;
  for (std::uint32_t k = 0; k + 1 < count; ++k) {
    bits = k % 2 == 0 ? random_bits() : bits >> 32;
    const auto skip = static_cast<std::uint32_t>(((bits & 0xffff'ffff) * (count - k)) >> 32);
    std::swap(poll[k], poll[k + skip]);
  }
}

// With the channel's lock held; `ok` has released it.
chan_status try_locked(const select_entry& e) noexcept {
  return e.op == select_op::send ? e.core->send_locked(e.value) : e.core->recv_locked(e.value);
}

chan_status try_one(const select_entry& e) noexcept {
  e.core->lock().lock();
  const chan_status s = try_locked(e);
  if (s != chan_status::ok) {
    e.core->lock().unlock();
  }
  return s;
}

struct attempt {
  const select_entry* entries;
  const select_scratch& scratch;
  std::uint32_t count = 0;  // cases on channels that are not nil
  bool any_time = false;    // a timeout is among the others

  chan_core* core_at(std::uint32_t lock_position) const noexcept {
    return entries[scratch.locks[lock_position]].core;
  }
  // Cases on one channel are neighbours in lock order; it is locked for the first of them.
  bool first_of_channel(std::uint32_t position) const noexcept {
    return position == 0 || core_at(position) != core_at(position - 1);
  }

  bool any_channel_twice() const noexcept {
    for (std::uint32_t i = 1; i < count; ++i) {
      if (!first_of_channel(i)) {
        return true;
      }
    }
    return false;
  }

  void list_cases(std::uint32_t n) noexcept {
    for (std::uint32_t i = 0; i < n; ++i) {
      if (entries[i].core != nullptr) {
        scratch.poll[count++] = i;
      }
      any_time |= entries[i].op > select_op::recv;
    }
  }

  // Those that may go come first, in the order in which they are to be tried; returns how many.
  std::uint32_t draw_order(bool biased) const noexcept {
    std::uint32_t* poll = scratch.poll;
    if (biased) {
      std::sort(poll, poll + count);
    }
    std::uint32_t n = 0;
    for (std::uint32_t k = 0; k < count; ++k) {
      if (may_go(entries[poll[k]])) {
        std::swap(poll[k], poll[n++]);  // ascending ones stay ascending
      }
    }
    if (!biased) {
      shuffle(poll, n);
    }
    return n;
  }

  // Those of poll[from..to), one channel locked at a time.
  std::optional<select_result> try_each(std::uint32_t from, std::uint32_t to) const noexcept {
    for (std::uint32_t k = from; k < to; ++k) {
      const std::uint32_t i = scratch.poll[k];
      if (const chan_status s = try_one(entries[i]); s != chan_status::would_block) {
        return select_result{i, s == chan_status::closed};
      }
    }
    return std::nullopt;
  }

  void order_locks() noexcept {
    const auto before = [&](std::uint32_t a, std::uint32_t b) {
      return std::less<>{}(entries[a].core, entries[b].core);
    };
    if (count == 2) {  // by far the most
      const bool swapped = before(scratch.poll[1], scratch.poll[0]);
      scratch.locks[0] = scratch.poll[swapped ? 1 : 0];
      scratch.locks[1] = scratch.poll[swapped ? 0 : 1];
      return;
    }
    std::copy_n(scratch.poll, count, scratch.locks);
    std::sort(scratch.locks, scratch.locks + count, before);
  }

  void lock_all(bool holds_lost_lock) const noexcept {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!first_of_channel(i)) {
        continue;
      }
      if (i == 0 && !holds_lost_lock) {
        core_at(i)->lock().lock();
      } else {
        core_at(i)->lock().lock_besides();
      }
    }
  }

  // [select.4] After the last unlock nothing here may be touched: the parked select, on whose
  // stack all this lies, may have gone on. Until then it has not: to leave, it needs the lock of
  // every channel but the one that woke it. So the next channel is read before each unlock.
  void unlock_all_but(const chan_core* released) const noexcept {
    std::uint32_t i = 0;
    chan_core* current = count != 0 ? core_at(0) : nullptr;
    while (current != nullptr) {
      while (i < count && core_at(i) == current) {
        ++i;
      }
      chan_core* next = i < count ? core_at(i) : nullptr;
      if (current != released) {
        current->lock().unlock();
      }
      current = next;
    }
  }
};

void join(const select_entry& e, waiter* w) noexcept {
  e.op == select_op::send ? e.core->wait_to_send(w) : e.core->wait_to_recv(w);
}

void leave(const select_entry& e, waiter* w) noexcept {
  biased_guard hold(e.core->lock());
  e.op == select_op::send ? e.core->leave_senders(w) : e.core->leave_receivers(w);
}

// [lost] What a select that may wait for ever does besides, in a run that watches: it joins the
// queues with lost_lock held and looks whether anybody is left.
class select_watch {
 public:
  select_watch(const attempt& a, bool may_end_by_itself) noexcept : attempt_(a) {
    if (watch_mode() == lost_waits::ignored || may_end_by_itself || a.count > most) {
      return;
    }
    on_ = true;
    lost_lock.lock();
  }
  ~select_watch() { release(); }
  select_watch(const select_watch&) = delete;
  select_watch& operator=(const select_watch&) = delete;

  bool on() const noexcept { return on_; }  ///< lost_lock is held

  void release() noexcept {
    if (std::exchange(on_, false)) {
      lost_lock.unlock();
    }
  }

  // Two cases may go through one handle: it counts once.
  void count(waiter& w, std::uint32_t position) noexcept {
    if (!on_) {
      return;
    }
    const select_entry& e = entry_at(position);
    w.select = &wait_;
    for (std::uint32_t k = 0; k < position; ++k) {
      if (entry_at(k).through == e.through) {
        return;
      }
    }
    count_handles(w, e.core, {e.through});
  }

  // All cases have joined. True: this select waits for ever, and has been taken out of a queue.
  // `others` are to be made ready when no lock is held.
  bool look(goroutine* me, const waiter* first, waiter** others) noexcept {
    if (!on_) {
      return false;
    }
    const chan_core* mine[most];
    for (std::uint32_t k = 0; k < attempt_.count; ++k) {
      mine[k] = attempt_.core_at(k);
    }
    *others =
        lost_search({mine, attempt_.count}, me, lost_by::wait).look(entry_at(0).core);  // [lost.2]
    const bool abandoned = !is_open(first);
    release();
    return abandoned;
  }

 private:
  static constexpr std::uint32_t most = 64;
  const select_entry& entry_at(std::uint32_t position) const noexcept {
    return attempt_.entries[attempt_.scratch.poll[position]];
  }
  const attempt& attempt_;
  const select_wait wait_{attempt_.entries, attempt_.scratch.poll, attempt_.count};
  bool on_ = false;
};

// With the channels of timers among the cases, when to look again; with a timeout, when it is up.
struct time_limit {
  std::int64_t deadline = never;
  std::uint32_t index = claim_timeout;  // the timeout's case, or claim_timeout: look again

  void find_timeout(const select_entry* entries, std::uint32_t n) noexcept {
    std::int64_t now = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      const select_entry& e = entries[i];
      if (e.op != select_op::timeout_after && e.op != select_op::timeout_at) {
        continue;
      }
      std::int64_t at = e.time;
      if (e.op == select_op::timeout_after && at != never) {
        now = now == 0 ? now_ns() : now;
        at = at >= never - now ? never : now + at;
      }
      if (at < deadline) {
        deadline = at;
        index = i;
      }
    }
  }
  bool is_up() const noexcept { return deadline != never && now_ns() >= deadline; }
};

enum class attempt_end { went, took_default, look_again };

struct attempt_result {
  attempt_end end;
  select_result result = {};
};

// All channels locked, one more look, then the default, or a wait.
attempt_result wait_for_one(attempt& a, goroutine* me, select_options options, time_limit limit) {
  const select_scratch& scratch = a.scratch;
  const select_entry* entries = a.entries;
  select_watch watch(a, options.has_default || limit.deadline != never || a.count == 0);
  a.lock_all(watch.on());
  const std::uint32_t ready = a.draw_order(options.biased);
  for (std::uint32_t k = 0; k < ready; ++k) {
    const select_entry& e = entries[scratch.poll[k]];
    const chan_status s = try_locked(e);
    if (s != chan_status::would_block) {
      a.unlock_all_but(s == chan_status::ok ? e.core : nullptr);
      return {attempt_end::went, {scratch.poll[k], s == chan_status::closed}};
    }
    if (e.op == select_op::recv && e.core->next_time() < limit.deadline) {
      limit.deadline = e.core->next_time();
      limit.index = claim_timeout;
    }
  }
  if (options.has_default) {
    a.unlock_all_but(nullptr);
    return {attempt_end::took_default};
  }
  if (limit.deadline != never) {
    watch.release();
  }
  if (a.any_channel_twice()) {  // of two cases in one queue the first will go: SE-3, SE-15
    options.biased ? std::sort(scratch.poll, scratch.poll + a.count)
                   : shuffle(scratch.poll, a.count);
  }
  const std::uint64_t ticket = open_claim(me);
  for (std::uint32_t k = 0; k < a.count; ++k) {
    const std::uint32_t i = scratch.poll[k];
    waiter* w = ::new (&scratch.waiters[i]) waiter;
    w->who = me;
    w->value = entries[i].value;
    w->ticket = ticket;
    w->index = i;
    watch.count(*w, k);
    join(entries[i], w);
  }
  waiter* others = nullptr;
  if (watch.look(me, &scratch.waiters[scratch.poll[0]], &others)) {
    a.unlock_all_but(nullptr);
    ready_chain(others);
    for (std::uint32_t k = 0; k < a.count; ++k) {
      leave(entries[scratch.poll[k]], &scratch.waiters[scratch.poll[k]]);
    }
    throw_abandoned(wait_reason::select);
  }
  // [limit.2] A timeout alone holds no lock: then nothing of this frame may be touched once the
  // timer knows of the wait.
  const park_commit unlock_all =
      a.count == 0 ? park_commit([](void*) noexcept {}) : park_commit([](void* at) noexcept {
        static_cast<const attempt*>(at)->unlock_all_but(nullptr);
      });
  std::uint32_t won = 0;
  if (limit.deadline == never) {
    park({wait_reason::select, &a}, unlock_all, &a);
    won = claimed_index(me);
  } else {
    won = park_limited({wait_reason::select, &a}, ticket, {limit.deadline, nullptr}, unlock_all, &a,
                       limit.index);
  }
  for (std::uint32_t k = 0; k < a.count; ++k) {
    const std::uint32_t i = scratch.poll[k];
    if (i != won) {
      leave(entries[i], &scratch.waiters[i]);
    }
  }
  if (won == claim_timeout) {
    return {attempt_end::look_again};
  }
  if (entries[won].core == nullptr) {
    return {attempt_end::went, {won, false}};  // a timeout
  }
  switch (scratch.waiters[won].result) {
    case wake_result::again:
      return {attempt_end::look_again};
    case wake_result::closed:
      return {attempt_end::went, {won, true}};
    case wake_result::abandoned:
      throw_abandoned(wait_reason::select);
    default:
      return {attempt_end::went, {won, false}};
  }
}

// For dumps: the channels, in the order of their addresses, each once.
void describe_select(const void* at, wait_description& out) noexcept {
  const auto* a = static_cast<const attempt*>(at);
  for (std::uint32_t i = 0; i < a->count; ++i) {
    if (a->first_of_channel(i)) {
      a->core_at(i)->describe(out);
    }
  }
}

[[maybe_unused]] const bool told = [] {
  set_wait_describer(wait_reason::select, describe_select);
  return true;
}();

}  // namespace

select_result select_core(const select_entry* entries, std::uint32_t n, select_options options,
                          const select_scratch& scratch) {
  const race::runtime_code in;
  schedule_point();
  // One case drawn at random before anything else is set up: a select whose cases are all ready
  // ends here. The choice stays uniform: if the drawn case cannot go, all that can are drawn from
  // again.
  // Not with a default, which most often is what is taken.
  if (!options.biased && !options.has_default && n != 0) {
    const auto i = static_cast<std::uint32_t>(((random_bits() & 0xffff'ffff) * n) >> 32);
    if (entries[i].core != nullptr && may_go(entries[i])) {
      if (const chan_status s = try_one(entries[i]); s != chan_status::would_block) [[likely]] {
        return {i, s == chan_status::closed};
      }
    }
  }
  if (options.has_default && none_can_go(entries, n)) {
    return {};
  }
  attempt a{entries, scratch};
  a.list_cases(n);
  const std::uint32_t ready = a.draw_order(options.biased);
  if (const auto went = a.try_each(0, ready)) {
    return *went;
  }
  time_limit limit;
  if (a.any_time) {
    limit.find_timeout(entries, n);
  }
  const bool is_up = a.any_time && limit.is_up();
  if (is_up || (options.has_default && a.count <= 1)) {
    // No wait, and no look at all channels at one instant: but under each one's lock, since a look
    // without is a guess [chan.8].
    if (const auto went = a.try_each(ready, a.count)) {
      return *went;
    }
    return is_up ? select_result{limit.index, false} : select_result{};
  }
  if (a.count == 0 && limit.deadline == never) {
    park_forever(wait_reason::select_no_cases);
  }

  // Allocates for a foreign thread's first wait: not with locks held.
  goroutine* me = options.has_default ? nullptr : self();
  a.order_locks();
  for (;;) {
    const attempt_result r = wait_for_one(a, me, options, limit);
    if (r.end != attempt_end::look_again) {
      return r.result;
    }
  }
}

}  // namespace weft::detail
