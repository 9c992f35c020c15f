// Select, after Go's runtime/select.go in its outline: try the cases in random order, one
// channel locked at a time; only if none can go, lock all channels in address order, try again,
// and then either take the default, at one instant (SE-4), or join all queues.
#include <weft/detail/select_core.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace weft::detail {
namespace {

struct attempt {
  const select_entry* entries;
  const select_scratch& scratch;
  std::uint32_t count = 0;  // cases on channels that are not nil

  chan_core* core_at(std::uint32_t lock_position) const noexcept {
    return entries[scratch.locks[lock_position]].core;
  }
  // Cases on one channel are neighbours in lock order; it is locked for the first of them.
  bool first_of_channel(std::uint32_t position) const noexcept {
    return position == 0 || core_at(position) != core_at(position - 1);
  }

  void list_cases(std::uint32_t n) noexcept {
    for (std::uint32_t i = 0; i < n; ++i) {
      if (entries[i].core != nullptr) {
        scratch.poll[count++] = i;
      }
    }
  }

  void order_locks() noexcept {
    std::copy_n(scratch.poll, count, scratch.locks);
    std::sort(scratch.locks, scratch.locks + count, [&](std::uint32_t a, std::uint32_t b) {
      return std::less<>{}(entries[a].core, entries[b].core);
    });
  }

  void lock_all() const noexcept {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (first_of_channel(i)) {
        core_at(i)->lock().lock();
      }
    }
  }

  // [select.4] After the last unlock nothing here may be touched: the parked select, on whose
  // stack all this lies, may have gone on. Until then it has not: to leave, it needs the lock of
  // every channel but the one that woke it. So the next channel is read before each unlock.
  void unlock_all_but(const chan_core* released) const noexcept {
    std::uint32_t i = 0;
    chan_core* current = core_at(0);
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

// Draws an order at random, one place at a time: most selects are over at the first case that
// they try. Uniform (SE-2).
class shuffle {
 public:
  explicit shuffle(bool biased) noexcept : biased_(biased) {}
  // Puts one of poll[k..count) at k.
  void draw(std::uint32_t* poll, std::uint32_t k, std::uint32_t count) noexcept {
    if (biased_ || k + 1 == count) {
      return;
    }
    if (k % 2 == 0) {
      bits_ = random_bits();
    }
    const auto skip = static_cast<std::uint32_t>(((bits_ & 0xffff'ffff) * (count - k)) >> 32);
    bits_ >>= 32;
    std::swap(poll[k], poll[k + skip]);
  }

 private:
  const bool biased_;
  std::uint64_t bits_ = 0;
};

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

void join(const select_entry& e, waiter* w) noexcept {
  e.op == select_op::send ? e.core->wait_to_send(w) : e.core->wait_to_recv(w);
}

void leave(const select_entry& e, waiter* w) noexcept {
  biased_guard hold(e.core->lock());
  e.op == select_op::send ? e.core->leave_senders(w) : e.core->leave_receivers(w);
}

}  // namespace

select_result select_core(const select_entry* entries, std::uint32_t n, select_options options,
                          const select_scratch& scratch) {
  // One case drawn at random before anything else is set up: most selects end here. The choice
  // stays uniform: if the drawn case cannot go, all that can are drawn from again.
  if (!options.biased && n != 0) {
    const auto i = static_cast<std::uint32_t>(((random_bits() & 0xffff'ffff) * n) >> 32);
    if (entries[i].core != nullptr) {
      if (const chan_status s = try_one(entries[i]); s != chan_status::would_block) [[likely]] {
        return {i, s == chan_status::closed};
      }
    }
  }
  attempt a{entries, scratch};
  a.list_cases(n);
  shuffle order(options.biased);
  for (std::uint32_t k = 0; k < a.count; ++k) {
    order.draw(scratch.poll, k, a.count);
    const std::uint32_t i = scratch.poll[k];
    if (const chan_status s = try_one(entries[i]); s != chan_status::would_block) {
      return {i, s == chan_status::closed};
    }
  }
  if (a.count == 0) {
    if (options.has_default) {
      return {};
    }
    park_forever(wait_reason::select_no_cases);
  }
  if (options.has_default && a.count == 1) {
    return {};  // one channel was looked at, at one instant
  }

  goroutine* me = self();
  a.order_locks();
  a.lock_all();
  for (std::uint32_t k = 0; k < a.count; ++k) {
    const select_entry& e = entries[scratch.poll[k]];
    const chan_status s = try_locked(e);
    if (s != chan_status::would_block) {
      a.unlock_all_but(s == chan_status::ok ? e.core : nullptr);
      return {scratch.poll[k], s == chan_status::closed};
    }
  }
  if (options.has_default) {
    a.unlock_all_but(nullptr);
    return {};
  }

  const std::uint64_t ticket = open_claim(me);
  for (std::uint32_t k = 0; k < a.count; ++k) {
    const std::uint32_t i = scratch.poll[k];
    waiter* w = ::new (&scratch.waiters[i]) waiter;
    w->who = me;
    w->value = entries[i].value;
    w->ticket = ticket;
    w->index = i;
    join(entries[i], w);
  }
  park(
      wait_reason::select,
      [](void* at) noexcept { static_cast<const attempt*>(at)->unlock_all_but(nullptr); }, &a);

  const std::uint32_t won = claimed_index(me);
  for (std::uint32_t k = 0; k < a.count; ++k) {
    const std::uint32_t i = scratch.poll[k];
    if (i != won) {
      leave(entries[i], &scratch.waiters[i]);
    }
  }
  return {won, scratch.waiters[won].result == wake_result::closed};
}

}  // namespace weft::detail
