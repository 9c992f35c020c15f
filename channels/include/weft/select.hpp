#pragma once
// Waiting for several channel operations at once: select, select_biased, recv, send, otherwise.
#include <weft/chan.hpp>
#include <weft/detail/select_core.hpp>
#include <weft/detail/solo.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft {
namespace detail {

struct case_tag {};

template <class C>
concept a_case = std::derived_from<std::remove_cvref_t<C>, case_tag>;

/// "Nothing to do": the handler of a case without one.
struct no_handler {};

/// receive. Handle is a reference for an lvalue channel, a value for a temporary.
template <class T, class Handle, class Handler>
class recv_case : public case_tag {
 public:
  static constexpr bool is_default = false;
  recv_case(Handle from, Handler handler)
      : from_(std::forward<Handle>(from)), handler_(std::forward<Handler>(handler)) {}

  select_entry entry() noexcept {
    return {from_.core(), slot_.room(), select_op::recv, 0, from_.core_place()};
  }

  bool may_go() const noexcept { return from_.core() != nullptr && from_.core()->may_recv(); }

  void finish(bool closed) {
    if constexpr (std::is_same_v<std::remove_cvref_t<Handler>, std::optional<T>>) {
      handler_.reset();
      if (!closed) {
        handler_.emplace(std::move(*slot_.take()));
      }
    } else {
      std::optional<T> v;
      if (!closed) {
        v.emplace(std::move(*slot_.take()));
      }
      if constexpr (std::is_invocable_v<Handler&, std::optional<T>>) {
        std::invoke(handler_, std::move(v));
      } else if constexpr (!std::is_same_v<Handler, no_handler>) {
        std::invoke(handler_);
      }
    }
  }

  // What a run-time list keeps: it owns its channel and its handler.
  auto keep() && {
    using kept = recv_case<T, std::remove_cvref_t<Handle>, Handler>;
    return std::make_unique<kept>(std::forward<Handle>(from_), std::forward<Handler>(handler_));
  }

 private:
  Handle from_;
  Handler handler_;
  slot<T> slot_;
};

/// send. Value is a reference for an lvalue, a value for a temporary.
template <class T, class Handle, class Value, class Handler>
class send_case : public case_tag {
 public:
  static constexpr bool is_default = false;
  send_case(Handle to, Value value, Handler handler)
      : to_(std::forward<Handle>(to)),
        value_(std::forward<Value>(value)),
        handler_(std::forward<Handler>(handler)) {}

  select_entry entry() noexcept {
    return {to_.core(), const_cast<std::remove_const_t<T>*>(std::addressof(value_)),
            select_op::send, 0, to_.core_place()};
  }

  bool may_go() const noexcept { return to_.core() != nullptr && to_.core()->may_send(); }

  void finish(bool closed) {
    if (closed) {
      throw_send_closed();
    }
    if constexpr (!std::is_same_v<Handler, no_handler>) {
      std::invoke(handler_);
    }
  }

  auto keep() && {
    using kept = send_case<T, std::remove_cvref_t<Handle>, Value, Handler>;
    return std::make_unique<kept>(std::forward<Handle>(to_), std::forward<Value>(value_),
                                  std::forward<Handler>(handler_));
  }

 private:
  Handle to_;
  Value value_;
  Handler handler_;
};

template <class Handler>
class default_case : public case_tag {
 public:
  static constexpr bool is_default = true;
  explicit default_case(Handler handler) : handler_(std::forward<Handler>(handler)) {}
  select_entry entry() noexcept { return {}; }
  bool may_go() const noexcept { return false; }
  void finish(bool) {
    if constexpr (!std::is_same_v<Handler, no_handler>) {
      std::invoke(handler_);
    }
  }
  auto keep() && { return std::make_unique<default_case>(std::forward<Handler>(handler_)); }

 private:
  Handler handler_;
};

/// timeout. It is no channel's case: the core waits no longer than until its time.
template <class Handler>
class timeout_case : public case_tag {
 public:
  static constexpr bool is_default = false;
  timeout_case(select_op op, std::int64_t time, Handler handler)
      : op_(op), time_(time), handler_(std::forward<Handler>(handler)) {}
  select_entry entry() noexcept { return {nullptr, nullptr, op_, time_, nullptr}; }
  bool may_go() const noexcept { return true; }  // the clock decides
  void finish(bool) {
    if constexpr (!std::is_same_v<Handler, no_handler>) {
      std::invoke(handler_);
    }
  }
  auto keep() && {
    return std::make_unique<timeout_case>(op_, time_, std::forward<Handler>(handler_));
  }

 private:
  select_op op_;
  std::int64_t time_;
  Handler handler_;
};

template <class H>
using element_t = typename std::remove_cvref_t<H>::value_type;

template <class H>
concept can_receive = std::same_as<std::remove_cvref_t<H>, chan<element_t<H>>> ||
    std::same_as<std::remove_cvref_t<H>, recv_chan<element_t<H>>>;
template <class H>
concept can_send = std::same_as<std::remove_cvref_t<H>, chan<element_t<H>>> ||
    std::same_as<std::remove_cvref_t<H>, send_chan<element_t<H>>>;

// [chan.8] True: none can go, all seen at one instant, since this worker is alone.
template <class... Cases>
bool none_can_go(const Cases&... cases) noexcept {
  constexpr std::size_t few = 64;  // others wait for the end of the section
  if constexpr (sizeof...(Cases) <= few) {
    const solo_section alone;
    return alone && !(cases.may_go() || ...);
  }
  return false;
}

template <class... Cases>
select_result select_any(select_options options, Cases&... cases) {
  constexpr std::size_t n = sizeof...(Cases);
  constexpr std::size_t places = n != 0 ? n : 1;
  select_entry entries[places] = {cases.entry()...};
  std::uint32_t order[places];
  chan_core* locks[places];
  union {
    char none;
    waiter waiters[places];
  } room{};
  return select_core(entries, n, options, {order, locks, room.waiters});
}

template <class... Cases>
std::size_t select_static(bool biased, Cases&... cases) {
  constexpr std::size_t n = sizeof...(Cases);
  constexpr std::size_t defaults = (std::size_t{0} + ... + (Cases::is_default ? 1 : 0));
  static_assert(defaults <= 1, "weft: a select has at most one otherwise()");
  static_assert(n <= max_select_cases, "weft: a select has at most 65536 cases");
  select_result r(select_result::took_default);
  if (defaults == 0 || !none_can_go(cases...)) {
    r = select_any({biased, defaults != 0}, cases...);
  }
  std::size_t index = 0;
  std::size_t won = 0;
  [[maybe_unused]] const auto settle = [&](auto& c) {
    const bool mine = r.index() == select_result::took_default ? c.is_default : r.index() == index;
    if (mine) {
      won = index;
    }
    ++index;
    return mine;
  };
  // The first case that went is settled; the others are not looked at any more.
  (void)((settle(cases) && (cases.finish(r.closed()), true)) || ...);
  return won;
}

}  // namespace detail

/// A case that receives from c. The handler takes a std::optional<T> (nullopt: closed and
/// drained) or nothing; without one the value is dropped. A nil channel is never ready.
template <detail::can_receive C>
auto recv(C&& c) {
  return detail::recv_case<detail::element_t<C>, C, detail::no_handler>(std::forward<C>(c), {});
}
template <detail::can_receive C, class Handler>
requires(!std::same_as<std::remove_cvref_t<Handler>,
                       std::optional<detail::element_t<C>>>) auto recv(C&& c, Handler&& handler) {
  using T = detail::element_t<C>;
  static_assert(std::is_invocable_v<Handler&, std::optional<T>> || std::is_invocable_v<Handler&>,
                "weft: the handler of recv(c, handler) takes a std::optional<T> or nothing");
  return detail::recv_case<T, C, Handler>(std::forward<C>(c), std::forward<Handler>(handler));
}
/// Receives into v, as Go's `case v, ok = <-c`. v is written only if this case is chosen (SE-1).
template <detail::can_receive C>
auto recv(C&& c, std::optional<detail::element_t<C>>& v) {
  using T = detail::element_t<C>;
  return detail::recv_case<T, C, std::optional<T>&>(std::forward<C>(c), v);
}

/// A case that sends v on c. v is evaluated now; a modifiable lvalue is moved from, and only if
/// this case is chosen; a constant one is copied now. On a closed channel the case is ready, and
/// select throws closed_channel if it is chosen (SE-6).
template <detail::can_send C, class V, class Handler = detail::no_handler>
requires(std::same_as<V, detail::element_t<C>&> ||
         std::constructible_from<detail::element_t<C>, V>) auto send(C&& c, V&& v,
                                                                     Handler&& handler = {}) {
  using T = detail::element_t<C>;
  if constexpr (std::is_same_v<V, T&>) {
    return detail::send_case<T, C, T&, Handler>(std::forward<C>(c), v,
                                                std::forward<Handler>(handler));
  } else {
    return detail::send_case<T, C, T, Handler>(std::forward<C>(c), T(std::forward<V>(v)),
                                               std::forward<Handler>(handler));
  }
}

/// Go's default: taken if no other case is ready at one instant (SE-4).
template <class Handler = detail::no_handler>
auto otherwise(Handler&& handler = {}) {
  return detail::default_case<Handler>(std::forward<Handler>(handler));
}

/// Goes when the select has waited for d, counted from the moment at which it finds that it must
/// wait; d <= 0: at once if no other case can go. Needs no channel and no allocation; the clock is
/// read only by a select that waits. In a run-time list d counts anew each time. Of several
/// timeouts the first in time goes. Go  case <-time.After(d); U-12.
template <class Rep, class Period, class Handler = detail::no_handler>
auto timeout(const std::chrono::duration<Rep, Period>& d, Handler&& handler = {}) {
  return detail::timeout_case<Handler>(detail::select_op::timeout_after, detail::to_ns(d),
                                       std::forward<Handler>(handler));
}
/// Goes at t, a point of std::chrono::steady_clock; if that is past, at once if no other case can
/// go.
template <class Clock, class Duration, class Handler = detail::no_handler>
auto timeout(const std::chrono::time_point<Clock, Duration>& t, Handler&& handler = {}) {
  return detail::timeout_case<Handler>(detail::select_op::timeout_at, detail::deadline_at(t),
                                       std::forward<Handler>(handler));
}

/// Waits until one of the cases can go, does it, runs its handler and returns its index. Ready
/// cases are chosen uniformly at random (SE-2); exactly one has an effect (SE-8). select() with
/// no cases blocks for ever (SE-5).
/// Blocks  goroutine (or the foreign thread), unless there is an otherwise().
/// Cancel  add a case that receives from ctx.done(), or a timeout().
/// Order   that of the operation that was chosen.
/// Errors  closed_channel if a send on a closed channel is chosen; what a handler throws: then
///         the operation has happened. With lost_wait_action::wake, abandoned_channel: then nothing
///         has.
/// Cost    O(cases); no allocation.   Threads any.
/// Go      select.go:selectgo; SE-1..16.   Test  unit/channels/select_test.cpp
template <detail::a_case... Cases>
std::size_t select(Cases&&... cases) {
  return detail::select_static(false, cases...);
}

/// The same, but among ready cases the first in source order goes (SE-15, U-7).
template <detail::a_case... Cases>
std::size_t select_biased(Cases&&... cases) {
  return detail::select_static(true, cases...);
}

/// A case of a run-time list (SE-14): made from what recv(), send(), timeout() and otherwise()
/// return. It owns its handler and keeps its channel; lvalues given to send() and recv() are
/// referred to. May be used again after a select.
class select_case {
 public:
  template <detail::a_case C>
  select_case(C&& c)  // NOLINT: cases.push_back(weft::recv(c, v))
      : impl_(make(std::forward<C>(c))) {}

  bool is_default() const noexcept { return impl_->is_default(); }
  detail::select_entry entry() noexcept { return impl_->entry(); }
  void finish(bool closed) { impl_->finish(closed); }

 private:
  struct base {
    virtual ~base() = default;
    virtual bool is_default() const noexcept = 0;
    virtual detail::select_entry entry() noexcept = 0;
    virtual void finish(bool closed) = 0;
  };
  template <class Kept>
  struct holder final : base {
    explicit holder(std::unique_ptr<Kept> c) : kept(std::move(c)) {}
    bool is_default() const noexcept override { return Kept::is_default; }
    detail::select_entry entry() noexcept override { return kept->entry(); }
    void finish(bool closed) override { kept->finish(closed); }
    std::unique_ptr<Kept> kept;
  };
  template <class C>
  static std::unique_ptr<base> make(C&& c) {
    auto kept = std::move(c).keep();
    return std::make_unique<holder<typename decltype(kept)::element_type>>(std::move(kept));
  }
  std::unique_ptr<base> impl_;
};

/// Select over a run-time list. As above, and further: misuse when there are more than 65536
/// cases or more than one otherwise(); std::bad_alloc. Allocates for more than 16 cases.
/// Go  reflect.Select; SE-14.
std::size_t select(std::span<select_case> cases);
std::size_t select_biased(std::span<select_case> cases);

inline std::size_t select(std::vector<select_case>& cases) {
  return select(std::span<select_case>(cases));
}
inline std::size_t select_biased(std::vector<select_case>& cases) {
  return select_biased(std::span<select_case>(cases));
}

}  // namespace weft
