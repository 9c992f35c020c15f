// Counting references to nodes, and a cancel_node's list: steps 1, 6, 7 of [context] in
// docs/protocols.md.
#include <weft/detail/check.hpp>
#include <weft/detail/context_node.hpp>

#include "custom.hpp"
#include "merged.hpp"

namespace weft::detail {

#ifdef NDEBUG
std::int64_t live_context_nodes() noexcept { return 0; }
void count_context_node(int) noexcept {}
#else
namespace {
constinit atomic<std::int64_t> live_nodes{0};
}
// relaxed: a number for tests, read when all is quiet.
std::int64_t live_context_nodes() noexcept { return live_nodes.load(relaxed); }
void count_context_node(int by) noexcept { live_nodes.fetch_add(by, relaxed); }  // relaxed: same
#endif

context_node::context_node(context_kind kind, const context_node* parent,
                           destroyer destroy) noexcept
    : kind_(kind), parent_(parent), destroy_(destroy) {
  if (parent != nullptr) {
    parent->retain();
  }
  count_context_node(1);
}

void release_node(const context_node* n) noexcept {
  if (n->drop()) {
    bury(const_cast<context_node*>(n));
  }
}

// The dead are chained by provider_, which nobody asks any more.
void bury(context_node* dead) noexcept {
  dead->provider_ = nullptr;
  const auto let_go = [&dead](const context_node* n) {
    if (n != nullptr && n->drop()) {
      auto* next = const_cast<context_node*>(n);
      next->provider_ = dead;
      dead = next;
    }
  };
  while (dead != nullptr) {
    context_node* n = dead;
    dead = n->provider_;
    if (n->can_cancel()) {
      static_cast<cancel_node*>(n)->leave_parents();  // while it still holds them
    }
    let_go(n->parent_);
    if (n->kind_ == context_kind::merged) {
      for (const context_node* p : static_cast<merged_node*>(n)->parents()) {
        let_go(p);
      }
    } else if (n->kind_ == context_kind::custom) {
      let_go(static_cast<custom_node*>(n)->take_point());
    }
    count_context_node(-1);
    n->destroy_(n);
  }
}

// ---- a cancel_node's list ----

cancel_node::cancel_node(context_kind kind, const context_node* parent, cancel_node* above,
                         std::int64_t deadline, destroyer destroy) noexcept
    : context_node(kind, parent, destroy), deadline_(deadline) {
  provide(this);
  if (above != nullptr) {
    up_.parent = above;
    up_.child = this;
    set_links(&up_, 1);
  }
}

cancel_node::~cancel_node() { WEFT_DCHECK(first_ == nullptr, "a context dies before its child"); }

bool cancel_node::adopt(context_link* l) noexcept {
  biased_guard hold(lock_);
  if (done()) {
    return false;
  }
  link_locked(l);
  return true;
}

bool cancel_node::share_stop_source(std::stop_source& made, context_link* l) noexcept {
  for (;;) {
    if (is_done()) {
      made.request_stop();  // nobody knows it yet, so there are no callbacks
    }
    lock_.lock();
    const bool there = stops_.stop_possible();
    const bool link = !there && !done();
    if (there) {
      made = stops_;
    } else if (link) {
      stops_ = made;
      link_locked(l);
    } else if (made.stop_requested()) {
      stops_ = made;
    } else {
      lock_.unlock();
      continue;  // it has become done in between
    }
    lock_.unlock();
    return link;
  }
}

void cancel_node::link_locked(context_link* l) noexcept {
  l->prev = nullptr;
  l->next = first_;
  if (first_ != nullptr) {
    first_->prev = l;
  }
  first_ = l;
  l->linked.store(1, relaxed);  // relaxed: lock_ publishes it
}

void cancel_node::unlink_locked(context_link* l) noexcept {
  (l->prev != nullptr ? l->prev->next : first_) = l->next;
  if (l->next != nullptr) {
    l->next->prev = l->prev;
  }
  l->linked.store(0, release);  // [context.7] release: the last touch of the link
}

bool cancel_node::disown(context_link* l) noexcept {
  biased_guard hold(lock_);
  if (l->linked.load(relaxed) == 0) {  // relaxed: written under lock_
    return false;
  }
  unlink_locked(l);
  return true;
}

void cancel_node::leave_parents() noexcept {
  for (std::uint32_t i = 0; i < link_count_; ++i) {
    context_link* l = links_ + i;
    if (l->linked.load(acquire) != 0) {  // [context.7] acquire: 0: whoever unlinked it is through
      l->parent->disown(l);
    }
  }
}

void cancel_node::leave_if_done() noexcept {
  // Under its own lock: who finished it before sees no link, or is seen here; who finishes it later
  // sees all links. [context.8]
  lock_.lock();
  const bool leave = done();
  lock_.unlock();
  if (leave) {
    leave_parents();
  }
}

void cancel_node::join() noexcept {
  for (std::uint32_t i = 0; i < link_count_; ++i) {
    cancel_node* above = links_[i].parent;
    if (!above->adopt(links_ + i)) {  // [context.1]
      finish(above->err(), above->cause());
      break;
    }
  }
}

}  // namespace weft::detail
