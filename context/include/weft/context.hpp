#pragma once
// context: cancellation, deadlines and values along a tree of calls.
//
//   weft::error fetch(const weft::context& parent) {
//     auto [ctx, cancel] = weft::with_timeout(parent, 2s);   // cancels when it goes out of scope
//     ...
//     weft::select(weft::recv(answers, [&](auto v) { ... }),
//                  weft::recv(ctx.done(), [&] { ... }));
//     return ctx.err();                                      // null, canceled, deadline_exceeded
//   }
//
// Pass a context as the first parameter; every wait of weft takes one. Cancelling a context makes
// it and all that were derived from it done before cancel() returns (CX-2). Another goroutine,
// woken by an ancestor, may for a moment still see a descendant that is not done (CX-3).
#include <weft/detail/cancelable.hpp>
#include <weft/detail/context_call.hpp>
#include <weft/detail/context_node.hpp>
#include <weft/detail/context_value.hpp>
#include <weft/exceptions.hpp>
#include <weft/go.hpp>

#include <chrono>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace weft {

class custom_context;

/// A shared handle to a context; copies are the same context. As wide as a pointer.
///
///                     not done            done                        never done (background, ...)
///   done()            open channel        the same channel, closed    nil
///   err(), cause()    null                why, for ever               null
///   A default-made or moved-from one refers to none: all but copying, comparing and destroying it
///   throws nil_context.
///
/// Threads any, at the same time; but not assigning to a handle that is in use.
/// Go      context.Context; CX-1..19.   Test  unit/context/context_test.cpp
class [[nodiscard]] context {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  context() noexcept = default;
  /// A user's implementation, as a context.
  /// Errors  misuse for a null pointer; what its done() and value() throw; std::bad_alloc.
  explicit context(std::shared_ptr<const custom_context> implementation);

  context(const context& o) noexcept : node_(o.node_) {
    if (node_ != nullptr) {
      node_->retain();
    }
  }
  context(context&& o) noexcept : node_(std::exchange(o.node_, nullptr)) {}
  context& operator=(context o) noexcept {
    std::swap(node_, o.node_);
    return *this;
  }
  ~context() {
    if (node_ != nullptr) {
      detail::release_node(node_);
    }
  }

  /// Closed when the context is done; the same channel each time, made at the first call; nil if it
  /// can never be done, which select takes as never ready (CX-1, CX-4).
  /// Blocks  no.   Errors  std::bad_alloc at the first call.   Cost  an allocation at the first
  /// call.
  recv_chan<unit> done() const {
    detail::context_node* p = node("done").provider();
    if (p == nullptr) {
      return {};
    }
    return p->can_cancel() ? static_cast<detail::cancel_node*>(p)->done_channel() : custom_done(p);
  }

  /// Null until it is done; then for ever weft::canceled or weft::deadline_exceeded, or what a
  /// user's context says.
  /// Blocks  no.   Order  cancel() happens before an err() that is not null.
  /// Cost    one load of a word that is written once: nothing shared is written (CX-19, U-14).
  error err() const {
    const detail::context_node* p = node("err, or a wait that takes a context").provider();
    if (p == nullptr) {
      return {};
    }
    return p->can_cancel() ? static_cast<const detail::cancel_node*>(p)->err() : custom_err(p);
  }

  /// When it will be done at the latest: the earliest of its own and its ancestors' deadlines.
  std::optional<time_point> deadline() const;

  /// The value that with_value() gave for this key: the nearest up the chain, or nullptr; it lives
  /// as long as this context. The key is the type K: of the value itself, or one that derives from
  /// context_key.
  /// Cost  O(depth), an address compared at each level.   Errors  what a user's value() throws;
  /// std::bad_alloc with several merged contexts above.   Go  Context.Value; CX-6.
  template <class K>
  const typename detail::mapped<K>::type* value() const {
    return static_cast<const typename detail::mapped<K>::type*>(
        detail::find_value(&node("value"), value_key::of<K>()));
  }
  /// The same by a key object, for custom_context::value().
  const void* value(value_key key) const { return detail::find_value(&node("value"), key); }

  /// What wait functions wait on: see <weft/detail/cancelable.hpp>. Null: never done.
  detail::done_signal* wake_source() const {
    detail::context_node* p = node("wake_source").provider();
    return p == nullptr || p->can_cancel() ? static_cast<detail::cancel_node*>(p)
                                           : detail::attach_point(p);
  }

  /// False: it refers to none.
  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// The same context?
  friend bool operator==(const context& a, const context& b) noexcept { return a.node_ == b.node_; }

 private:
  friend struct detail::context_access;
  explicit context(detail::context_node* adopted) noexcept : node_(adopted) {}

  detail::context_node& node(const char* who) const {
    if (node_ == nullptr) [[unlikely]] {
      detail::throw_nil_context(who);
    }
    return *node_;
  }
  static recv_chan<unit> custom_done(const detail::context_node* n);
  static error custom_err(const detail::context_node* n);

  detail::context_node* node_ = nullptr;
};

/// Cancels a context: when it is called and, at the latest, when it is destroyed. Move-only; a
/// moved-from or default-made one does nothing.
class [[nodiscard]] cancel_function {
 public:
  cancel_function() noexcept = default;
  cancel_function(cancel_function&& o) noexcept : node_(std::exchange(o.node_, nullptr)) {}
  cancel_function& operator=(cancel_function&& o) noexcept {
    cancel_function(std::move(o)).swap(*this);
    return *this;
  }
  ~cancel_function() {
    if (node_ != nullptr) {
      node_->cancel(canceled, canceled);
      detail::release_node(node_);
    }
  }

  /// Makes the context done with weft::canceled, unless it is done already. When this returns it
  /// is, and all that weft has derived from it (CX-2). Does not wait for those who use it.
  /// Blocks  no.   Cost  O(descendants).   Threads any, any number of times, at the same time.
  /// Go      context.CancelFunc; CX-2, CX-3.
  void operator()() const noexcept {
    if (node_ != nullptr) {
      node_->cancel(canceled, canceled);
    }
  }
  void swap(cancel_function& o) noexcept { std::swap(node_, o.node_); }

 private:
  friend struct detail::context_access;
  friend class cancel_cause_function;
  explicit cancel_function(detail::cancel_node* adopted) noexcept : node_(adopted) {}
  detail::cancel_node* node_ = nullptr;
};

/// The same, with a cause.
class [[nodiscard]] cancel_cause_function {
 public:
  cancel_cause_function() noexcept = default;

  /// As cancel_function; cause() of the context, and of those below it that were not done before,
  /// is this one; a null error: weft::canceled. The first call counts (CX-9).
  /// Go  context.CancelCauseFunc.
  void operator()(const error& cause = {}) const noexcept {
    if (cancel_.node_ != nullptr) {
      cancel_.node_->cancel(canceled, cause ? cause : canceled);
    }
  }
  void swap(cancel_cause_function& o) noexcept { cancel_.swap(o.cancel_); }

 private:
  friend struct detail::context_access;
  cancel_function cancel_;
};

/// What the with_ functions return: auto [ctx, cancel] = with_cancel(parent);
struct [[nodiscard]] cancelable_context {
  context ctx;
  cancel_function cancel;
};
struct [[nodiscard]] cancelable_cause_context {
  context ctx;
  cancel_cause_function cancel;
};

/// Never done, no deadline, no values: the root of a program's contexts; and the same for places
/// that do not have one yet.   Blocks  no.   Go  context.Background, context.TODO; CX-1.
context background() noexcept;
context todo_() noexcept;

/// A context that is done when cancel is called (or destroyed), or when the parent is done.
/// Blocks  no.   Errors  nil_context; std::bad_alloc; for a child of a user's context those of
///         weft::go.   Cost  one allocation, O(1).   Threads any, with or without a runtime.
/// Go      context.WithCancel; CX-2, CX-14, CX-16.   Test  unit/context/context_test.cpp
cancelable_context with_cancel(const context& parent);
/// The same; cancel(cause) says why.   Go  context.WithCancelCause; CX-9.
cancelable_cause_context with_cancel_cause(const context& parent);

namespace detail {
// `when` and `now` in nanoseconds, see now_ns().
cancelable_context derive_deadline(const context& parent, std::int64_t when, std::int64_t now,
                                   const error& cause, const char* who);
template <class Rep, class Period>
cancelable_context derive_timeout(const context& parent,
                                  const std::chrono::duration<Rep, Period>& d, const error& cause,
                                  const char* who) {
  const std::int64_t now = now_ns();
  const std::int64_t ns = to_ns(d);
  return derive_deadline(parent, ns >= never - now ? never : now + ns, now, cause, who);
}
}  // namespace detail

/// A context that is also done, with deadline_exceeded, at t, a point of std::chrono::steady_clock.
/// A time that is past: done at once. A parent with an earlier deadline: with_cancel (CX-7, CX-8).
/// Blocks  no.   Errors  as with_cancel; no_runtime when none is running (timers need one).
/// Cost    with_cancel and a timer, which cancel disarms.
/// Go      context.WithDeadline; CX-7, CX-8.
template <class Clock, class Duration>
cancelable_context with_deadline(const context& parent,
                                 const std::chrono::time_point<Clock, Duration>& t) {
  return detail::derive_deadline(parent, detail::deadline_at(t), detail::now_ns(), {},
                                 "with_deadline");
}
/// The same; if it is the deadline that ends it, this is the cause; a null error: as without.
/// Calling cancel gives weft::canceled.   Go  context.WithDeadlineCause; CX-10.
template <class Clock, class Duration>
cancelable_context with_deadline_cause(const context& parent,
                                       const std::chrono::time_point<Clock, Duration>& t,
                                       const error& cause) {
  return detail::derive_deadline(parent, detail::deadline_at(t), detail::now_ns(), cause,
                                 "with_deadline_cause");
}
/// The same, d from now; a d that is not positive: done at once; one whose end cannot be
/// represented: no deadline.   Go  context.WithTimeout.
template <class Rep, class Period>
cancelable_context with_timeout(const context& parent,
                                const std::chrono::duration<Rep, Period>& d) {
  return detail::derive_timeout(parent, d, {}, "with_timeout");
}
template <class Rep, class Period>
cancelable_context with_timeout_cause(const context& parent,
                                      const std::chrono::duration<Rep, Period>& d,
                                      const error& cause) {
  return detail::derive_timeout(parent, d, cause, "with_timeout_cause");
}

/// Why ctx is done: what the first cancellation of it, or of the ancestor that was cancelled,
/// gave as cause; otherwise its err(). Null if it is not done, and below without_cancel().
/// Blocks  no.   Go  context.Cause; CX-9..12.
error cause(const context& ctx);

/// Keeps the values of the parent, but is never done and has no deadline, even if the parent is
/// done already.   Go  context.WithoutCancel; CX-12.
context without_cancel(const context& parent);

/// The parent with a value. Its type is the key: define one for each purpose.
///   with_value(ctx, request_id{7}), then ctx.value<request_id>()
/// Blocks  no.   Errors  nil_context; std::bad_alloc; what copying the value throws.
/// Cost    one allocation, which holds the value, too.
/// Go      context.WithValue; CX-6.
template <class T>
requires(!detail::tag_key<T> && !std::same_as<T, std::nullopt_t>) context
    with_value(const context& parent, T value);
/// The same with a key that is not the value's type:
///   struct user_name : weft::context_key<std::string> {};
///   with_value<user_name>(ctx, "ann"), then ctx.value<user_name>()
template <detail::tag_key K>
context with_value(const context& parent, typename K::mapped_type value);
/// Hides the value of an outer context: value<K>() is null (CX-6).
template <class K>
context with_value(const context& parent, std::nullopt_t);

/// What after_func returns. Destroying it stops nothing.
class stop_function {
 public:
  stop_function() noexcept = default;
  stop_function(stop_function&& o) noexcept : call_(std::exchange(o.call_, nullptr)) {}
  stop_function& operator=(stop_function&& o) noexcept {
    stop_function taken(std::move(o));
    std::swap(call_, taken.call_);
    return *this;
  }
  ~stop_function() {
    if (call_ != nullptr) {
      call_->drop();
    }
  }
  /// True: this call has prevented f; f is destroyed. False: f was or will be run, or an earlier
  /// call has prevented it. Does not wait for f.
  /// Blocks  no.   Threads any, at the same time.   Go  context.AfterFunc; CX-13.
  bool stop() const noexcept { return call_ != nullptr && call_->stop(); }
  bool operator()() const noexcept { return stop(); }

 private:
  friend struct detail::context_access;
  explicit stop_function(detail::context_call* adopted) noexcept : call_(adopted) {}
  detail::context_call* call_ = nullptr;
};

/// Runs f() in a goroutine of its own once ctx is done: at once if it is. The registration holds
/// ctx until then, or until it is stopped; several are independent of each other.
/// Blocks  no.   Order  cancel() happens before f.
/// Errors  nil_context, null_function; no_runtime when none is running; those of weft::go if ctx is
///         done already. When no runtime runs any more at the time when ctx is done, f is destroyed
///         without being run, as goroutines are.
/// Cost    one allocation.   Go  context.AfterFunc; CX-13.   Test  unit/context/after_func_test.cpp
template <class F>
requires std::is_invocable_v<std::decay_t<F>> stop_function
after_func(const context& ctx, F&& f, std::source_location site = std::source_location::current());

/// Done when any of the contexts is, with its error and cause; its deadline is the earliest of
/// theirs; a value comes from the first that has it.
/// Blocks  no.   Errors  nil_context; misuse when there are none; as with_cancel.
/// Cost    three allocations, O(contexts).   Go  golang/go#36503 asks for it; U-14.
context merge(std::span<const context> contexts);
template <std::same_as<context>... More>
context merge(const context& first, const More&... more) {
  const context all[] = {first, more...};
  return merge(std::span<const context>(all));
}

/// A context that is done, with weft::canceled, when a stop is requested, too. It is cancelled on
/// the thread that requests the stop, before request_stop() returns.
/// Errors, Cost, Threads  as with_cancel.   Test  unit/context/stop_token_test.cpp
cancelable_context with_stop_token(const context& parent, std::stop_token token);
/// A token of which a stop is requested once ctx is done; the same state each time. Its callbacks
/// run in a goroutine of their own, or on the canceller's thread when no runtime is running; so
/// stop_requested() may still be false when cancel() returns. ctx is held until it is done. A
/// context that is never done: a token for which no stop is possible.
/// Errors  nil_context; std::bad_alloc; for a user's context those of weft::go.
std::stop_token stop_token_of(const context& ctx);

/// The base of a user's implementation of contexts. Wrap it: context(std::make_shared<mine>(...)).
/// All functions may be called by any thread at any time.
///
/// Contexts derived from it are told by a goroutine that waits for done(), one for each context
/// object made of the implementation, from the first derivation until it is done or nobody holds
/// the object. None is needed if done() is that of one of weft's contexts, unchanged, and value()
/// forwards to that context; nor if after_func() is offered.
/// Go  context.Context as an interface; CX-15.   Test  unit/context/custom_test.cpp
class custom_context {
 public:
  virtual ~custom_context() = default;
  /// The same channel each time; closed once; nil if it is never done.
  virtual recv_chan<unit> done() const = 0;
  /// Not null once done() is closed. (If it is, waits that this has ended and contexts derived from
  /// it get weft::canceled.)
  virtual error err() const = 0;
  virtual std::optional<context::time_point> deadline() const { return std::nullopt; }
  /// `return key.is<mine>() ? &mine_ : inner_.value(key);` nullptr: there is none.
  virtual const void* value(value_key /*key*/) const { return nullptr; }
  /// Arranges for f to be called, once, after this is done; returns what stops that, if it still
  /// can. An empty result: not offered.
  virtual std::function<bool()> after_func(std::function<void()> /*f*/) const { return nullptr; }
  /// What to_string() shows.
  virtual std::string name() const { return "custom"; }

 protected:
  custom_context() = default;
  custom_context(const custom_context&) = default;
  custom_context& operator=(const custom_context&) = default;
};

/// How the context was derived: "context.background.with_cancel.with_deadline(in 1.9s)".
/// Errors  nil_context; std::bad_alloc.   Go  the String methods; CX-20.
std::string to_string(const context& ctx);
std::ostream& operator<<(std::ostream& out, const context& ctx);

// ---- implementation of the templates ----

namespace detail {

struct context_access {
  static context_node& node(const context& c, const char* who) { return c.node(who); }
  static context adopt(context_node* n) noexcept { return context(n); }
  /// Takes over one reference, and takes one more.
  static cancelable_context pair(cancel_node* n) noexcept {
    n->retain();
    return {context(n), cancel_function(n)};
  }
  static cancelable_cause_context cause_pair(cancel_node* n) noexcept {
    n->retain();
    cancel_cause_function f;
    f.cancel_ = cancel_function(n);
    return {context(n), std::move(f)};
  }
  static stop_function stopper(context_call* c) noexcept { return stop_function(c); }
};

template <class K, class T>
context derive_value(const context& parent, T&& value) {
  using stored = typename mapped<K>::type;
  const context_node& above = context_access::node(parent, "with_value");
  return context_access::adopt(
      new typed_value_node<stored>(&above, value_key::of<K>(), std::forward<T>(value)));
}

}  // namespace detail

template <class T>
requires(!detail::tag_key<T> && !std::same_as<T, std::nullopt_t>) context
    with_value(const context& parent, T value) {
  return detail::derive_value<T>(parent, std::move(value));
}
template <detail::tag_key K>
context with_value(const context& parent, typename K::mapped_type value) {
  return detail::derive_value<K>(parent, std::move(value));
}
template <class K>
context with_value(const context& parent, std::nullopt_t) {
  return detail::context_access::adopt(detail::make_empty_value(
      &detail::context_access::node(parent, "with_value"), value_key::of<K>()));
}

template <class F>
requires std::is_invocable_v<std::decay_t<F>> stop_function after_func(const context& ctx, F&& f,
                                                                       std::source_location site) {
  detail::context_node& node = detail::context_access::node(ctx, "after_func");
  if (detail::is_null(f)) {
    throw null_function("weft: after_func: the function is null");
  }
  auto* call = new detail::typed_context_call<std::decay_t<F>>(std::forward<F>(f), site);
  detail::register_call(node, call);  // takes `call` over, also when it throws
  return detail::context_access::stopper(call);
}

}  // namespace weft
