#pragma once
// errgroup: goroutines that work on one thing, and the error that is known when all have ended.
//
//   auto [group, ctx] = weft::errgroup::with_context(parent);
//   for (const url& u : urls) {
//     group.go([&, u] { return fetch(ctx, u); });    // or a void function that may throw
//   }
//   if (weft::error err = group.wait()) ...          // the first; ctx has told the others
#include <weft/chan.hpp>
#include <weft/context.hpp>
#include <weft/detail/atomic.hpp>
#include <weft/error.hpp>
#include <weft/exceptions.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft {

namespace detail {

template <class F, class... Args>
concept returns_error_or_nothing = std::is_invocable_v<F&, Args...> &&
    (std::is_void_v<std::invoke_result_t<F&, Args...>> ||
     std::convertible_to<std::invoke_result_t<F&, Args...>, error>);
template <class F>
concept takes_context = returns_error_or_nothing<F, const context&>;
/// What a group runs: f() or f(ctx), returning an error or nothing.
template <class F>
concept group_task = returns_error_or_nothing<std::decay_t<F>> || takes_context<std::decay_t<F>>;

template <class F, class... Args>
error call_for_error(F& f, Args&&... args) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&, Args...>>) {
    std::invoke(f, std::forward<Args>(args)...);
    return {};
  } else {
    return std::invoke(f, std::forward<Args>(args)...);
  }
}
/// With the context if the task takes one.
template <class F>
error call_task(F& f, const context& ctx) {
  if constexpr (takes_context<F>) {
    return call_for_error(f, ctx);
  } else {
    return call_for_error(f);
  }
}

}  // namespace detail

/// Exceptions. A task that throws has failed like one that returns an error: the exception becomes
/// the group's error (error::current()), the context is cancelled at once, and wait() returns it;
/// use err.rethrow() or as<E>(err). Go lets the process die instead (EG-7), for a panic may lie
/// hidden until a wait() that never comes; here the siblings are told at once, and a group that is
/// destroyed without wait() after a task has thrown ends the program with the exception's text
/// (docs/decisions/008). goexit in a task is its end without an error.
///
/// Destruction waits: no task outlives what it refers to. Those that run still are cancelled
/// first. Not copyable, not movable: tasks refer to it.
///
/// Threads  go, try_go and wait from any goroutine or thread, at the same time; from inside a task,
///          too, but a go() that waits for a place there may wait for itself.
/// Go       golang.org/x/sync/errgroup; EG-1..8.   Test  unit/context/errgroup_test.cpp
class errgroup {
 public:
  /// Which error wait() returns.
  enum class collect {
    first,  ///< the first by time; it cancels the context (EG-3)
    all,    ///< all, joined, in the order in which they came; none of them cancels the context
  };
  static constexpr collect all_errors = collect::all;

  /// Without a context of its own.   Go  the zero Group.
  explicit errgroup(collect what = collect::first) noexcept : collect_(what) {}
  errgroup(const errgroup&) = delete;
  errgroup& operator=(const errgroup&) = delete;
  ~errgroup();

  /// A group, and the context of its tasks: cancelled with the first error as cause, and at the
  /// latest when wait() returns; then its cause is weft::canceled unless a task has failed (EG-2).
  /// Errors  nil_context; std::bad_alloc.   Go  errgroup.WithContext.
  struct grouped;
  static grouped with_context(const context& parent, collect what = collect::first);

  /// Runs f in a goroutine of its own: f() or f(ctx), with the group's context; it returns a
  /// weft::error or nothing, and may throw. f is decay-copied now. At the limit it waits for a
  /// place, whatever the context says (EG-6). After wait() the group may go on, with the error that
  /// it has, and a context that is done.
  /// Blocks  goroutine, at the limit only.   Cancel  go(ctx, f).
  /// Errors  null_function, and those of weft::go: nothing has changed then.
  /// Go      Group.Go; EG-1, EG-4.
  template <detail::group_task F>
  void go(F&& f, std::source_location site = std::source_location::current()) {
    check_task(detail::is_null(f));
    if (slots_) {
      slots_.send({});
    }
    start(std::forward<F>(f), site);
  }
  /// The same, but it gives up when ctx is done, at the limit or before: f is not run then, and
  /// ctx.err() is returned. A null error: f runs.   Go  EG-6 asks for it; U-16.
  template <detail::group_task F>
  [[nodiscard]] error go(const context& ctx, F&& f,
                         std::source_location site = std::source_location::current()) {
    check_task(detail::is_null(f));
    if (error e = ctx.err()) {
      return e;
    }
    if (slots_ && slots_.send(ctx, unit{}) != chan_status::ok) {
      return ctx.err();
    }
    start(std::forward<F>(f), site);
    return {};
  }
  /// The same if no place has to be waited for; false: f was not run.   Go  Group.TryGo; EG-5.
  template <detail::group_task F>
  [[nodiscard]] bool try_go(F&& f, std::source_location site = std::source_location::current()) {
    check_task(detail::is_null(f));
    if (slots_ && slots_.try_send(unit{}) != chan_status::ok) {
      return false;
    }
    start(std::forward<F>(f), site);
    return true;
  }

  /// Waits until all tasks have ended; then cancels the context and returns the error, the same
  /// each time. The first go() must come before it (WG-2).
  /// Blocks  goroutine (or the foreign thread).   Cancel  wait(ctx).
  /// Order   the end of each task happens before wait() returns.
  /// Go      Group.Wait; EG-1, EG-2.
  error wait();
  /// The same, but it gives up when ctx is done and returns ctx.err(); the tasks go on, and wait()
  /// must be called again, or will be by the destructor.
  error wait(const context& ctx);

  /// At most n tasks at once; 0: none, so that go() waits for ever; negative: no limit, as at
  /// first. Not beside a go().
  /// Errors  misuse while tasks run: their places could not be counted (EG-4).
  /// Go      Group.SetLimit.
  void set_limit(std::ptrdiff_t n);

  /// The tasks' context; background() if the group has none of its own.
  const context& ctx() const noexcept { return ctx_; }
  /// Cancels it; what the tasks then return is an error like any other.
  void cancel(const error& cause = {}) const noexcept { cancel_(cause); }

 private:
  friend class scope;  // reports the error of its body

  errgroup(cancelable_cause_context own, collect what) noexcept
      : collect_(what), ctx_(std::move(own.ctx)), cancel_(std::move(own.cancel)) {}

  template <class F>
  void start(F&& f, std::source_location site) {
    begin();
    try {
      weft::go(
          [this, f = std::decay_t<F>(std::forward<F>(f))]() mutable {
            struct finally {
              errgroup* group;
              ~finally() { group->end(); }
            } ended{this};
            auto own = std::move(f);  // its captures are gone before the task counts as ended
            try {
              report(detail::call_task(own, ctx_));
            } catch (...) {
              report(error::current(), origin::thrown);  // goexit goes on from here
            }
          },
          site);
    } catch (...) {
      end();
      throw;
    }
  }

  static void check_task(bool null) {
    if (null) {
      throw null_function("weft: errgroup: go: the function is null");
    }
  }
  void begin() noexcept;
  void end() noexcept;
  enum class origin : bool { returned, thrown };
  void report(error e, origin how = origin::returned);
  error finish();

  const collect collect_;
  context ctx_ = background();
  cancel_cause_function cancel_;
  chan<unit> slots_;  // nil: no limit; a task holds an element
  // Tasks that have not ended. Written by all, read by set_limit().
  detail::atomic<std::int64_t> active_{0};
  mutex lock_;               // guards the next three
  error first_;              // by time
  std::vector<error> more_;  // if all are collected
  bool thrown_ = false;      // one of them was thrown, and has not been handed out
  wait_group tasks_;
};

struct [[nodiscard]] errgroup::grouped {
  errgroup group;
  context ctx;
};

}  // namespace weft
