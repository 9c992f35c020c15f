#pragma once
// once_value, once_func: a function that is called at most once, when its result is first needed.
//
//   weft::once_value settings([] { return load_settings("app.conf"); });
//   ...
//   use(settings().port);                    // the first caller loads, all see the same object
#include <weft/detail/cancelable.hpp>
#include <weft/detail/goexit.hpp>
#include <weft/error.hpp>
#include <weft/exceptions.hpp>
#include <weft/once.hpp>
#include <weft/runtime.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

namespace detail {

enum class once_outcome : std::uint8_t { none, returned, threw };

/// A function, whether it has run, and how that ended.
template <class F>
class once_call {
 public:
  explicit once_call(F&& f) : f_(std::move(f)) {
    if (is_null(*f_)) {
      throw null_function("weft: once: the function is null");
    }
  }

  /// use(f) if nobody has done so. Returns if that returned, now or earlier.
  template <class Use>
  void run(Use use) {
    once_.do_([&] { call(use); });
    check();
  }
  /// The same, or an error when ctx is done before.
  template <cancelable Context, class Use>
  error run(const Context& ctx, Use use) {
    if (error e = once_.do_(ctx, [&] { call(use); })) {
      return e;
    }
    check();
    return {};
  }

  bool returned() const noexcept { return outcome_ == once_outcome::returned; }

 private:
  template <class Use>
  void call(Use& use) {
    struct let_go {
      std::optional<F>& f;
      ~let_go() { f.reset(); }
    } after{f_};
    try {
      use(std::move(*f_));
      outcome_ = once_outcome::returned;
    } catch (...) {
      if (handling_goexit()) {
        throw;
      }
      failure_ = std::current_exception();
      outcome_ = once_outcome::threw;
    }
  }
  void check() const {
    if (outcome_ != once_outcome::returned) [[unlikely]] {
      fail();
    }
  }
  [[noreturn]] void fail() const {
    if (outcome_ == once_outcome::threw) {
      std::rethrow_exception(failure_);
    }
    throw no_result("weft: once: the function ended by goexit, there is no result");
  }

  // Written by the one that runs f; read after once_.do_() only.
  std::optional<F> f_;
  std::exception_ptr failure_;
  once_outcome outcome_ = once_outcome::none;
  once once_;
};

}  // namespace detail

/// The result of a function, made when it is first asked for. Not copyable; must outlive all calls.
/// Go  sync.OnceValue; ON-2.   Test  unit/runtime/once_value_test.cpp
template <class T, class F = std::function<T()>>
class once_value {
  static_assert(std::is_object_v<T> && std::is_same_v<T, std::remove_cv_t<T>>,
                "weft: the result of a once_value is a plain object type; return a pointer instead "
                "of a reference");
  static_assert(std::is_invocable_r_v<T, F>,
                "weft: the function of a once_value takes no arguments and returns its T");

 public:
  /// Keeps the function until it has been called.
  /// Errors  null_function; what moving f throws.
  explicit once_value(F f) : call_(std::move(f)) {}
  ~once_value() {
    if (call_.returned()) {
      value_.~T();
    }
  }
  once_value(const once_value&) = delete;
  once_value& operator=(const once_value&) = delete;

  /// The result, which lives as long as *this. The first caller calls the function; whoever comes
  /// meanwhile waits. Before anybody returns, the function has been destroyed. If the function
  /// calls this, it waits for ever (ON-1).
  /// Blocks  goroutine (or the foreign thread), while another one runs the function.
  /// Cancel  get(ctx).   Order  the end of the function happens before any call returns.
  /// Errors  what the function threw, to every caller: one exception object, shared by all of them.
  ///         no_result if the function ended by goexit(); it does not run again.
  /// Cost    one load when done.   Threads any; all may share the result.
  T& operator()() {
    call_.run(make());
    return value_;
  }

  /// The same, but nullptr when ctx is done before there is a result: see once::do_(ctx, f).
  template <detail::cancelable Context>
  [[nodiscard]] T* get(const Context& ctx) {
    return call_.run(ctx, make()) ? nullptr : std::addressof(value_);
  }

 private:
  auto make() noexcept {
    return [this](F&& f) { ::new (static_cast<void*>(&value_)) T(std::invoke(std::move(f))); };
  }

  detail::once_call<F> call_;
  union {
    T value_;  // there if call_.returned()
  };
};

template <class F>
once_value(F) -> once_value<std::invoke_result_t<F>, F>;

/// The same for a function that returns nothing.   Go  sync.OnceFunc; ON-2.
template <class F = std::function<void()>>
class once_func {
  static_assert(std::is_invocable_v<F>, "weft: the function of a once_func takes no arguments");

 public:
  /// Errors  null_function; what moving f throws.
  explicit once_func(F f) : call_(std::move(f)) {}
  once_func(const once_func&) = delete;
  once_func& operator=(const once_func&) = delete;

  /// Calls the function if nobody has. See once_value.
  void operator()() { call_.run(use); }
  /// The same, until ctx is done: see once::do_(ctx, f). A null error: it has been called.
  template <detail::cancelable Context>
  [[nodiscard]] error operator()(const Context& ctx) {
    return call_.run(ctx, use);
  }

 private:
  static void use(F&& f) { static_cast<void>(std::invoke(std::move(f))); }

  detail::once_call<F> call_;
};

}  // namespace weft
