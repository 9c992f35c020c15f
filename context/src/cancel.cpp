// Making a context done, and all below it: steps 2 to 6 of [context] in docs/protocols.md. One
// node's lock at a time; no user code runs here, but destructors of values that the last reference
// to a node takes along, with no lock held.
#include <weft/detail/context_call.hpp>
#include <weft/detail/context_node.hpp>
#include <weft/detail/park.hpp>

#include "merged.hpp"

namespace weft::detail {
namespace {

// Sweeps that have met merged nodes, counted from 1.
constinit atomic<std::uint64_t> sweeps{0};

}  // namespace

// ---- reading ----

error cancel_node::err_of(std::uint32_t state) const noexcept {
  if ((state & closing) != 0) {
    close_channel();  // [context.4] who sees the error finds the channel closed
  }
  switch (state & code_mask) {
    case code_canceled:
      return canceled;
    case code_deadline:
      return deadline_exceeded;
    default:
      return other_;
  }
}

recv_chan<unit> cancel_node::done_channel() {
  // [context.3] acquire: pairs with the release below; chan_ is seen.
  std::uint32_t s = state_.load(acquire);
  if ((s & has_chan) == 0) {
    chan<unit> made = make_chan<unit>();
    lock_.lock();
    s = state_.load(relaxed);  // relaxed: these bits are written under lock_
    if ((s & has_chan) == 0) {
      chan_ = std::move(made);
      // [context.3] release: publishes chan_. An RMW: `settled` may be set at the same time.
      state_.fetch_or((s & code_mask) != 0 ? has_chan | closing : has_chan, release);
    }
    lock_.unlock();
    s |= (s & code_mask) != 0 ? closing : 0;
  }
  if ((s & closing) != 0) {
    close_channel();  // [context.3] it may be that somebody else has made it and is about to
  }
  return chan_;
}

bool cancel_node::has_channel(const recv_chan<unit>& c) const noexcept {
  // [context.3] acquire: pairs with done_channel()
  return (state_.load(acquire) & has_chan) != 0 && recv_chan<unit>(chan_) == c;
}

// [context.3] By any number of helpers.
void cancel_node::close_channel() const noexcept {
  chan_.core()->close();
  // [context.4] release: who finds the bit gone finds the channel closed.
  state_.fetch_and(~closing, release);
}

// ---- being cancelled ----

bool cancel_node::finish(const error& err, const error& cause, const sweep_route& route) noexcept {
  waiter* woken = nullptr;
  armed_timer timer;
  lock_.lock();
  std::uint32_t s = state_.load(relaxed);  // relaxed: `code` is written under lock_
  const bool below = first_ != nullptr;
  const bool first = (s & code_mask) == 0;
  if (first) {  // T10: who comes later changes nothing
    cause_ = cause;
    if (err == canceled) {
      s |= code_canceled;
    } else if (err == deadline_exceeded) {
      s |= code_deadline;
    } else {
      s |= code_other;
      other_ = err;
    }
    s |= (s & has_chan) != 0 ? closing : 0;
    s |= below ? 0 : settled;
    state_.store(s, release);  // [context.2] release: cause_ is seen by [context.4]
    woken = finish_locked();
    if (!route.by_timer) {
      timer = timer_;
    }
    if (kind() == context_kind::merged) {
      static_cast<merged_node*>(this)->finished_by = route;
    }
  }
  lock_.unlock();
  if ((s & closing) != 0) {
    close_channel();  // [context.3]
  }
  if (first) {
    ready_chain(woken);
    if (timer && disarm_timer(timer)) {
      release_node(this);  // the timer's reference; not the last
    }
  }
  return below;
}

void cancel_node::cancel(const error& err, const error& cause) noexcept {
  // [context.6] acquire: all below was done before `settled` was set.
  if ((state_.load(acquire) & (settled | closing)) == settled) {
    return;
  }
  if (finish(err, cause)) {
    sweep();
  }
  leave_parents();
}

// What is first in the list, with a reference; null: nothing is left. Callbacks are started.
cancel_node* cancel_node::first_child(context_link*& via) noexcept {
  lock_.lock();
  while (context_link* l = first_) {
    if (l->kind == link_kind::call) {
      unlink_locked(l);
      lock_.unlock();
      static_cast<context_call*>(l)->start();
      lock_.lock();
    } else if (l->child->try_retain()) {  // [context.5]
      lock_.unlock();
      via = l;
      return l->child;
    } else {
      unlink_locked(l);  // [context.7] it waits for lock_ to be destroyed, or sees linked = 0
    }
  }
  lock_.unlock();
  return nullptr;
}

// From where this sweep came to it; null: not known.
cancel_node* cancel_node::way_up(std::uint64_t sweep) const noexcept {
  if (kind() != context_kind::merged) {
    return links_->parent;
  }
  const sweep_route& by = static_cast<const merged_node*>(this)->finished_by;
  return by.sweep == sweep ? by.via->parent : nullptr;
}

void cancel_node::sweep() noexcept {
  std::uint64_t number = 0;
  cancel_node* at = this;  // with a reference of this sweep's, unless it is the top
  for (;;) {
    sweep_route route;
    if (cancel_node* child = at->first_child(route.via)) {
      if (child->kind() == context_kind::merged && number == 0) {
        number = sweeps.fetch_add(1, relaxed) + 1;  // relaxed: only to be different
      }
      route.sweep = number;
      if (!child->finish(at->err(), at->cause_, route)) {
        child->leave_parents();  // [context.6]
        release_node(child);
        continue;
      }
      if (at != this) {
        release_node(at);  // the child holds it
      }
      at = child;
      continue;
    }
    at->state_.fetch_or(settled, release);  // [context.6] release: all below is done
    if (at == this) {
      return;
    }
    cancel_node* up = at->way_up(number);
    if (up == nullptr) {
      up = this;  // begins again, with less to do
    }
    if (up != this) {
      up->retain();  // `at` holds it
    }
    at->leave_parents();  // [context.6]
    release_node(at);
    at = up;
  }
}

}  // namespace weft::detail
