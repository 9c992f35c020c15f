// Edges between goroutines that wake each other: [race] in docs/protocols.md.
#include <weft/detail/race.hpp>

#if WEFT_RACE

#include "sched/goroutine.hpp"
#include "stack/race.hpp"

namespace weft::detail::race {

namespace {
char anybody_parked;  // an address
}

void about_to_wait(goroutine* g) noexcept {
  release(&g->actor->parked);
  release(&anybody_parked);
}

void acquire_from_parked() noexcept { acquire(&anybody_parked); }

void acquire_from(goroutine* g) noexcept { acquire(&g->actor->parked); }

void notice(goroutine* g) noexcept { release(&g->actor->noticed); }

void saw_notice(goroutine* g) noexcept { acquire(&g->actor->noticed); }

// [race.4], [race.5] A goroutine that is parked runs nowhere, so its context can be borrowed. A
// foreign thread's cannot: a courier does it, who begins with what the thread did before, and
// leaves the rest for it.
WEFT_SWITCHES_CONTEXT as::as(goroutine* g) noexcept {
  // relaxed: constant.
  if (g->kind.load(relaxed) != goroutine_kind::foreign) {
    before_ = become(g->actor);
    return;
  }
  actor* courier = make_courier();
  before_ = become(courier);
  if (before_ == nullptr) {
    free_courier(courier);
    return;
  }
  courier_ = courier;
  who_ = g;
  acquire(&g->actor->parked);
}

WEFT_SWITCHES_CONTEXT as::~as() {
  if (courier_ != nullptr) {
    release(&who_->actor->noticed);
  }
  become_again(before_);
  if (courier_ != nullptr) {
    free_courier(static_cast<actor*>(courier_));
  }
}

}  // namespace weft::detail::race

#endif
