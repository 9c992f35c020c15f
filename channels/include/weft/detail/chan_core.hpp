#pragma once
// The untyped core of channels: queues, close, hand-off. chan<T> is a typed shell over it.
//
// Invariants, all under lock_ [chan]:
//   * a waiter in receivers_ with an open wait  =>  the buffer is empty and no sender waits
//   * a waiter in senders_ with an open wait    =>  the buffer is full (always so at capacity 0)
//   * closed  =>  no sender waits, and receivers only until close() has come to them [chan.7]
//   * "closed" is what a receiver sees only when the buffer is empty (T1)
// A sender gives its value to the first waiting receiver; a receiver that makes room moves the
// first waiting sender's value into the buffer (CH-5, CH-6): nobody is woken to try again.
// Moves of elements are noexcept. Those into and out of the buffer, and the destruction of what
// was moved from, happen under the lock; a hand-off between two parties happens outside of it.
// Nothing of the channel is touched after a waiter was made ready or the lock was released for
// the last time: the other party may destroy it (HZ-1).
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/detail/lost_wait.hpp>
#include <weft/detail/park.hpp>
#include <weft/detail/race.hpp>
#include <weft/detail/ref_count.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/wait_limit.hpp>
#include <weft/detail/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace weft {

// GCC sees weft::canceled, an error, as shadowed by a scoped enumerator.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/// The outcome of an operation that does not wait, or not for ever.
enum class [[nodiscard]] chan_status{
    ok,           ///< a value was sent or received
    would_block,  ///< nothing happened
    closed,       ///< the channel is closed (and, for a receive, drained)
    timeout,      ///< the time was up, nothing happened
    canceled,     ///< the context was done, nothing happened
};
#pragma GCC diagnostic pop

namespace detail {

struct wait_description;

/// How to handle elements without knowing their type.
struct element_type {
  std::size_t size;  ///< 0: an empty type, nothing is stored
  std::size_t align;
  void (*move)(void* to, void* from) noexcept;  ///< constructs *to from *from
  void (*destroy)(void* at) noexcept;           ///< nullptr: nothing to do
  const char* signature;                        ///< of a function that ends in "T = <type>]"
};

/// What makes the values of a timer's or ticker's channel: nothing is sent, a receiver finds a
/// value there when the time has come. Guarded by the channel's lock. [chan_timer]
struct chan_timer {
  bool active = false;      ///< a value is due at `when`, or will be
  std::int64_t when = 0;    ///< see now_ns()
  std::int64_t period = 0;  ///< of a ticker; 0: one value only
};

class chan_core;

/// [lost] The handle that an operation goes through, as the place of its pointer to the core, and
/// for an iterator the handle that it was made from.
struct handle_place {
  const chan_core* const* through = nullptr;
  const chan_core* const* origin = nullptr;
};

class chan_core {
 public:
  /// Throws bad_capacity or std::bad_alloc. `extra`: bytes at buffer_ besides the elements.
  static chan_core* make(std::ptrdiff_t capacity, const element_type& type, std::size_t extra = 0);
  /// A channel of steady_clock::time_point whose values the clock makes. Throws std::bad_alloc.
  static chan_core* make_timed(const chan_timer& t);

  void retain() noexcept { refs_.add(); }
  void drop() noexcept {
    if (watched_) [[unlikely]] {
      drop_watched();
    } else if (refs_.drop()) {
      destroy(this);
    }
  }

  /// With the lock held, which is released: waits until the value at `from` was taken. False:
  /// closed, the value is untouched.
  bool send_and_unlock(void* from);
  /// With the lock held, which is released: waits until a value was constructed at `to`. False:
  /// closed and drained, nothing there.
  bool recv_and_unlock(void* to);
  /// [lost] The same of a watched() channel.
  bool send_watched_and_unlock(void* from, handle_place place);
  bool recv_watched_and_unlock(void* to, handle_place place);
  /// The same with a limit: ok, closed, timeout or canceled. Takes the lock itself.
  chan_status send_limited(void* from, const wait_limit& limit, handle_place place = {});
  chan_status recv_limited(void* to, const wait_limit& limit, handle_place place = {});
  /// The same without waiting. Inline what programs do all the time: nothing is there, and this
  /// worker is alone [chan.8].
  chan_status try_send(void* from) noexcept {
    if (solo_section alone; alone && !may_send()) {
      return chan_status::would_block;
    }
    return lock_and_try_send(from);
  }
  chan_status try_recv(void* to) noexcept {
    if (solo_section alone; alone && !may_recv()) {
      return chan_status::would_block;
    }
    return lock_and_try_recv(to);
  }
  /// False: it was closed already.
  bool close() noexcept;

  std::size_t len() const noexcept { return count_.load(relaxed); }  // relaxed: stale at once
  std::size_t cap() const noexcept { return capacity_; }

  /// For dumps, without the lock.
  void describe(wait_description& out) const noexcept;

  // ---- for the typed shell's fast path and for select ----
  biased_lock& lock() noexcept { return lock_; }

  /// With the lock held. `ok`: the operation was done and the lock released. Otherwise nothing
  /// happened and the lock is still held.
  chan_status send_locked(void* from) noexcept;
  chan_status recv_locked(void* to) noexcept;

  /// [chan.8] Without the lock. False: so far as this thread sees, the operation would have to
  /// wait; only the lock, or being the owner of [solo], makes that certain. True: perhaps it need
  /// not.
  bool may_send() const noexcept {
    // relaxed: hints
    const bool can =
        capacity_ != 0 ? count_.load(relaxed) < capacity_ : receiver_waits_.load(relaxed);
    return can || closed_.load(relaxed);  // relaxed: as above
  }
  bool may_recv() const noexcept {
    if (timer_ != nullptr) {
      return true;  // the clock decides
    }
    // relaxed: hints
    const bool can = capacity_ != 0 ? count_.load(relaxed) != 0 : sender_waits_.load(relaxed);
    return can || closed_.load(relaxed);  // relaxed: as above
  }

  /// With the lock held: joins or leaves a queue.
  void wait_to_send(waiter* w) noexcept {
    senders_.push_back(w);
    sender_waits_.store(true, relaxed);  // relaxed: says "perhaps", which needs no order
  }
  void wait_to_recv(waiter* w) noexcept {
    receivers_.push_back(w);
    receiver_waits_.store(true, relaxed);  // relaxed: as above
  }
  void leave_senders(waiter* w) noexcept;
  void leave_receivers(waiter* w) noexcept;
  /// The clock makes its values. Constant.
  bool timed() const noexcept { return timer_ != nullptr; }
  /// With the lock held: when a receiver should look again though nobody wakes it; or never.
  std::int64_t next_time() const noexcept {
    return timer_ != nullptr && timer_->active ? timer_->when : never;
  }
  /// Sets the timer of a timed channel, and makes whoever waits for it look again. True if a value
  /// was due or would have been, and will not come any more.
  bool set_timer(const chan_timer& t) noexcept;

  // ---- [lost] ----
  /// Made in a run that looks for lost waits. Constant.
  bool watched() const noexcept { return watched_; }
  /// How many handles exist; exact with lost_lock held.
  std::uint32_t references() const noexcept { return refs_.get(); }
  /// With the lock held.
  const waiter_queue& senders() const noexcept { return senders_; }
  const waiter_queue& receivers() const noexcept { return receivers_; }
  /// With lost_lock and the lock held: all who wait here wait for ever. Reports them; in
  /// lost_waits::woken takes them out and adds them to the chain, all but `me`.
  void end_lost(const goroutine* me, lost_by how, waiter** ready_later) noexcept;

  /// With the lock held, for a typed fast path: room in the buffer and nobody to hand it to.
  bool can_buffer() const noexcept {
    // relaxed: locked
    return !race::on && !closed_.load(relaxed) && receivers_.empty() &&
           count_.load(relaxed) < capacity_;  // relaxed: locked
  }
  /// With the lock held: something in the buffer and no sender waits for room.
  bool can_unbuffer() const noexcept {
    return !race::on && count_.load(relaxed) != 0 &&
           senders_.empty();  // relaxed: written under the lock
  }
  std::byte* push_slot(std::size_t element_size) noexcept {
    std::byte* at = buffer_ + tail_ * element_size;
    tail_ = tail_ + 1 == capacity_ ? 0 : tail_ + 1;
    count_.store(count_.load(relaxed) + 1, relaxed);  // relaxed: written under the lock
    return at;
  }
  std::byte* pop_slot(std::size_t element_size) noexcept {
    std::byte* at = buffer_ + head_ * element_size;
    head_ = head_ + 1 == capacity_ ? 0 : head_ + 1;
    count_.store(count_.load(relaxed) - 1, relaxed);  // relaxed: written under the lock
    return at;
  }

 private:
  chan_core(std::size_t capacity, std::byte* buffer, const element_type& type) noexcept
      : watched_(watch_mode() != lost_waits::ignored),
        capacity_(capacity),
        buffer_(buffer),
        type_(type) {}
  static void destroy(chan_core* c) noexcept;
  chan_status lock_and_try_send(void* from) noexcept;
  chan_status lock_and_try_recv(void* to) noexcept;
  void drop_watched() noexcept;
  chan_status send_here(void* from) noexcept;
  bool send_or_wait(void* from);
  bool recv_or_wait(void* to);
  bool wait_and_unlock(void* value, bool sends);
  bool wait_watched(waiter_queue& q, wait_reason why, void* value, handle_place place);
  void close_portions() noexcept;
  waiter* pop_sender() noexcept {
    if (senders_.empty()) {
      return nullptr;
    }
    waiter* w = pop_claimed(senders_);
    show_senders();
    return w;
  }
  waiter* pop_receiver() noexcept {
    if (receivers_.empty()) {
      return nullptr;
    }
    waiter* w = pop_claimed(receivers_);
    show_receivers();
    return w;
  }
  // relaxed: under the lock.
  void show_senders() noexcept { sender_waits_.store(!senders_.empty(), relaxed); }
  void show_receivers() noexcept { receiver_waits_.store(!receivers_.empty(), relaxed); }
  void fill_slot(void* from) noexcept;
  void empty_slot(void* to) noexcept;
  void turn_slot(void* to, waiter* sender) noexcept;
  void hand_over(waiter* receiver, void* from) noexcept;
  const void* slot_edge(std::size_t slot) const noexcept;
  chan_status recv_time(void* to) noexcept;
  chan_status wait_for_time(void* to, const wait_limit& limit);

  // Guards everything but refs_ and the constants.
  biased_lock lock_;
  // [chan.8] These three and count_ are written under the lock and read without it, too.
  atomic<bool> closed_{false};
  atomic<bool> sender_waits_{false};    // senders_ is not empty
  atomic<bool> receiver_waits_{false};  // receivers_ is not empty
  bool watched_;                        // constant, but for the channels of timers, which never are
  // Handles and operations in progress that keep the channel alive.
  ref_count refs_;
  // Values in the buffer. Written under lock_, read without it by len() and [chan.8].
  atomic<std::size_t> count_{0};
  const std::size_t capacity_;
  std::size_t head_ = 0;  // next to receive
  std::size_t tail_ = 0;  // next to fill
  std::byte* const buffer_;
  waiter_queue receivers_;
  waiter_queue senders_;
  const element_type& type_;
  chan_timer* timer_ = nullptr;  // null: an ordinary channel
};

/// Waits for ever: what an operation on a nil channel does (CH-7).
void park_forever(wait_reason why);
/// Waits until the limit ends it: timeout or canceled.
chan_status wait_on_nil(wait_reason why, const wait_limit& limit);

[[noreturn]] void throw_bad_capacity(const std::string& given);
[[noreturn]] void throw_abandoned(wait_reason why);
[[noreturn]] void throw_send_closed();
[[noreturn]] void throw_close_closed();
[[noreturn]] void throw_close_nil();

}  // namespace detail
}  // namespace weft
