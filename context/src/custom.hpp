#pragma once
// A user's implementation in the tree. What is derived from it, and what waits with it, is linked
// to a node of weft's own, its point: the one whose done channel the user passes on, or a shadow,
// which a goroutine (or the user's after_func) cancels when the user's context is done.
#include <weft/context.hpp>

#include <functional>
#include <memory>

namespace weft::detail {

/// Asked of value(), to find the nearest node of weft's that can be done: only who passes on
/// unknown keys to a context has an answer.
struct nearest_node {};

class custom_node final : public context_node {
 public:
  custom_node(std::shared_ptr<const custom_context> user, recv_chan<unit> done,
              cancel_node* nearest) noexcept;
  ~custom_node();

  const custom_context& user() const noexcept { return *user_; }
  const recv_chan<unit>& done() const noexcept { return done_; }

  /// What the user's says. A wait that this has ended must not look like one that was successful:
  /// should the user's have no error though it is done, it is the point's.
  error err() const;

  /// Where children are linked; null: never done. A shadow is made, and is done if the user's
  /// context is.
  cancel_node* point();
  /// For bury(): gives up the reference to the point.
  const context_node* take_point() noexcept {
    return point_.exchange(nullptr, relaxed);  // relaxed: nobody else is here any more
  }

 private:
  cancel_node* make_shadow();

  const std::shared_ptr<const custom_context> user_;
  const recv_chan<unit> done_;
  bool embedded_ = false;  // the point is one of the user's, from the beginning
  // Counted; null: not made yet. Set once, by CAS; read by everybody.
  atomic<cancel_node*> point_{nullptr};
  std::function<void()> unwatch_;  // written by who has set point_, called by the destructor
};

}  // namespace weft::detail
