#pragma once
// Typed channels: chan<T>, send_chan<T>, recv_chan<T>, make_chan.
#include <weft/detail/cancelable.hpp>
#include <weft/detail/chan_core.hpp>
#include <weft/exceptions.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace weft {

template <class T>
class chan;
template <class T>
class send_chan;
template <class T>
class recv_chan;

/// The empty element, Go's struct{}: a channel of it stores nothing, whatever its capacity.
struct unit {
  friend constexpr bool operator==(unit, unit) noexcept { return true; }
};

namespace detail {

struct chan_access;

// T is complete here, at the latest: a class may have a member chan<T> of itself (CH-19).
template <class T>
constexpr element_type describe_element() noexcept {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "weft: the element of a channel must be nothrow move constructible; put it into a "
                "std::unique_ptr otherwise");
  static_assert(std::is_nothrow_destructible_v<T>,
                "weft: the element of a channel must have a destructor that does not throw");
  return {std::is_empty_v<T> ? 0 : sizeof(T), alignof(T),
          [](void* to, void* from) noexcept { ::new (to) T(std::move(*static_cast<T*>(from))); },
          std::is_trivially_destructible_v<T>
              ? nullptr
              : +[](void* at) noexcept { static_cast<T*>(at)->~T(); },
          static_cast<const char*>(__PRETTY_FUNCTION__)};
}

template <class T>
inline constexpr element_type element_of = describe_element<T>();

/// Room for one T that a sender fills.
template <class T>
class slot {
 public:
  slot() noexcept {}
  ~slot() {}
  slot(const slot&) = delete;
  slot& operator=(const slot&) = delete;
  void* room() noexcept { return &value_; }
  /// The value leaves; the slot is empty again.
  std::optional<T> take() noexcept {
    std::optional<T> v(std::move(value_));
    value_.~T();
    return v;
  }

 private:
  union {
    T value_;
  };
};

/// What chan, send_chan and recv_chan have in common: a counted reference to the core, or nil.
template <class T>
class chan_handle {
  static_assert(std::is_object_v<T> && std::is_same_v<T, std::remove_cv_t<T>>,
                "weft: the element of a channel is a plain object type");

 public:
  using value_type = T;

  /// Values in the buffer, 0 for nil and for unbuffered channels. Stale at once; does not block;
  /// may be called while anything else goes on (CH-15).
  std::size_t len() const noexcept { return core_ != nullptr ? core_->len() : 0; }
  /// The capacity given to make_chan; 0 for nil.
  std::size_t cap() const noexcept { return core_ != nullptr ? core_->cap() : 0; }
  /// False for nil.
  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// The same channel? Views are equal to their origin (CH-12, CH-19).
  friend bool operator==(const chan_handle& a, const chan_handle& b) noexcept {
    return a.core_ == b.core_;
  }
  std::size_t hash() const noexcept { return std::hash<const void*>{}(core_); }

  chan_core* core() const noexcept { return core_; }
  const chan_core* const* core_place() const noexcept { return &core_; }

 protected:
  chan_handle() noexcept = default;
  explicit chan_handle(chan_core* adopted) noexcept : core_(adopted) {}
  chan_handle(const chan_handle& o) noexcept : core_(o.core_) {
    if (core_ != nullptr) {
      core_->retain();
    }
  }
  chan_handle(chan_handle&& o) noexcept : core_(std::exchange(o.core_, nullptr)) {}
  chan_handle& operator=(const chan_handle& o) noexcept {
    chan_handle(o).swap(*this);
    return *this;
  }
  chan_handle& operator=(chan_handle&& o) noexcept {
    chan_handle(std::move(o)).swap(*this);
    return *this;
  }
  ~chan_handle() {
    if (core_ != nullptr) {
      core_->drop();
    }
  }
  void swap(chan_handle& o) noexcept { std::swap(core_, o.core_); }

 private:
  chan_core* core_ = nullptr;
};

/// T itself, or what a T can be made from.
template <class T, class V>
concept can_send_as = std::same_as<V, T&> || std::constructible_from<T, V>;

/// The sending half of the interface.
template <class T, class Handle>
class sender {
 public:
  /// Sends v; parks until a receiver or a free place in the buffer takes it (CH-2, CH-3).
  /// Blocks  goroutine (or the foreign thread); for ever on a nil channel (CH-7).
  /// Cancel  send(ctx, v), send_for(v, d), or select with a second case.
  /// Order   the send happens before the receive of this value completes (MM-2); on an unbuffered
  ///         channel the receive happens before send returns (MM-3); with capacity c the k-th
  ///         receive happens before the (k+c)-th send returns (MM-4).
  /// Errors  closed_channel if the channel is closed before or while waiting; v is unchanged then.
  ///         What copying v throws, before anything happened. With lost_wait_action::wake, also
  ///         abandoned_channel; v is unchanged.
  /// Cost    O(1), no allocation.   Threads any number of senders and receivers, any thread.
  /// Go      chan.go:chansend; CH-2..6, CH-8, CH-10.   Test  unit/channels/chan_test.cpp
  // Inline, as what recv() does: each call that is open when a goroutine waits is one more return
  // that is mispredicted when another one goes on (decision 022).
  [[gnu::always_inline]] void send(T&& v) const {
    chan_core* c = handle().core();
    if (c == nullptr) [[unlikely]] {
      park_forever(wait_reason::chan_send_nil);
    }
    c->lock().lock();
    if (c->can_buffer()) [[likely]] {
      ::new (static_cast<void*>(c->push_slot(element_of<T>.size))) T(std::move(v));
      c->lock().unlock();
    } else if (!(c->watched()
                     ? c->send_watched_and_unlock(std::addressof(v), {handle().core_place()})
                     : c->send_and_unlock(std::addressof(v)))) {
      throw_send_closed();
    }
  }
  void send(const T& v) const requires std::is_copy_constructible_v<T> { send(T(v)); }

  /// Sends v if that is possible without waiting: ok, would_block (also on nil), closed. v is
  /// moved from only when ok.
  /// Blocks  no.   Order  as send().   Go  select with one send and a default; CH-21, SE-16.
  chan_status try_send(T&& v) const noexcept {
    chan_core* c = handle().core();
    return c != nullptr ? c->try_send(std::addressof(v)) : chan_status::would_block;
  }
  chan_status try_send(T& v) const noexcept { return try_send(std::move(v)); }
  chan_status try_send(const T& v) const requires std::is_copy_constructible_v<T> {
    return try_send(T(v));
  }

  /// send() that gives up after d, or at t, a point of std::chrono::steady_clock: ok, closed (no
  /// exception) or timeout. v is moved from only when ok. Tries at least once, whatever the time.
  template <class V, class Rep, class Period>
  chan_status send_for(V&& v, const std::chrono::duration<Rep, Period>& d) const requires
      can_send_as<T, V> {
    return send_limited(std::forward<V>(v), [&] { return wait_limit{deadline_after(d), nullptr}; });
  }
  template <class V, class Clock, class Duration>
  chan_status send_until(V&& v, const std::chrono::time_point<Clock, Duration>& t) const requires
      can_send_as<T, V> {
    return send_limited(std::forward<V>(v), [&] { return wait_limit{deadline_at(t), nullptr}; });
  }
  /// send() that gives up when ctx is done: ok, closed (no exception) or canceled (then ctx.err()
  /// says why). v is moved from only when ok. With a context that is done already nothing is sent.
  template <cancelable Context, class V>
  chan_status send(const Context& ctx, V&& v) const requires can_send_as<T, V> {
    if (ctx.err()) {
      return chan_status::canceled;
    }
    return send_limited(std::forward<V>(v), [&] { return wait_limit{never, signal_of(ctx)}; });
  }

  /// No more values: receivers drain the buffer, then see the end; all who wait are woken,
  /// senders with closed_channel (CH-8..11).
  /// Blocks  no.   Order  happens before a receive that reports the end (MM-5).
  /// Errors  nil_channel, closed_channel; nothing changes.   Cost  O(waiters).
  /// Go      chan.go:closechan.
  void close() const {
    chan_core* c = handle().core();
    if (c == nullptr) {
      throw_close_nil();
    }
    if (!c->close()) {
      throw_close_closed();
    }
  }

 private:
  template <class V, class Limit>
  chan_status send_limited(V&& v, Limit limit) const {
    if constexpr (std::is_same_v<V, T> || std::is_same_v<V, T&>) {
      const chan_status s = try_send(std::move(v));
      if (s != chan_status::would_block) {
        return s;
      }
      chan_core* c = handle().core();
      return c != nullptr ? c->send_limited(std::addressof(v), limit(), {handle().core_place()})
                          : wait_on_nil(wait_reason::chan_send_nil, limit());
    } else {
      return send_limited(T(std::forward<V>(v)), limit);
    }
  }
  const chan_handle<T>& handle() const noexcept { return static_cast<const Handle&>(*this); }
};

template <class T, class V>
concept can_recv_as = std::same_as<V, std::optional<T>> ||
    (std::same_as<V, T>&& std::is_move_assignable_v<T>);

/// The receiving half of the interface.
template <class T, class Handle>
class receiver {
 public:
  /// Receives the next value; parks until there is one. nullopt: closed and drained (CH-13).
  /// Blocks  goroutine (or the foreign thread); for ever on a nil channel (CH-7).
  /// Cancel  recv(ctx, v), recv_for(v, d), or select with a second case.
  /// Order   see send(); the close happens before a receive that returns nullopt (MM-5).
  /// Errors  none (std::bad_alloc on a foreign thread's first wait); with lost_wait_action::wake,
  ///         abandoned_channel.
  /// Cost    O(1), no allocation.   Threads any.
  /// Go      chan.go:chanrecv; CH-3..8.   Test  unit/channels/chan_test.cpp
  std::optional<T> recv() const {
    return recv_through([&] { return handle_place{handle().core_place()}; });
  }

  /// Receives into v if that is possible without waiting: ok, would_block (also on nil), closed
  /// (and drained). v is assigned only when ok.
  /// Blocks  no.   Order  as recv().   Go  select with one receive and a default; CH-21, SE-16.
  chan_status try_recv(T& v) const
      noexcept(std::is_nothrow_move_assignable_v<T>) requires std::is_move_assignable_v<T> {
    return try_recv_by(v);
  }
  chan_status try_recv(std::optional<T>& v) const noexcept { return try_recv_by(v); }

  /// recv() that gives up after d, or at t, a point of std::chrono::steady_clock: ok, closed (and
  /// drained) or timeout. v (a T or a std::optional<T>) is assigned only when ok. Tries at least
  /// once.
  template <class V, class Rep, class Period>
  chan_status recv_for(V& v, const std::chrono::duration<Rep, Period>& d) const requires
      can_recv_as<T, V> {
    return recv_limited(v, [&] { return wait_limit{deadline_after(d), nullptr}; });
  }
  template <class V, class Clock, class Duration>
  chan_status recv_until(V& v, const std::chrono::time_point<Clock, Duration>& t) const requires
      can_recv_as<T, V> {
    return recv_limited(v, [&] { return wait_limit{deadline_at(t), nullptr}; });
  }
  /// recv() that gives up when ctx is done: ok, closed (and drained) or canceled (then ctx.err()
  /// says why). v (a T or a std::optional<T>) is assigned only when ok. With a context that is done
  /// already nothing is received. Loop: while (c.recv(ctx, v) == chan_status::ok) ...
  template <cancelable Context, class V>
  chan_status recv(const Context& ctx, V& v) const requires can_recv_as<T, V> {
    if (ctx.err()) {
      return chan_status::canceled;
    }
    return recv_limited(v, [&] { return wait_limit{never, signal_of(ctx)}; });
  }

  /// for (T& v : c): receives until closed and drained (CH-14). Leaving the loop early consumes
  /// nothing more.
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    T& operator*() const noexcept { return *value_; }
    T* operator->() const noexcept { return std::addressof(*value_); }
    iterator& operator++() {
      next();
      return *this;
    }
    void operator++(int) { next(); }
    friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
      return !it.value_.has_value();
    }

   private:
    friend class receiver;
    iterator(Handle from, const Handle* origin) : from_(std::move(from)), origin_(origin) {
      next();
    }
    void next() {
      std::optional<T> v = from_.recv_through([&] {
        return handle_place{from_.core_place(),
                            origin_ != nullptr ? origin_->core_place() : nullptr};
      });
      value_.reset();
      if (v) {
        value_.emplace(std::move(*v));
      }
    }
    Handle from_;
    const Handle* origin_;  // [lost] the handle that it was made from, or null
    mutable std::optional<T> value_;
  };
  /// Waits for the first value.
  iterator begin() const& {
    const auto& h = static_cast<const Handle&>(*this);
    return iterator(h, &h);
  }
  iterator begin() const&& { return iterator(static_cast<const Handle&>(*this), nullptr); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  // `place` says through which handles, if that is asked [lost]. Inline: see send().
  template <class Place>
  [[gnu::always_inline]] std::optional<T> recv_through(Place place) const {
    chan_core* c = handle().core();
    if (c == nullptr) [[unlikely]] {
      park_forever(wait_reason::chan_recv_nil);
    }
    c->lock().lock();
    if (c->can_unbuffer()) [[likely]] {
      T* at = reinterpret_cast<T*>(c->pop_slot(element_of<T>.size));
      std::optional<T> v(std::move(*at));
      at->~T();
      c->lock().unlock();
      return v;
    }
    slot<T> s;
    if (c->watched() ? c->recv_watched_and_unlock(s.room(), place())
                     : c->recv_and_unlock(s.room())) {
      return s.take();
    }
    return std::nullopt;
  }
  // `receive` constructs a T in the room, or says why not.
  template <class V, class Receive>
  chan_status recv_by(V& v, Receive receive) const {
    slot<T> room;
    const chan_status s = receive(handle().core(), room.room());
    if (s == chan_status::ok) {
      std::optional<T> got = room.take();
      if constexpr (std::is_same_v<V, std::optional<T>>) {
        v.reset();
        v.emplace(std::move(*got));
      } else {
        v = std::move(*got);
      }
    }
    return s;
  }
  template <class V>
  chan_status try_recv_by(V& v) const {
    return recv_by(v, [](chan_core* c, void* room) {
      return c != nullptr ? c->try_recv(room) : chan_status::would_block;
    });
  }
  template <class V, class Limit>
  chan_status recv_limited(V& v, Limit limit) const {
    const chan_status s = try_recv(v);
    return s != chan_status::would_block ? s : recv_by(v, [&](chan_core* c, void* room) {
      return c != nullptr ? c->recv_limited(room, limit(), {handle().core_place()})
                          : wait_on_nil(wait_reason::chan_recv_nil, limit());
    });
  }
  const chan_handle<T>& handle() const noexcept { return static_cast<const Handle&>(*this); }
};

}  // namespace detail

/// A channel: a cheap shared handle, captured by value; copies are the same channel (CH-19). A
/// default-made one is nil: its operations block for ever, in select it is never ready (CH-7).
/// T must be nothrow move constructible and nothrow destructible. T's move constructor, and the
/// destructor of a T that was moved from, may run while the channel is locked: they must not use
/// this channel. Any thread may use any operation at any time (CH-20); the handle itself must
/// not be assigned to or destroyed while an operation on it runs.
template <class T>
class chan : public detail::chan_handle<T>,
             public detail::sender<T, chan<T>>,
             public detail::receiver<T, chan<T>> {
 public:
  chan() noexcept = default;
  chan(std::nullptr_t) noexcept {}  // NOLINT: `chan<T> c = nullptr` disables a select case

 private:
  template <class U, std::integral Size>
  friend chan<U> make_chan(Size capacity);
  explicit chan(detail::chan_core* adopted) noexcept : detail::chan_handle<T>(adopted) {}
};

/// The sending end: implicit from chan<T>, never back (CH-12).
template <class T>
class send_chan : public detail::chan_handle<T>, public detail::sender<T, send_chan<T>> {
 public:
  send_chan() noexcept = default;
  send_chan(std::nullptr_t) noexcept {}                                      // NOLINT
  send_chan(const chan<T>& c) noexcept : detail::chan_handle<T>(c) {}        // NOLINT
  send_chan(chan<T>&& c) noexcept : detail::chan_handle<T>(std::move(c)) {}  // NOLINT
};

/// The receiving end: implicit from chan<T>, never back; it cannot close (CH-12).
template <class T>
class recv_chan : public detail::chan_handle<T>, public detail::receiver<T, recv_chan<T>> {
 public:
  recv_chan() noexcept = default;
  recv_chan(std::nullptr_t) noexcept {}                                      // NOLINT
  recv_chan(const chan<T>& c) noexcept : detail::chan_handle<T>(c) {}        // NOLINT
  recv_chan(chan<T>&& c) noexcept : detail::chan_handle<T>(std::move(c)) {}  // NOLINT

 private:
  friend struct detail::chan_access;  // makes the channels of timers
  explicit recv_chan(detail::chan_core* adopted) noexcept : detail::chan_handle<T>(adopted) {}
};

/// A new channel. capacity 0: unbuffered, a rendezvous; n: a buffer of n elements (CH-1).
/// Errors  bad_capacity when negative or too large to be stored; std::bad_alloc.
/// Go      chan.go:makechan.
template <class T, std::integral Size = std::ptrdiff_t>
chan<T> make_chan(Size capacity = 0) {
  if (!std::in_range<std::ptrdiff_t>(capacity)) {
    detail::throw_bad_capacity(std::to_string(capacity));
  }
  return chan<T>(
      detail::chan_core::make(static_cast<std::ptrdiff_t>(capacity), detail::element_of<T>));
}

}  // namespace weft

template <class T>
struct std::hash<weft::chan<T>> {
  std::size_t operator()(const weft::chan<T>& c) const noexcept { return c.hash(); }
};
template <class T>
struct std::hash<weft::send_chan<T>> {
  std::size_t operator()(const weft::send_chan<T>& c) const noexcept { return c.hash(); }
};
template <class T>
struct std::hash<weft::recv_chan<T>> {
  std::size_t operator()(const weft::recv_chan<T>& c) const noexcept { return c.hash(); }
};
