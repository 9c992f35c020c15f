#include <weft/detail/block_cache.hpp>
#include <weft/detail/chan_core.hpp>
#include <weft/detail/describe.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/solo.hpp>
#include <weft/exceptions.hpp>

#include <cstdint>
#include <new>
#include <string>

namespace weft::detail {
namespace {

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// Of receivers that a close wakes at once.
#if WEFT_MODEL
constexpr std::size_t portion = 1;
#else
constexpr std::size_t portion = 64;
#endif

// Room for the edges of slots that have no size.
constexpr std::size_t empty_slots = 256;
constexpr std::size_t edge_bytes(const element_type& type) noexcept {
  return race::on && type.size == 0 ? empty_slots : 0;
}

void* allocate(std::size_t bytes, std::size_t align) {
  return align <= __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? block_cache::take(bytes)
                                                   : ::operator new(bytes, std::align_val_t(align));
}

void deallocate(void* at, std::size_t bytes, std::size_t align) noexcept {
  if (align <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
    block_cache::give(at, bytes);
  } else {
    ::operator delete(at, std::align_val_t(align));
  }
}

// self() allocates for a foreign thread's first wait.
[[gnu::always_inline]] inline goroutine* self_or_unlock(biased_lock& held) {
  try {
    return self();
  } catch (...) {
    held.unlock();
    throw;
  }
}

}  // namespace

// ---- the buffer ----

// [race.5] ThreadSanitizer: the edges of a buffered channel go through its slots, both ways (MM-2,
// MM-4). An address for those of one slot. Elements without size have slots, too, as many as are
// told apart.
const void* chan_core::slot_edge(std::size_t slot) const noexcept {
  return buffer_ + (type_.size != 0 ? slot * type_.size : slot % empty_slots);
}

// With the lock held: a value goes to the end of the buffer.
void chan_core::fill_slot(void* from) noexcept {
  const void* edge = slot_edge(tail_);
  std::byte* at = push_slot(type_.size);
  race::acquire(edge);
  {
    const race::user_code move;
    type_.move(at, from);
  }
  race::release(edge);
}

// With the lock held: the value at the head of the buffer goes out.
void chan_core::empty_slot(void* to) noexcept {
  const void* edge = slot_edge(head_);
  std::byte* at = pop_slot(type_.size);
  race::acquire(edge);
  {
    const race::user_code move;
    type_.move(to, at);
    if (type_.destroy != nullptr) {
      type_.destroy(at);
    }
  }
  race::release(edge);
}

// With the lock held and the buffer full: the value at its head goes out, another one goes to its
// end, which is the same slot. The count stays as it is.
void chan_core::turn_slot(void* to, waiter* sender) noexcept {
  const void* edge = slot_edge(head_);
  std::byte* at = buffer_ + head_ * type_.size;
  head_ = tail_ = head_ + 1 == capacity_ ? 0 : head_ + 1;
  race::acquire(edge);
  {
    const race::user_code move;
    type_.move(to, at);
    if (type_.destroy != nullptr) {
      type_.destroy(at);
    }
  }
  race::release(edge);
  const race::as other(sender->who);
  const race::runtime_code in;
  race::acquire(edge);
  {
    const race::user_code move;
    type_.move(at, sender->value);
  }
  race::release(edge);
}

// With the lock held, which is released: a receiver waits, so the buffer is empty.
void chan_core::hand_over(waiter* receiver, void* from) noexcept {
  if (race::on && capacity_ != 0) {
    // It must look as if the value had gone through the buffer: the receiver does not order the
    // sender here, and the slots must be counted as MM-4 counts.
    fill_slot(from);
    {
      const race::as other(receiver->who);
      const race::runtime_code in;
      empty_slot(receiver->value);
    }
    lock_.unlock();
    return;
  }
  lock_.unlock();
  race::acquire_from(receiver->who);  // MM-3
  const race::user_code move;
  type_.move(receiver->value, from);
}

// ---- life ----

chan_core* chan_core::make(std::ptrdiff_t capacity, const element_type& type, std::size_t extra) {
  if (capacity < 0) {
    throw_bad_capacity(std::to_string(capacity));
  }
  const auto n = static_cast<std::size_t>(capacity);
  const std::size_t align = type.align < alignof(chan_core) ? alignof(chan_core) : type.align;
  const std::size_t header = round_up(sizeof(chan_core), align);
  if (type.size != 0 && n > (static_cast<std::size_t>(PTRDIFF_MAX) - header) / type.size) {
    throw bad_capacity("weft: make_chan: the capacity is " + std::to_string(capacity) +
                       "; that many elements of " + std::to_string(type.size) +
                       " bytes cannot be stored");
  }
  void* at = allocate(header + extra + n * type.size + edge_bytes(type), align);
  return ::new (at) chan_core(n, static_cast<std::byte*>(at) + header, type);
}

void chan_core::destroy(chan_core* c) noexcept {
  const race::runtime_code in;
  const element_type& type = c->type_;
  // Values that nobody received: destroyed here, outside of any lock (CH-18).
  for (std::size_t left = type.destroy != nullptr ? c->len() : 0; left > 0; --left) {
    race::acquire(c->slot_edge(c->head_));
    std::byte* at = c->pop_slot(type.size);
    const race::user_code out;
    type.destroy(at);
  }
  const std::size_t align = type.align < alignof(chan_core) ? alignof(chan_core) : type.align;
  const std::size_t capacity = c->capacity_;
  const bool timed = c->timer_ != nullptr;
  c->~chan_core();
  const std::size_t bytes = round_up(sizeof(chan_core), align) + (timed ? sizeof(chan_timer) : 0) +
                            capacity * type.size + edge_bytes(type);
  deallocate(c, bytes, align);
}

// One place to wait for senders and receivers: whoever goes on after a switch returns to it, as the
// other one would have, and the processor foresees that (decision 022).
__attribute__((noinline)) bool chan_core::wait_and_unlock(void* value, bool sends) {
  waiter w;
  w.value = value;
  w.who = self_or_unlock(lock_);
  sends ? wait_to_send(&w) : wait_to_recv(&w);
  park({sends ? wait_reason::chan_send : wait_reason::chan_recv, this}, unlock_commit, &lock_);
  return w.result == wake_result::done;
}

// ---- send ----

[[gnu::always_inline]] inline chan_status chan_core::send_here(void* from) noexcept {
  if (closed_.load(relaxed)) {  // relaxed: locked
    return chan_status::closed;
  }
  if (waiter* w = pop_receiver()) {
    hand_over(w, from);
    w->result = wake_result::done;
    ready(w->who);
    return chan_status::ok;
  }
  if (len() < capacity_) {
    fill_slot(from);
    lock_.unlock();
    return chan_status::ok;
  }
  return chan_status::would_block;
}

chan_status chan_core::send_locked(void* from) noexcept { return send_here(from); }

bool chan_core::send_and_unlock(void* from) {
  const race::runtime_code in;
  if (!may_send()) {
    return wait_and_unlock(from, true);
  }
  return send_or_wait(from);
}

// Apart, so that who has to wait saves no registers for it.
__attribute__((noinline)) bool chan_core::send_or_wait(void* from) {
  const chan_status s = send_here(from);
  if (s == chan_status::ok) [[likely]] {
    return true;
  }
  if (s == chan_status::closed) {
    lock_.unlock();
    return false;
  }
  return wait_and_unlock(from, true);
}

chan_status chan_core::send_limited(void* from, const wait_limit& limit, handle_place place) {
  const race::runtime_code in;
  if (watched_ && limit.none()) [[unlikely]] {
    return wait_watched(senders_, wait_reason::chan_send, from, place) ? chan_status::ok
                                                                       : chan_status::closed;
  }
  lock_.lock();
  const chan_status s = send_locked(from);
  if (s != chan_status::would_block) {
    if (s != chan_status::ok) {
      lock_.unlock();
    }
    return s;
  }
  waiter w;
  w.who = self_or_unlock(lock_);
  w.value = from;
  w.ticket = open_claim(w.who);
  wait_to_send(&w);
  const wait_end end =
      end_of(park_limited({wait_reason::chan_send, this}, w.ticket, limit, unlock_commit, &lock_));
  if (end == wait_end::woken) {
    return w.result == wake_result::done ? chan_status::ok : chan_status::closed;
  }
  biased_guard hold(lock_);
  leave_senders(&w);
  return end == wait_end::timeout ? chan_status::timeout : chan_status::canceled;
}

chan_status chan_core::lock_and_try_send(void* from) noexcept {
  const race::runtime_code in;
  lock_.lock();
  const chan_status s = send_locked(from);
  if (s != chan_status::ok) {
    lock_.unlock();
  }
  return s;
}

// ---- receive ----

chan_status chan_core::recv_locked(void* to) noexcept {
  if (timer_ != nullptr) [[unlikely]] {
    return recv_time(to);
  }
  if (len() != 0) {
    waiter* w = pop_sender();
    if (w == nullptr) {
      empty_slot(to);
      lock_.unlock();
      return chan_status::ok;
    }
    // The buffer is full: the first waiting sender's value goes to its end, so that nobody who
    // comes now overtakes it (CH-5).
    turn_slot(to, w);
    lock_.unlock();
    w->result = wake_result::done;
    ready(w->who);
    return chan_status::ok;
  }
  if (waiter* w = pop_sender()) {  // capacity 0
    lock_.unlock();
    race::acquire_from(w->who);  // MM-2
    {
      const race::user_code move;
      type_.move(to, w->value);
    }
    w->result = wake_result::done;
    ready(w->who);
    return chan_status::ok;
  }
  if (!closed_.load(relaxed)) {  // relaxed: locked
    return chan_status::would_block;
  }
  race::acquire(&closed_);  // MM-5
  return chan_status::closed;
}

bool chan_core::recv_and_unlock(void* to) {
  const race::runtime_code in;
  if (!may_recv()) {
    return wait_and_unlock(to, false);
  }
  return recv_or_wait(to);
}

// Apart, as send_or_wait().
__attribute__((noinline)) bool chan_core::recv_or_wait(void* to) {
  if (timer_ != nullptr) [[unlikely]] {
    return wait_for_time(to, {}) == chan_status::ok;
  }
  const chan_status s = recv_locked(to);
  if (s == chan_status::ok) [[likely]] {
    return true;
  }
  if (s == chan_status::closed) {
    lock_.unlock();
    return false;
  }
  return wait_and_unlock(to, false);
}

chan_status chan_core::recv_limited(void* to, const wait_limit& limit, handle_place place) {
  const race::runtime_code in;
  if (watched_ && limit.none()) [[unlikely]] {
    return wait_watched(receivers_, wait_reason::chan_recv, to, place) ? chan_status::ok
                                                                       : chan_status::closed;
  }
  lock_.lock();
  if (timer_ != nullptr) [[unlikely]] {
    return wait_for_time(to, limit);
  }
  const chan_status s = recv_locked(to);
  if (s != chan_status::would_block) {
    if (s != chan_status::ok) {
      lock_.unlock();
    }
    return s;
  }
  waiter w;
  w.who = self_or_unlock(lock_);
  w.value = to;
  w.ticket = open_claim(w.who);
  wait_to_recv(&w);
  const wait_end end =
      end_of(park_limited({wait_reason::chan_recv, this}, w.ticket, limit, unlock_commit, &lock_));
  if (end == wait_end::woken) {
    return w.result == wake_result::done ? chan_status::ok : chan_status::closed;
  }
  biased_guard hold(lock_);
  leave_receivers(&w);
  return end == wait_end::timeout ? chan_status::timeout : chan_status::canceled;
}

chan_status chan_core::lock_and_try_recv(void* to) noexcept {
  const race::runtime_code in;
  lock_.lock();
  const chan_status s = recv_locked(to);
  if (s != chan_status::ok) {
    lock_.unlock();
  }
  return s;
}

// ---- close ----

// Those who wait are taken out and woken in portions: of a hundred thousand stacks the last would
// be long out of the caches when its turn to be woken came. In between they wait in the queue of a
// closed channel, which nobody joins, and leave it as ever if their wait ends otherwise.
bool chan_core::close() noexcept {
  const race::runtime_code in;
  lock_.lock();
  if (closed_.load(relaxed)) {  // relaxed: locked
    lock_.unlock();
    return false;
  }
  closed_.store(true, relaxed);  // relaxed: as above
  race::release(&closed_);
  // Woken after the lock was released (T2). A wait that was won elsewhere is passed over. One of
  // the two queues is empty.
  waiter* senders = take_claimed(senders_, wake_result::closed);
  waiter* receivers = take_claimed(receivers_, wake_result::closed, watched_ ? SIZE_MAX : portion);
  const bool more = !receivers_.empty();
  if (more) {
    retain();  // the woken may drop every other handle
  }
  lock_.unlock();
  ready_chain(senders);
  ready_chain(receivers);
  if (more) {
    close_portions();
  }
  return true;
}

// [chan.7] The rest of the receivers of a channel that was closed.
void chan_core::close_portions() noexcept {
  bool more = true;
  while (more) {
    lock_.lock();
    waiter* receivers = take_claimed(receivers_, wake_result::closed, portion);
    more = !receivers_.empty();
    lock_.unlock();
    ready_chain(receivers);
  }
  drop();
}

void chan_core::leave_senders(waiter* w) noexcept {
  if (w->linked) {
    senders_.remove(w);
    show_senders();
  }
}

void chan_core::leave_receivers(waiter* w) noexcept {
  if (w->linked) {
    receivers_.remove(w);
    show_receivers();
  }
}

// ---- for dumps ----

void chan_core::describe(wait_description& out) const noexcept {
  if (waited_object* o = out.add()) {
    o->kind = "chan";
    o->at = this;
    o->facts[0] = {"cap", static_cast<std::int64_t>(capacity_)};
    o->facts[1] = {"len", static_cast<std::int64_t>(len())};
  }
}

namespace {

void describe_chan(const void* core, wait_description& out) noexcept {
  static_cast<const chan_core*>(core)->describe(out);
}

[[maybe_unused]] const bool told = [] {
  set_wait_describer(wait_reason::chan_send, describe_chan);
  set_wait_describer(wait_reason::chan_recv, describe_chan);
  return true;
}();

}  // namespace

// ---- nil channels and mistakes ----

void park_forever(wait_reason why) {
  self();  // a foreign thread needs its stand-in
  for (;;) {
    park(
        why, [](void*) noexcept {}, nullptr);
  }
}

chan_status wait_on_nil(wait_reason why, const wait_limit& limit) {
  const std::uint64_t ticket = open_claim(self());
  const wait_end end = end_of(park_limited(
      why, ticket, limit, [](void*) noexcept {}, nullptr));
  return end == wait_end::timeout ? chan_status::timeout : chan_status::canceled;
}

void throw_bad_capacity(const std::string& given) {
  throw bad_capacity("weft: make_chan: the capacity is " + given +
                     "; a number of elements from 0 to 2^63-1 was expected");
}
void throw_send_closed() { throw closed_channel("weft: send on closed channel"); }
void throw_close_closed() { throw closed_channel("weft: close of closed channel"); }
void throw_close_nil() { throw nil_channel("weft: close of nil channel"); }

}  // namespace weft::detail
