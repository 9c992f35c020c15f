// Between contexts and std::stop_token.
#include <weft/context.hpp>

#include <optional>

namespace weft {
namespace detail {
namespace {

class stop_token_node final : public cancel_node {
 public:
  stop_token_node(const context_node* parent, cancel_node* above, std::int64_t deadline) noexcept
      : cancel_node(context_kind::stop_token, parent, above, deadline,
                    [](context_node* n) noexcept { delete static_cast<stop_token_node*>(n); }) {}

  /// After join(): a stop that is requested already cancels this at once.
  void listen(const std::stop_token& token) { callback_.emplace(token, on_stop{this}); }

 private:
  // Runs on the thread that requests the stop. While it runs, the destructor of callback_ waits on
  // any other thread; it takes no lock that is held while a node is destroyed, and does not park.
  struct on_stop {
    stop_token_node* node;
    void operator()() const noexcept {
      if (node->try_retain()) {  // otherwise it is being destroyed
        node->cancel(canceled, canceled);
        release_node(node);
      }
    }
  };
  std::optional<std::stop_callback<on_stop>> callback_;
};

}  // namespace
}  // namespace detail

cancelable_context with_stop_token(const context& parent, std::stop_token token) {
  using namespace detail;
  const context_node* above = &context_access::node(parent, "with_stop_token");
  auto* n = new stop_token_node(above, attach_point(above), deadline_of(above));
  n->join();
  n->listen(token);
  return context_access::pair(n);
}

std::stop_token stop_token_of(const context& ctx) {
  using namespace detail;
  context_node& node = context_access::node(ctx, "stop_token_of");
  cancel_node* point = attach_point(&node);
  if (point == nullptr) {
    return {};
  }
  std::stop_source source;
  auto request = [source]() mutable { source.request_stop(); };
  auto* call = new typed_context_call<decltype(request)>(
      std::move(request), std::source_location::current(), without_runtime::run_here);
  call->hold(node, point);
  if (!point->share_stop_source(source, call)) {
    call->drop();  // for the list, which it is not in
  }
  call->drop();
  return source.get_token();
}

}  // namespace weft
