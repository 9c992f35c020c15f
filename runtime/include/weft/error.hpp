#pragma once
// error: what a function returns that may fail.
//
//   weft::error load(const std::string& path) {
//     if (weft::error err = open(path)) {
//       return wrap(err, "loading " + path);    // "loading x: no such file"
//     }
//     return nullptr;                           // success
//   }
//   ...
//   if (is(err, weft::canceled) || is(err, std::errc::timed_out)) ...
//   if (const parse_failure* p = as<parse_failure>(err)) ... p->line ...
//
// An error is a pointer to an immutable record, null for success. Each record has a text and may
// have a cause, several causes (join), a std::error_code, an exception, a payload of the user's.
#include <weft/detail/error_record.hpp>
#include <weft/exceptions.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <new>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft {

/// The record of an error that exists as long as the program does: for errors that are compared
/// with, before main and in static destructors, too. Only as a variable of static storage:
///   inline constexpr weft::static_error end_of_file_record{"end of file"};
///   inline constexpr weft::error end_of_file{end_of_file_record};
class static_error : private detail::error_record {
 public:
  /// The condition, if given, is what code() returns and is() compares with. The text is not
  /// copied: a literal.
  consteval explicit static_error(std::string_view text, std::errc condition = {}) noexcept
      : error_record{detail::record_lifetime::immortal}, text_(text), condition_(condition) {}
  static_error(const static_error&) = delete;
  static_error& operator=(const static_error&) = delete;

  std::string_view text() const noexcept { return text_; }
  std::error_code code() const noexcept {
    return condition_ == std::errc{} ? std::error_code() : std::make_error_code(condition_);
  }

 private:
  friend class error;
  friend struct detail::error_access;
  std::string_view text_;
  std::errc condition_;
};

/// What error::make() holds: an object that tells its text by message() or what(). If it has a
/// code(), that is the error's std::error_code.
template <class E>
concept error_payload =
    std::is_object_v<E> && std::copy_constructible<E> && !std::same_as<E, error> &&
    !std::same_as<E, std::error_code> &&
    (
        requires(const E& e) { std::string_view(e.message()); } ||
        requires(const E& e) { std::string_view(e.what()); });

/// No error, or one error. Copies are equal to each other and to nothing else: an error is found
/// again by identity, never by its text. As wide as a pointer; asking whether there is an error
/// is one test of it.
/// Errors  making an error does not fail: without memory the result is weft::out_of_memory.
/// Threads different error objects may be used at the same time even if they are copies.
/// Go      error, package errors.   Test  unit/runtime/error_test.cpp
class [[nodiscard]] error {
 public:
  /// No error.
  constexpr error() noexcept = default;
  constexpr error(std::nullptr_t) noexcept {}

  /// A new error, equal to no other. The text is copied.   Go  errors.New.
  explicit error(std::string_view text) noexcept;
  /// A new error whose code() is this one; the text comes before the code's own, as in
  /// std::system_error. A code of zero is success: no error.
  explicit error(std::error_code code, std::string_view text = {}) noexcept;
  /// The exception as an error: its text is what(), or the name of its type; a std::system_error
  /// brings its code. A null pointer is no error. An error_exception becomes the error it carries.
  explicit error(const std::exception_ptr& exception) noexcept;
  /// Refers to a record of static storage; see static_error.
  constexpr explicit error(const static_error& record) noexcept : record_(&record) {}
  error(const static_error&&) = delete;

  /// A new error that holds the object, found by as<E>(). One that derives from std::exception is
  /// held as if it had been thrown.
  /// Errors  what copying the object or asking it for its text throws, except for std::bad_alloc.
  template <class E>
  requires error_payload<std::remove_cvref_t<E>>
  static error make(E&& payload);

  /// The exception that the enclosing catch block handles. If that is goexit(), which catch (...)
  /// meets, too, it does not return: the unwinding goes on.
  /// Errors  misuse when no exception is being handled.
  static error current();

  constexpr error(const error& o) noexcept : record_(o.record_) {
    if (is_counted()) {
      retain();
    }
  }
  constexpr error(error&& o) noexcept : record_(std::exchange(o.record_, nullptr)) {}
  constexpr error& operator=(const error& o) noexcept {
    error copy(o);
    std::swap(record_, copy.record_);
    return *this;
  }
  constexpr error& operator=(error&& o) noexcept {
    error taken(std::move(o));
    std::swap(record_, taken.record_);
    return *this;
  }
  constexpr ~error() {
    if (is_counted()) {
      release();
    }
  }

  /// True when there is an error.
  constexpr explicit operator bool() const noexcept { return record_ != nullptr; }
  /// The same error, or none on both sides.
  friend constexpr bool operator==(const error& a, const error& b) noexcept {
    return a.record_ == b.record_;
  }

  /// The text, followed by ": " and the cause's; the causes of a joined error are lines. "no error"
  /// if there is none.   Errors  std::bad_alloc.   Cost  the length of the text.
  std::string message() const;
  /// The cause: what was wrapped. No error if there is none, or several.   Go  errors.Unwrap.
  error unwrap() const noexcept;
  /// All causes; none, one or, after join(), more. Valid as long as *this is not changed.
  std::span<const error> causes() const& noexcept;
  std::span<const error> causes() const&& = delete;
  /// The first code in this error and its causes; zero if there is none.
  /// Errors  std::bad_alloc, in a tree of more than 16 levels of join().
  std::error_code code() const;
  /// Throws the exception that this error or what it wraps has captured; otherwise, also when it
  /// comes to several causes, an error_exception that carries *this.
  /// Errors  misuse when there is no error.
  [[noreturn]] void rethrow() const;

 private:
  friend struct detail::error_access;
  // In constant expressions there are immortal records only, and GCC with -fsanitize=undefined does
  // not believe that their addresses are not null.
  constexpr bool is_counted() const noexcept {
    return !std::is_constant_evaluated() && record_ != nullptr &&
           record_->lifetime == detail::record_lifetime::counted;
  }
  void retain() const noexcept;
  void release() noexcept;

  const detail::error_record* record_ = nullptr;
};

/// An error on its way as an exception; error::current() and error(std::exception_ptr) give back
/// the very same error.
class error_exception : public std::runtime_error {
 public:
  /// Errors  misuse when there is no error.
  explicit error_exception(error e);
  const weft::error& value() const noexcept { return value_; }

 private:
  weft::error value_;
};

namespace detail {
inline constexpr static_error canceled_record{"context canceled", std::errc::operation_canceled};
inline constexpr static_error deadline_record{"context deadline exceeded", std::errc::timed_out};
inline constexpr static_error memory_record{"out of memory", std::errc::not_enough_memory};
}  // namespace detail

/// A context was cancelled. Is std::errc::operation_canceled.   Go  context.Canceled.
inline constexpr error canceled{detail::canceled_record};
/// A context's deadline passed. Is std::errc::timed_out.   Go  context.DeadlineExceeded; CX-18.
inline constexpr error deadline_exceeded{detail::deadline_record};
/// There was an error, and no memory to tell which. Is std::errc::not_enough_memory.
inline constexpr error out_of_memory{detail::memory_record};

/// Is err, or one of its causes, the very error `target`? No error is only no error.
/// Errors  std::bad_alloc, in a tree of more than 16 levels of join().
/// Cost    O(causes).   Go  errors.Is.
bool is(const error& err, const error& target);
/// The same for a code: equal to that of err or of one of its causes.
bool is(const error& err, const std::error_code& target);
/// The same for a condition: is(err, std::errc::timed_out).
bool is(const error& err, const std::error_condition& target);

/// The first object of type E in err and its causes: a payload of exactly this type, or a captured
/// exception that `catch (const E&)` would catch. nullptr if there is none.
/// Errors  std::bad_alloc, in a tree of more than 16 levels of join().
/// Cost    O(causes), each captured exception is thrown and caught once.
/// Threads the object is shared by all copies; it lives as long as one of them.   Go  errors.As.
template <class E>
requires std::is_object_v<E>
const E* as(const error& err) {
  return static_cast<const E*>(detail::find_payload(
      err, typeid(E), [](const std::exception_ptr& exception) noexcept -> const void* {
        try {
          std::rethrow_exception(exception);
        } catch (const E& e) {
          return std::addressof(e);
        } catch (...) {
          return nullptr;
        }
      }));
}
template <class E>
requires std::is_object_v<E>
const E* as(error&& err) = delete;  // the object would be gone with err

/// err with a text before it: "while reading x: end of file"; is() and as() still find err. No
/// error stays no error. Without memory the result is err itself.   Go  fmt.Errorf("...: %w").
error wrap(const error& err, std::string_view text) noexcept;

/// The same with an object, which as<E>() finds; its text comes before that of err.
/// Errors  as error::make().
template <class E>
requires error_payload<std::remove_cvref_t<E>> error wrap(const error& err, E&& payload);

/// One error for several: a line each, found by is() and as(). No errors are left out; of one the
/// result is that one; of none it is no error. Without memory the result is the first.
/// Go  errors.Join.
error join(std::span<const error> errors) noexcept;

template <class... Errors>
requires(std::convertible_to<const Errors&, error>&&...) error join(const Errors&... errors)
noexcept {
  const std::initializer_list<error> list{errors...};
  return weft::join(std::span<const error>(list.begin(), list.size()));
}

/// The same for any range of errors.
template <std::ranges::input_range Range>
requires(std::convertible_to<std::ranges::range_reference_t<Range>, error> &&
         !std::convertible_to<Range, std::span<const error>> &&
         !std::convertible_to<Range, error>) error join(Range&& range) {
  std::vector<error> list;
  error next;
  try {
    for (auto&& e : range) {
      next = error(std::forward<decltype(e)>(e));
      if (next) {
        list.push_back(next);
      }
    }
  } catch (const std::bad_alloc&) {
    return list.empty() ? out_of_memory : list.front();
  }
  return weft::join(std::span<const error>(list));
}

/// Prints message().
std::ostream& operator<<(std::ostream& out, const error& err);

// ---- implementation of the templates ----

namespace detail {

template <class E>
error make_error(E&& payload, const error& cause) {
  using object = std::remove_cvref_t<E>;
  try {
    if constexpr (std::derived_from<object, std::exception>) {
      return make_captured(std::make_exception_ptr<object>(std::forward<E>(payload)), cause);
    } else {
      auto held = std::make_shared<const object>(std::forward<E>(payload));
      std::error_code code;
      if constexpr (requires { std::error_code(held->code()); }) {
        code = std::error_code(held->code());
      }
      const auto make = [&](const auto& text) {
        return make_payload(std::string_view(text), code, std::move(held), typeid(object), cause);
      };
      if constexpr (requires { std::string_view(held->message()); }) {
        return make(held->message());
      } else {
        return make(held->what());
      }
    }
  } catch (const std::bad_alloc&) {
    return cause ? cause : out_of_memory;
  }
}

}  // namespace detail

template <class E>
requires error_payload<std::remove_cvref_t<E>> error error::make(E&& payload) {
  return detail::make_error(std::forward<E>(payload), error());
}

template <class E>
requires error_payload<std::remove_cvref_t<E>> error wrap(const error& err, E&& payload) {
  return err ? detail::make_error(std::forward<E>(payload), err) : error();
}

}  // namespace weft

/// By identity, as ==.
template <>
struct std::hash<weft::error> {
  std::size_t operator()(const weft::error& err) const noexcept;
};
