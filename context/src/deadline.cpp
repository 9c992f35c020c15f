// with_deadline and with_timeout. The timer holds a reference to the node; its fire function runs
// outside of any goroutine, so it hands on what may take long or runs destructors of users'
// values: [context] in docs/protocols.md.
#include <weft/context.hpp>

#include <exception>

namespace weft::detail {
namespace {

// False: no goroutine could be had.
template <class F>
bool try_go(F&& f) noexcept {
  try {
    weft::go(std::forward<F>(f));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

class deadline_node final : public cancel_node {
 public:
  deadline_node(const context_node* parent, cancel_node* above, std::int64_t when,
                const error& cause) noexcept
      : cancel_node(context_kind::deadline, parent, above, when,
                    [](context_node* n) noexcept { delete static_cast<deadline_node*>(n); }),
        own_cause_(cause ? cause : deadline_exceeded) {}

  void start(std::int64_t now, const char* who) {
    if (deadline_ <= now) {
      join();  // a parent that is done comes first (CX-7, T10)
      cancel(deadline_exceeded, own_cause_);
      return;
    }
    if (const cancel_node* above = attach_point(parent()); above == nullptr || !above->is_done()) {
      retain();
      try {
        timer_ = arm_timer(deadline_, fire, this, who);
      } catch (...) {
        release_node(this);  // not the last
        throw;
      }
      if (!timer_) {
        release_node(this);  // as above
      }
    }
    join();
    leave_if_done();  // [context.8] the timer may have come before
  }

 private:
  static void fire(void* owner, timer_outcome outcome) noexcept;
  void let_go_aside() noexcept;

  const error own_cause_;
};

void deadline_node::fire(void* owner, timer_outcome outcome) noexcept {
  auto* n = static_cast<deadline_node*>(owner);
  if (outcome == timer_outcome::dropped) {
    release_node(n);
    return;
  }
  if (n->finish(deadline_exceeded, n->own_cause_, {.by_timer = true})) {
    const auto rest = [n] {
      n->sweep();
      n->leave_parents();
      release_node(n);
    };
    if (try_go(rest)) {
      return;
    }
    n->sweep();  // late is better than never
  }
  n->leave_parents();
  n->let_go_aside();
}

void deadline_node::let_go_aside() noexcept {
  // Only an ancestor can hold a user's object, which must be destroyed in a goroutine.
  const bool alone = parent()->kind() <= context_kind::todo;
  if (drop() && (alone || !try_go([this] { bury(this); }))) {
    bury(this);
  }
}

}  // namespace

cancelable_context derive_deadline(const context& parent, std::int64_t when, std::int64_t now,
                                   const error& cause, const char* who) {
  const context_node* above = &context_access::node(parent, who);
  if (when == never || deadline_of(above) < when) {
    return with_cancel(parent);  // CX-8
  }
  auto* n = new deadline_node(above, attach_point(above), when, cause);
  try {
    n->start(now, who);
  } catch (...) {
    release_node(n);
    throw;
  }
  return context_access::pair(n);
}

}  // namespace weft::detail
