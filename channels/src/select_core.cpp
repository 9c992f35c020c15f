// Select, after Go's runtime/select.go in its outline. If any case looks as if it could go, without
// a lock: try one of those, with its channel locked. Otherwise lock all channels in address order,
// look again, and then either take the default, at one instant (SE-4), or join all queues. A worker
// that is alone takes the default without a lock, before it comes here: none_can_go() and
// no_entry_can_go().
#include <weft/detail/describe.hpp>
#include <weft/detail/lost_wait_search.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/schedule_point.hpp>
#include <weft/detail/select_core.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/wait_limit.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace weft::detail {
namespace {

constexpr std::uint32_t none = UINT32_MAX;

// [chan.8]
bool may_go(const select_entry& e) noexcept {
  return e.core != nullptr && (e.op == select_op::send ? e.core->may_send() : e.core->may_recv());
}

// Below n, each as likely.
std::uint32_t draw(std::uint32_t n) noexcept {
  return static_cast<std::uint32_t>(((random_bits() & 0xffff'ffff) * n) >> 32);
}

// Of the cases that can go the first, or any, each as likely (SE-2, SE-15); or none.
template <class Can>
std::uint32_t choose(std::uint32_t n, bool biased, Can can) noexcept {
  std::uint32_t chosen = none;
  std::uint32_t seen = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!can(i)) {
      continue;
    }
    if (biased) {
      return i;
    }
    ++seen;
    if (seen == 1 || draw(seen) == 0) {
      chosen = i;
    }
  }
  return chosen;
}

// With the channel's lock held. Perhaps still not: if all who wait there have found another
// partner.
bool can_go_locked(const select_entry& e) noexcept {
  if (!may_go(e)) {
    return false;
  }
  return !e.core->timed() || e.op == select_op::send || e.core->next_time() <= now_ns();
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

// With the channels of timers among the cases, when to look again; with a timeout, when it is up.
struct time_limit {
  std::int64_t deadline = never;
  std::uint32_t index = claim_timeout;  // the timeout's case, or claim_timeout: look again

  void add_timeout(const select_entry& e, std::uint32_t i, std::int64_t now) noexcept {
    std::int64_t at = e.time;
    if (e.op == select_op::timeout_after && at != never) {
      at = at >= never - now ? never : now + at;
    }
    if (at < deadline) {
      deadline = at;
      index = i;
    }
  }
  // [chan_timer.3]
  void add_timer(std::int64_t at) noexcept {
    if (at < deadline) {
      deadline = at;
      index = claim_timeout;
    }
  }
  bool is_up() const noexcept { return deadline != never && now_ns() >= deadline; }
};

// A select that must wait, or at least look at all channels at once.
struct attempt {
  const select_entry* entries;
  std::uint32_t n;
  const select_scratch& scratch;
  std::uint32_t count = 0;     // cases on channels that are not nil: entries[scratch.order[k]]
  std::uint32_t channels = 0;  // distinct ones: scratch.locks[k]
  bool any_timer = false;      // the clock makes the values of one of them
  time_limit limit = {};       // of the timeouts

  void list_cases() noexcept {
    std::int64_t now = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      const select_entry& e = entries[i];
      if (e.core != nullptr) {
        any_timer |= e.core->timed();
        scratch.locks[count] = e.core;
        scratch.order[count++] = i;
      } else if (e.op > select_op::recv) {
        now = now == 0 && e.op == select_op::timeout_after ? now_ns() : now;
        limit.add_timeout(e, i, now);
      }
    }
    order_locks();
  }

  void order_locks() noexcept {
    chan_core** const locks = scratch.locks;
    if (count == 2) {  // by far the most
      if (std::less<>{}(locks[1], locks[0])) {
        std::swap(locks[0], locks[1]);
      }
      channels = locks[0] != locks[1] ? 2 : 1;
      return;
    }
    std::sort(locks, locks + count, std::less<>{});
    channels = static_cast<std::uint32_t>(std::unique(locks, locks + count) - locks);
  }

  // Of two cases in one queue the first will go: SE-3, SE-15.
  void order_joins(bool biased) const noexcept {
    if (biased || channels == count) {
      return;
    }
    for (std::uint32_t k = count; k > 1; --k) {
      std::swap(scratch.order[k - 1], scratch.order[draw(k)]);
    }
  }

  const select_entry& at(std::uint32_t k) const noexcept { return entries[scratch.order[k]]; }
  waiter& waiter_at(std::uint32_t k) const noexcept { return scratch.waiters[scratch.order[k]]; }

  void lock_all(bool holds_lost_lock) const noexcept {
    for (std::uint32_t k = 0; k < channels; ++k) {
      if (k == 0 && !holds_lost_lock) {
        scratch.locks[k]->lock().lock();
      } else {
        scratch.locks[k]->lock().lock_besides();
      }
    }
  }

  // [select.4] After the last unlock nothing here may be touched: the parked select, on whose
  // stack all this lies, may have gone on. Until then it has not: to leave, it needs the lock of
  // every channel but the one that woke it. So the next channel is read before each unlock.
  void unlock_all_but(const chan_core* released) const noexcept {
    chan_core* const* const locks = scratch.locks;
    const std::uint32_t last = channels;
    chan_core* current = last != 0 ? locks[0] : nullptr;
    for (std::uint32_t k = 1; current != nullptr; ++k) {
      chan_core* next = k < last ? locks[k] : nullptr;
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
    const select_entry& e = attempt_.at(position);
    w.select = &wait_;
    for (std::uint32_t k = 0; k < position; ++k) {
      if (attempt_.at(k).through == e.through) {
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
    const locked_channels mine{attempt_.scratch.locks, attempt_.channels};
    *others = lost_search(mine, me, lost_by::wait).look(attempt_.at(0).core);  // [lost.2]
    const bool abandoned = !is_open(first);
    release();
    return abandoned;
  }

 private:
  static constexpr std::uint32_t most = 64;
  const attempt& attempt_;
  const select_wait wait_{attempt_.entries, attempt_.scratch.order, attempt_.count};
  bool on_ = false;
};

// All channels locked, one more look, then a wait. `me` null: the default instead of a wait.
select_result wait_for_one(attempt& a, goroutine* me, bool biased) {
  const select_scratch& scratch = a.scratch;
  const select_entry* entries = a.entries;
  select_watch watch(a, me == nullptr || a.limit.deadline != never || a.count == 0);
  a.lock_all(watch.on());
  for (;;) {
    const std::uint32_t i =
        choose(a.n, biased, [&](std::uint32_t k) { return can_go_locked(entries[k]); });
    if (i == none) {
      break;
    }
    const chan_status s = try_locked(entries[i]);
    if (s != chan_status::would_block) {
      a.unlock_all_but(s == chan_status::ok ? entries[i].core : nullptr);
      return select_result(i, s == chan_status::closed);
    }
  }
  if (me == nullptr) {
    a.unlock_all_but(nullptr);
    return select_result(select_result::took_default);
  }
  time_limit limit = a.limit;
  for (std::uint32_t k = 0; a.any_timer && k < a.count; ++k) {
    if (a.at(k).op == select_op::recv) {
      limit.add_timer(a.at(k).core->next_time());
    }
  }
  if (limit.deadline != never) {
    watch.release();
  }
  a.order_joins(biased);
  const std::uint64_t ticket = open_claim(me);
  for (std::uint32_t k = 0; k < a.count; ++k) {
    const std::uint32_t i = scratch.order[k];
    waiter* w = ::new (&scratch.waiters[i]) waiter;
    w->who = me;
    w->value = entries[i].value;
    w->ticket = ticket;
    w->index = i;
    watch.count(*w, k);
    join(entries[i], w);
  }
  waiter* others = nullptr;
  if (watch.look(me, &a.waiter_at(0), &others)) {
    a.unlock_all_but(nullptr);
    ready_chain(others);
    for (std::uint32_t k = 0; k < a.count; ++k) {
      leave(a.at(k), &a.waiter_at(k));
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
    if (scratch.order[k] != won) {
      leave(a.at(k), &a.waiter_at(k));
    }
  }
  if (won == claim_timeout) {
    return select_result(select_result::look_again);
  }
  if (entries[won].core == nullptr) {
    return select_result(won);  // a timeout
  }
  switch (scratch.waiters[won].result) {
    case wake_result::again:
      return select_result(select_result::look_again);
    case wake_result::closed:
      return select_result(won, true);
    case wake_result::abandoned:
      throw_abandoned(wait_reason::select);
    default:
      return select_result(won);
  }
}

enum class clocks : bool { left_out, included };

// A case that looks as if it could go, or none. Neither `drawn` nor `failed`, nor, if they are left
// out, one of a timer's channel.
std::uint32_t choose_unlocked(const select_entry* entries, std::uint32_t n, bool biased,
                              std::uint32_t drawn, std::uint32_t failed, clocks timed) noexcept {
  return choose(n, biased, [=](std::uint32_t k) {
    return k != drawn && k != failed && may_go(entries[k]) &&
           (timed == clocks::included || !entries[k].core->timed());
  });
}

// `drawn`: a case that could not go, or none.
__attribute__((noinline)) select_result select_from(const select_entry* entries, std::uint32_t n,
                                                    select_options options,
                                                    const select_scratch& scratch,
                                                    std::uint32_t drawn) {
  // A timer's channel looks as if it could go whatever the time is: if it could not, once more,
  // without such.
  std::uint32_t i = choose_unlocked(entries, n, options.biased, drawn, none, clocks::included);
  for (int tries = 0; i != none && tries < 2; ++tries) {
    if (const chan_status s = try_one(entries[i]); s != chan_status::would_block) {
      return select_result(i, s == chan_status::closed);
    }
    i = choose_unlocked(entries, n, options.biased, drawn, i, clocks::left_out);
  }
  attempt a{entries, n, scratch};
  a.list_cases();
  // The time may be up when it begins: a default, but only if all channels say no at one instant.
  const bool is_up = a.limit.is_up();
  const bool may_wait = !is_up && !options.has_default;
  if (may_wait && a.count == 0 && a.limit.deadline == never) {
    park_forever(wait_reason::select_no_cases);
  }
  // Allocates for a foreign thread's first wait: not with locks held.
  goroutine* me = may_wait ? self() : nullptr;
  for (;;) {
    const select_result r = wait_for_one(a, me, options.biased);
    if (r.index() == select_result::took_default && is_up) {
      return select_result(a.limit.index);
    }
    if (r.index() != select_result::look_again) {
      return r;
    }
  }
}

// For dumps: the channels, in the order of their addresses, each once.
void describe_select(const void* at, wait_description& out) noexcept {
  const auto* a = static_cast<const attempt*>(at);
  for (std::uint32_t k = 0; k < a->channels; ++k) {
    a->scratch.locks[k]->describe(out);
  }
}

[[maybe_unused]] const bool told = [] {
  set_wait_describer(wait_reason::select, describe_select);
  return true;
}();

}  // namespace

bool no_entry_can_go(const select_entry* entries, std::uint32_t n) noexcept {
  constexpr std::uint32_t few = 64;
  const solo_section alone;
  return alone && n <= few && std::none_of(entries, entries + n, [](const select_entry& e) {
           return e.op > select_op::recv || may_go(e);
         });
}

// One case drawn at random before anything else: a select whose cases are all ready ends here. The
// choice stays uniform: if the drawn case cannot go, all that can are drawn from again. Not with a
// default, which most often is what is taken. The rest is apart, so that this saves few registers.
select_result select_core(const select_entry* entries, std::uint32_t n, select_options options,
                          const select_scratch& scratch) {
  const race::runtime_code in;
  schedule_point();
  if (options.biased || options.has_default || n == 0) {
    return select_from(entries, n, options, scratch, none);
  }
  const std::uint32_t drawn = draw(n);
  if (may_go(entries[drawn])) {
    if (const chan_status s = try_one(entries[drawn]); s != chan_status::would_block) [[likely]] {
      return select_result(drawn, s == chan_status::closed);
    }
  }
  return select_from(entries, n, options, scratch, drawn);
}

}  // namespace weft::detail
