#pragma once
// A function to be run once a context is done: after_func. Two parties hold it, the list of the
// context's node and the stop_function; it holds the context. [context.5] and stop() take it out of
// the list under the node's lock: whoever does, owns the function.
#include <weft/detail/context_node.hpp>

#include <functional>
#include <optional>
#include <source_location>
#include <utility>

namespace weft::detail {

struct context_access;

[[noreturn]] void throw_nil_context(const char* who);

/// What becomes of the function when there is no runtime that could run it.
enum class without_runtime : std::uint8_t { discard, run_here };

class context_call : public context_link {
 public:
  /// True: it was in the list and is now out of it, f is destroyed.
  bool stop() noexcept;
  void drop() noexcept;
  /// Before it is linked into the list of `point`, which is where ctx is done.
  void hold(const context_node& ctx, cancel_node* point) noexcept {
    ctx.retain();
    held_ = &ctx;
    parent = point;
  }

  /// Runs f in a goroutine; drops the list's reference after that. The caller has unlinked it.
  void start() noexcept;

 protected:
  using function = void (*)(context_call*);
  /// run: moves f out and calls it. discard: destroys f. destroy: deletes *this.
  struct actions {
    function run;
    function discard;
    function destroy;
  };
  context_call(const actions& how, std::source_location site, without_runtime w) noexcept
      : context_link(link_kind::call), how_(how), site_(site), without_runtime_(w) {}
  ~context_call() = default;

 private:
  friend void register_call(context_node& ctx, context_call* call);
  void spawn();

  atomic<std::uint32_t> refs_{2};       // the list's, or the goroutine's; the stop_function's
  const context_node* held_ = nullptr;  // counted, as long as this exists
  const actions& how_;
  const std::source_location site_;
  const without_runtime without_runtime_;
};

template <class F>
class typed_context_call final : public context_call {
 public:
  template <class G>
  typed_context_call(G&& f, std::source_location site, without_runtime w = without_runtime::discard)
      : context_call(how, site, w), f_(std::forward<G>(f)) {}

 private:
  static typed_context_call* self(context_call* c) { return static_cast<typed_context_call*>(c); }
  static constexpr actions how = {
      [](context_call* c) {
        F own = std::move(*self(c)->f_);
        self(c)->f_.reset();
        std::invoke(std::move(own));
      },
      [](context_call* c) { self(c)->f_.reset(); },
      [](context_call* c) { delete self(c); },
  };
  std::optional<F> f_;
};

/// Puts it into the list of the context, or starts it at once. Takes both references over when it
/// throws: no_runtime; those of weft::go.
void register_call(context_node& ctx, context_call* call);

}  // namespace weft::detail
