// Contexts that users implement (CX-15).
#include "custom.hpp"

#include <weft/select.hpp>

namespace weft {
namespace detail {
namespace {

const cancel_node* nearest(const custom_context& user) {
  return static_cast<const cancel_node*>(user.value(value_key::of<nearest_node>()));
}

error custom_cause(const custom_context& user) {
  if (const cancel_node* n = nearest(user)) {
    if (error inner = n->cause()) {
      return inner;
    }
  }
  return user.err();  // CX-11
}

bool is_closed(const recv_chan<unit>& done) noexcept {
  std::optional<unit> ignored;
  return done.try_recv(ignored) == chan_status::closed;
}

void cancel_shadow(cancel_node* shadow, const custom_context& user) {
  error err = user.err();
  if (!err) {
    err = canceled;  // its done channel is closed, so it ought to have one
  }
  const error cause = custom_cause(user);
  shadow->cancel(err, cause ? cause : err);
}

// Has the shadow cancelled when the user's context is done. The result ends that.
std::function<void()> watch(const std::shared_ptr<const custom_context>& user,
                            const recv_chan<unit>& done, cancel_node* shadow) {
  shadow->retain();
  const std::shared_ptr<cancel_node> held(shadow, [](cancel_node* n) { release_node(n); });
  // The user may keep this function in the very object that it refers to: no cycle.
  auto offered = user->after_func([weak = std::weak_ptr(user), held] {
    if (const auto alive = weak.lock()) {
      cancel_shadow(held.get(), *alive);
    } else {
      held->cancel(canceled, canceled);
    }
  });
  if (offered) {
    return [offered = std::move(offered)] { offered(); };
  }
  const auto stop = make_chan<unit>();
  weft::go([user, done, stop, held] {
    if (select(recv(done), recv(stop)) == 0) {
      cancel_shadow(held.get(), *user);
    }
  });
  return [stop] { stop.close(); };
}

}  // namespace

custom_node::custom_node(std::shared_ptr<const custom_context> user, recv_chan<unit> done,
                         cancel_node* nearest) noexcept
    : context_node(context_kind::custom, nullptr,
                   [](context_node* n) noexcept { delete static_cast<custom_node*>(n); }),
      user_(std::move(user)),
      done_(std::move(done)) {
  provide(this);
  if (nearest != nullptr && nearest->has_channel(done_)) {
    nearest->retain();
    point_.store(nearest, relaxed);  // relaxed: not shared yet
    embedded_ = true;
  }
}

custom_node::~custom_node() {
  if (unwatch_) {
    unwatch_();
  }
}

error custom_node::err() const {
  error e = user_->err();
  if (!e) {
    // [published.2] acquire: pairs with the CAS in make_shadow()
    if (const cancel_node* p = point_.load(acquire)) {
      e = p->err();
    }
  }
  return e;
}

cancel_node* custom_node::point() {
  if (!done_) {
    return nullptr;
  }
  // [published.2] acquire: pairs with the CAS in make_shadow()
  cancel_node* p = point_.load(acquire);
  if (p == nullptr) {
    p = make_shadow();
  }
  if (!embedded_ && !p->is_done() && is_closed(done_)) {
    cancel_shadow(p, *user_);  // CX-16: does not wait for the goroutine
  }
  return p;
}

cancel_node* custom_node::make_shadow() {
  auto* made =
      new cancel_node(context_kind::shadow, nullptr, nullptr, never,
                      [](context_node* n) noexcept { delete static_cast<cancel_node*>(n); });
  std::function<void()> unwatch;
  try {
    if (!is_closed(done_)) {
      unwatch = watch(user_, done_, made);
    }
  } catch (...) {
    release_node(made);
    throw;
  }
  cancel_node* other = nullptr;
  // [published.1] acq_rel: the node is seen by who sees the pointer.
  if (point_.compare_exchange(other, made, acq_rel, acquire)) {
    unwatch_ = std::move(unwatch);
    return made;
  }
  if (unwatch) {
    unwatch();
  }
  release_node(made);
  return other;
}

cancel_node* attach_point(const context_node* n) {
  context_node* p = n->provider();
  return p == nullptr || p->can_cancel() ? static_cast<cancel_node*>(p)
                                         : static_cast<custom_node*>(p)->point();
}

std::int64_t deadline_of(const context_node* n) {
  const context_node* p = n->provider();
  if (p == nullptr) {
    return never;
  }
  if (p->can_cancel()) {
    return static_cast<const cancel_node*>(p)->deadline();
  }
  const auto d = static_cast<const custom_node*>(p)->user().deadline();
  return d ? deadline_at(*d) : never;
}

error cause_of(const context_node* n) {
  const context_node* p = n->provider();
  if (p == nullptr) {
    return {};
  }
  return p->can_cancel() ? static_cast<const cancel_node*>(p)->cause()
                         : custom_cause(static_cast<const custom_node*>(p)->user());
}

}  // namespace detail

context::context(std::shared_ptr<const custom_context> implementation) {
  if (implementation == nullptr) {
    throw misuse("weft: context: the implementation is null");
  }
  recv_chan<unit> done = implementation->done();
  auto* nearest =
      done ? const_cast<detail::cancel_node*>(detail::nearest(*implementation)) : nullptr;
  node_ = new detail::custom_node(std::move(implementation), std::move(done), nearest);
}

recv_chan<unit> context::custom_done(const detail::context_node* n) {
  return static_cast<const detail::custom_node*>(n)->done();
}

error context::custom_err(const detail::context_node* n) {
  return static_cast<const detail::custom_node*>(n)->err();
}

}  // namespace weft
