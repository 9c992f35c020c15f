#pragma once
// with_scope: a block that is not left before the goroutines that were started in it have ended.
#include <weft/errgroup.hpp>

#include <exception>
#include <source_location>
#include <type_traits>
#include <utility>

namespace weft {

/// Where the goroutines of a with_scope() block are started. It exists only inside of the block,
/// and is handed to it by reference.
class scope {
 public:
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  /// The block's context: derived from with_scope()'s, cancelled by the first error, when the body
  /// throws, and at the end of the block. Give it to what the block calls.
  const context& ctx() const noexcept { return group_.ctx(); }

  /// Runs f() or f(ctx) in a goroutine of its own; it returns a weft::error or nothing, and may
  /// throw. The first that fails cancels the others. Also from goroutines of the block.
  /// Blocks, Errors  as errgroup::go().
  template <detail::group_task F>
  void go(F&& f, std::source_location site = std::source_location::current()) {
    group_.go(std::forward<F>(f), site);
  }
  /// At most n at once, see errgroup::set_limit(): before the first go().
  void set_limit(std::ptrdiff_t n) { group_.set_limit(n); }
  /// Tells all goroutines of the block to stop; does not leave it.
  void cancel(const error& cause = {}) const noexcept { group_.cancel(cause); }

 private:
  template <class Body>
  requires detail::returns_error_or_nothing<Body, scope&>
  friend error with_scope(const context& parent, Body&& body);
  explicit scope(errgroup& group) noexcept : group_(group) {}
  void fail(error e) { group_.report(std::move(e)); }
  errgroup& group_;
};

/// Runs body(scope&) here and now, then waits for all goroutines that were started through the
/// scope. Whatever happens, none of them runs any more when it returns or throws, so they may refer
/// to anything that was there before it. Returns the first error: of the body or of a goroutine. An
/// exception that leaves the body cancels the goroutines, is held until they have ended, and goes
/// on then; goexit likewise.
/// Blocks  goroutine (or the foreign thread), until the last one has ended.
/// Cancel  by the parent context: the body and its goroutines must heed ctx().
/// Order   the end of each goroutine happens before with_scope() returns.
/// Errors  nil_context, std::bad_alloc; those of go(), when they leave the body.
/// Go      golang/go#29011 asks for it; U-3.   Test  unit/context/scope_test.cpp
template <class Body>
requires detail::returns_error_or_nothing<Body, scope&>
[[nodiscard]] error with_scope(const context& parent, Body&& body) {
  static_cast<void>(detail::context_access::node(parent, "with_scope"));
  auto [group, ctx] = errgroup::with_context(parent);
  scope block(group);
  struct leave {
    errgroup& group;
    bool by_exception = true;
    ~leave() {
      if (by_exception) {
        group.cancel();
        (void)group.wait();  // the body's exception is the one that counts
      }
    }
  } leaving{group};
  block.fail(detail::call_for_error(body, block));
  leaving.by_exception = false;
  return group.wait();
}

}  // namespace weft
