#pragma once
// singleflight: several callers want the same thing at the same time; one gets it for all.
//
//   weft::singleflight<std::string, page> pages;
//   ...
//   auto [value, err, shared] = pages.do_(url, [&] { return fetch(url); });
#include <weft/chan.hpp>
#include <weft/detail/cancelable.hpp>
#include <weft/detail/goexit.hpp>
#include <weft/error.hpp>
#include <weft/exceptions.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weft {

/// What a flight brought. A function that may fail returns this itself: {.err = e}.
template <class V>
struct singleflight_result {
  std::optional<V> value = std::nullopt;  ///< what the function returned
  error err = nullptr;                    ///< or why there is nothing
  bool shared = false;                    ///< was there more than one to get it (SF-1)
};

namespace detail {
/// Can be called without arguments, here or from a copy.
template <class F>
concept function_object = requires(std::decay_t<F>& f) {
  std::invoke(f);
};
}  // namespace detail

/// Calls in flight by key. A key is forgotten when its call has ended: this is no cache.
///
/// The function returns a V, or a singleflight_result<V>; each caller gets a copy: let V be a
/// std::shared_ptr if that is dear. It runs with no lock held, so it may use the same singleflight,
/// with another key. Hash, Equal and copying a K happen under a lock and must not use this object;
/// Hash and Equal must not throw. The object may be destroyed while calls are in flight that were
/// begun by do_(ctx, ...) or do_chan(); other calls of it must have returned.
///
/// A function that does not return (SF-4):
///              | do_(key, f)          do_(ctx, key, f)     do_chan(key, f)
///  throws      | throws the same      throws the same      the program ends, with a crash report
///  goexit()    | goexit()             goexit()             nothing is sent
/// The program also ends if it throws and all who could have caught it have stopped waiting.
template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
requires std::copy_constructible<K> && std::copy_constructible<V>
class singleflight {
 public:
  using result = singleflight_result<V>;

  singleflight() : state_(std::make_shared<state>()) {}
  explicit singleflight(Hash hash, Equal equal = Equal())
      : state_(std::make_shared<state>(std::move(hash), std::move(equal))) {}
  singleflight(const singleflight&) = delete;
  singleflight& operator=(const singleflight&) = delete;

  /// Calls f() and returns what it returns; if a call for this key is in flight already, waits for
  /// that one instead and drops f.
  /// Blocks  goroutine (or the foreign thread).   Cancel  do_(ctx, key, f).
  /// Order   the end of f happens before any do_() that it serves returns.
  /// Errors  what f throws, the same exception to all; null_function; std::bad_alloc. A foreign
  ///         thread that waited for a function that ended by goexit() gets misuse.
  /// Threads any.   Go  x/sync/singleflight.Group.Do; SF-1, SF-4.
  /// Test    unit/context/singleflight_test.cpp
  template <detail::function_object F>
  result do_(const K& key, F&& f) {
    check(f);
    const K own = key;  // f may change what it refers to
    auto [call, first] = join(own);
    if (first) {
      run(*state_, own, *call, f);
    } else {
      call->ended.wait();
    }
    return outcome(*call);
  }

  /// The same, but the caller stops waiting when ctx is done: then {.err = ctx.err()}. f goes on in
  /// a goroutine of its own, for those who wait still or come yet. A context that is done already:
  /// f is not called.
  /// Errors  those of weft::go, too.   Go  golang/go#31206 asks for it; U-6.
  template <detail::cancelable Context, detail::function_object F>
  result do_(const Context& ctx, const K& key, F&& f) {
    check(f);
    if (error e = ctx.err()) {
      return {.err = std::move(e)};
    }
    auto [call, first] = join(key);
    if (first) {
      start(key, call, std::forward<F>(f));
    }
    if (error e = call->ended.wait(ctx); e && give_up(*call)) {
      return {.err = std::move(e)};
    }
    return outcome(*call);
  }

  /// The same in the background. The result comes on a channel with room for it, which is never
  /// closed: nobody need receive (SF-2).
  /// Blocks  no.   Errors  null_function, those of weft::go; who has joined meanwhile gets such a
  ///         failure as `err`.   Go  Group.DoChan; SF-2, SF-4.
  template <detail::function_object F>
  recv_chan<result> do_chan(const K& key, F&& f) {
    check(f);
    chan<result> out = make_chan<result>(1);
    auto [call, first] = join(key, out);
    if (first) {
      start(key, call, std::forward<F>(f));
    }
    return out;
  }

  /// The next call for this key runs its function, even if one is in flight; that one serves those
  /// whom it has, and its end changes nothing for the new one.   Go  Group.Forget; SF-3.
  void forget(const K& key) {
    std::lock_guard hold(state_->lock);
    state_->calls.erase(key);
  }

 private:
  enum class ending : unsigned char { none, returned, threw, goexit };

  struct flight {
    wait_group ended;  // 1 until the flight has landed
    // Written by who runs the function, before `ended`.
    std::optional<V> value;
    error err;
    std::exception_ptr exception;
    ending how = ending::none;
    // Guarded by state::lock; the first does not change any more once the flight has landed.
    bool shared = false;
    bool landed = false;
    std::size_t callers = 0;          // of do_(), who have not given up
    std::vector<chan<result>> chans;  // of do_chan()
  };
  using flight_ptr = std::shared_ptr<flight>;

  struct state {
    state() = default;
    state(Hash hash, Equal equal) : calls(0, std::move(hash), std::move(equal)) {}
    mutex lock;
    std::unordered_map<K, flight_ptr, Hash, Equal> calls;  // guarded by lock
  };

  template <class F>
  static void check(const F& f) {
    if (detail::is_null(f)) {
      throw null_function("weft: singleflight: the function is null");
    }
  }

  struct place {
    flight_ptr call;
    bool first;
  };
  // [singleflight.1] A place in the flight for this key, or in a new one. `out`: of do_chan(), else
  // nil.
  place join(const K& key, const chan<result>& out = nullptr) {
    std::lock_guard hold(state_->lock);
    auto at = state_->calls.find(key);
    const bool first = at == state_->calls.end();
    flight_ptr call = first ? std::make_shared<flight>() : at->second;
    if (out) {
      call->chans.push_back(out);
    }
    if (first) {
      call->ended.add(1);
      state_->calls.emplace(key, call);
    }
    call->callers += out ? 0u : 1u;
    call->shared |= !first;
    return {std::move(call), first};
  }

  // Calls f and lands, however f ends.
  template <class F>
  static void run(state& s, const K& key, flight& call, F& f) {
    struct landing {
      state& s;
      const K& key;
      flight& call;
      ~landing() { land(s, key, call); }
    } at_the_end{s, key, call};
    call.how = ending::goexit;  // unless one of the others is found below
    try {
      if constexpr (std::is_same_v<std::remove_cvref_t<std::invoke_result_t<F&>>, result>) {
        result got = std::invoke(f);
        call.value = std::move(got.value);
        call.err = std::move(got.err);
      } else {
        static_assert(std::is_constructible_v<V, std::invoke_result_t<F&>>,
                      "weft: singleflight: the function returns neither a V nor a "
                      "singleflight_result<V>");
        call.value.emplace(std::invoke(f));
      }
      call.how = ending::returned;
    } catch (...) {
      if (detail::handling_goexit()) {
        throw;
      }
      call.exception = std::current_exception();
      call.how = ending::threw;
    }
  }

  // Runs it in a goroutine of its own, which keeps the state alive.
  template <class F>
  void start(const K& key, const flight_ptr& call, F&& f) {
    std::exception_ptr failure;
    try {
      weft::go([s = state_, key, call, f = std::decay_t<F>(std::forward<F>(f))]() mutable {
        run(*s, key, *call, f);
      });
      return;
    } catch (...) {
      failure = std::current_exception();
    }
    call->err = error(failure);
    call->how = ending::returned;
    land(*state_, key, *call);
    std::rethrow_exception(failure);
  }

  // [singleflight.2] The flight is over: the key is free, those who wait are served.
  static void land(state& s, const K& key, flight& call) noexcept {
    std::vector<chan<result>> chans;
    bool nobody = false;
    {
      std::lock_guard hold(s.lock);
      if (auto at = s.calls.find(key); at != s.calls.end() && at->second.get() == &call) {
        s.calls.erase(at);  // not if it was forgotten: then it may be another's (SF-3)
      }
      call.landed = true;
      chans.swap(call.chans);
      nobody = call.callers == 0;
    }
    if (call.how == ending::threw && (nobody || !chans.empty())) {
      std::rethrow_exception(call.exception);  // out of noexcept: the crash report (SF-4)
    }
    if (call.how == ending::returned) {
      for (const chan<result>& c : chans) {
        static_cast<void>(c.try_send(result{call.value, call.err, call.shared}));  // it has room
      }
    }
    call.ended.done();
  }

  // [singleflight.3] True: the caller is out; false: too late, there is a result.
  bool give_up(flight& call) {
    std::lock_guard hold(state_->lock);
    if (call.landed) {
      return false;
    }
    --call.callers;
    return true;
  }

  static result outcome(const flight& call) {
    if (call.how == ending::threw) {
      std::rethrow_exception(call.exception);
    }
    if (call.how == ending::goexit) {
      goexit();
    }
    return {call.value, call.err, call.shared};
  }

  std::shared_ptr<state> state_;
};

}  // namespace weft
