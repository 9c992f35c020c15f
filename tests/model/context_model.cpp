// The tree of contexts: cancelling against creating, destroying, cancelling again, stopping.
// [context] in docs/protocols.md.
#include <weft/context.hpp>
#include <weft/detail/spawn.hpp>

#include <memory>
#include <utility>

#include "merged.hpp"
#include "model_test.hpp"
#include "sched/goroutine.hpp"

// ---- what the sources need from above and below ----

namespace weft {

std::size_t num_goroutines() noexcept { return 1; }

namespace detail {

// A goroutine runs at once, to its end.
new_goroutine begin_spawn(std::source_location) {
  auto* g = new goroutine;
  return {g, g->closure};
}
void finish_spawn(goroutine* g, void (*run)(void*)) noexcept {
  run(g->closure);
  delete g;
}
void abandon_spawn(goroutine* g) noexcept { delete g; }

cancel_node* attach_point(const context_node* n) {
  return static_cast<cancel_node*>(n->provider());
}
std::int64_t deadline_of(const context_node*) { return never; }
void throw_nil_context(const char*) {
  model::require(false, "nil context");
  std::abort();
}

}  // namespace detail
}  // namespace weft

namespace {

using weft::canceled;
using weft::error;
using weft::detail::cancel_node;
using weft::detail::context_kind;
using weft::detail::context_node;
using weft::detail::merged_node;
using weft::detail::release_node;
using weft::model::require;
using threads = std::vector<std::function<void()>>;

constexpr weft::static_error parent_record{"parent"}, own_record{"own"};
constexpr error parent_cause{parent_record}, own_cause{own_record};

int nodes = 0;  // of the execution

cancel_node* make(cancel_node* above) {
  ++nodes;
  auto* n = new cancel_node(context_kind::cancel, above, above, weft::detail::never,
                            [](context_node* dead) noexcept {
                              --nodes;
                              delete static_cast<cancel_node*>(dead);
                            });
  n->join();
  return n;
}

// A reference that goes with the execution.
struct held {
  explicit held(cancel_node* n) : node(n) {}
  held(held&& o) noexcept : node(std::exchange(o.node, nullptr)) {}
  ~held() { drop(); }
  void drop() {
    if (node != nullptr) {
      release_node(std::exchange(node, nullptr));
    }
  }
  cancel_node* operator->() const { return node; }
  cancel_node* node;
};

bool closed(const weft::recv_chan<weft::unit>& c) {
  weft::unit v;
  return c.try_recv(v) == weft::chan_status::closed;
}

// CX-16
TEST(ContextModel, AChildMadeDuringTheCancelOfItsParentEndsUpDone) {
  weft::model::expect_holds(
      [] {
        nodes = 0;
        struct state {
          held parent{make(nullptr)};
          held child{nullptr};
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] {
          require(s->child->is_done(), "the child is not done");
          require(s->child->cause() == parent_cause, "it has another cause");
        });
        return threads{[s] { s->parent->cancel(canceled, parent_cause); },
                       [s] { s->child.node = make(s->parent.node); }};
      },
      {}, {"ContextChildIsLinkedToADoneParent"});
}

// CX-2, CX-9: whoever comes second returns only when all is done, too.
TEST(ContextModel, WhenACancelReturnsAllBelowIsDone) {
  weft::model::expect_holds(
      [] {
        nodes = 0;
        struct state {
          held top{make(nullptr)};
          held middle{make(top.node)};
          held leaf{make(middle.node)};
          weft::recv_chan<weft::unit> done = leaf->done_channel();
        };
        auto s = std::make_shared<state>();
        const auto check = [s] {
          require(s->middle->is_done() && s->leaf->is_done(), "not done");
          require(closed(s->done), "its channel is open");
          require(s->leaf->cause() == s->middle->cause(), "another cause than its parent");
        };
        return threads{[s, check] {
                         s->top->cancel(canceled, parent_cause);
                         check();
                       },
                       [s, check] {
                         s->middle->cancel(canceled, own_cause);
                         check();
                       }};
      },
      {.preemptions = 3}, {"ContextSettlesBeforeItsChildren", "ContextCancelSkipsAChild"});
}

TEST(ContextModel, WhenASecondCancelOfTheSameReturnsAllBelowIsDone) {
  weft::model::expect_holds(
      [] {
        nodes = 0;
        struct state {
          held top{make(nullptr)};
          held middle{make(top.node)};
          held leaf{make(middle.node)};
        };
        auto s = std::make_shared<state>();
        const auto cancel = [s] {
          s->top->cancel(canceled, parent_cause);
          require(s->middle->is_done() && s->leaf->is_done(), "not done");
        };
        return threads{cancel, cancel};
      },
      {}, {"ContextSecondCancellerDoesNotHelp"});
}

// CX-14
TEST(ContextModel, AChildMayBeDestroyedWhileItsParentIsCancelled) {
  weft::model::expect_holds(
      [] {
        nodes = 0;
        struct state {
          held parent{make(nullptr)};
          held child{make(parent.node)};
          held grandchild{make(child.node)};
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] {
          s->parent.drop();
          require(nodes == 0, "a node is left");
        });
        return threads{[s] { s->parent->cancel(canceled, parent_cause); },
                       [s] {
                         s->child.drop();
                         s->grandchild.drop();
                       }};
      },
      {.preemptions = 3});
}

TEST(ContextModel, AChildThatIsCancelledAndDestroyedLeavesNothing) {
  weft::model::expect_holds([] {
    nodes = 0;
    struct state {
      held parent{make(nullptr)};
      held child{make(parent.node)};
    };
    auto s = std::make_shared<state>();
    weft::model::at_end([s] {
      s->parent.drop();
      require(nodes == 0, "a node is left");
    });
    return threads{[s] {
                     s->parent->cancel(canceled, parent_cause);
                     s->parent.drop();
                   },
                   [s] {
                     s->child->cancel(canceled, own_cause);
                     s->child.drop();
                   }};
  });
}

// CX-3, CX-5
TEST(ContextModel, AnErrorIsSeenOnlyWithTheChannelClosedAndTheOtherWayRound) {
  weft::model::expect_holds(
      [] {
        nodes = 0;
        struct state {
          held node{make(nullptr)};
          weft::recv_chan<weft::unit> done = node->done_channel();
        };
        auto s = std::make_shared<state>();
        return threads{[s] { s->node->cancel(canceled, parent_cause); },
                       [s] {
                         if (s->node->err()) {
                           require(closed(s->done), "an error, and the channel is open");
                         }
                       },
                       [s] {
                         if (closed(s->done)) {
                           require(s->node->err() == canceled, "closed, and no error");
                           require(s->node->cause() == parent_cause, "closed, and no cause");
                         }
                       }};
      },
      {.preemptions = 3}, {"ContextErrorIsSeenBeforeItsChannelIsClosed"});
}

// CX-4: asked for while it is being cancelled.
TEST(ContextModel, AChannelMadeDuringTheCancelIsClosed) {
  weft::model::expect_holds(
      [] {
        nodes = 0;
        struct state {
          held node{make(nullptr)};
          weft::recv_chan<weft::unit> a, b;
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] {
          require(s->a == s->b, "two channels");
          require(closed(s->a), "it is open");
        });
        return threads{[s] { s->node->cancel(canceled, parent_cause); },
                       [s] { s->a = s->node->done_channel(); },
                       [s] { s->b = s->node->done_channel(); }};
      },
      {.preemptions = 3});
}

TEST(ContextModel, TheChannelOfADoneNodeIsClosedForWhoeverAsks) {
  weft::model::expect_holds([] {
    nodes = 0;
    struct state {
      held node{make(nullptr)};
    };
    auto s = std::make_shared<state>();
    s->node->cancel(canceled, parent_cause);
    const auto ask = [s] { require(closed(s->node->done_channel()), "it is open"); };
    return threads{ask, ask};
  });
}

// U-14
TEST(ContextModel, TwoSweepsThatMeetInAMergedNodeBothReturnWithAllDone) {
  weft::model::expect_holds([] {
    nodes = 0;
    struct state {
      held a{make(nullptr)};
      held b{make(nullptr)};
      held merged{nullptr};
      held below{nullptr};
      state() {
        const context_node* parents[] = {a.node, b.node};
        cancel_node* points[] = {a.node, b.node};
        auto* m = merged_node::make(parents, points, weft::detail::never);
        m->join_all();
        merged.node = m;
        below.node = make(m);
      }
    };
    auto s = std::make_shared<state>();
    weft::model::at_end([s] {
      s->a.drop();
      s->b.drop();
      s->merged.drop();
      s->below.drop();
      require(nodes == 0, "a node is left");
    });
    const auto check = [s] {
      require(s->merged->is_done() && s->below->is_done(), "not done");
      require(closed(s->below->done_channel()), "its channel is open");
      require(s->merged->cause() == s->below->cause(), "different causes");
    };
    return threads{[s, check] {
                     s->a->cancel(canceled, parent_cause);
                     check();
                   },
                   [s, check] {
                     s->b->cancel(canceled, own_cause);
                     check();
                   }};
  });
}

// [context.8]
TEST(ContextModel, AMergedNodeMadeWhileAParentIsCancelledIsLinkedNowhereInTheEnd) {
  weft::model::expect_holds(
      [] {
        nodes = 0;
        struct state {
          held a{make(nullptr)};
          held b{make(nullptr)};
          held merged{nullptr};
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] {
          require(s->merged->is_done(), "not done");
          // finish() tells whether there is something in the list.
          require(!s->b->finish(canceled, canceled), "it is still in its second parent's list");
        });
        return threads{[s] { s->a->cancel(canceled, parent_cause); },
                       [s] {
                         const context_node* parents[] = {s->a.node, s->b.node};
                         cancel_node* points[] = {s->a.node, s->b.node};
                         auto* m = merged_node::make(parents, points, weft::detail::never);
                         m->join_all();
                         s->merged.node = m;
                       }};
      },
      {}, {"ContextMergedStaysInOneList"});
}

// CX-13
TEST(ContextModel, ACallbackRunsOnceOrIsStoppedOnce) {
  weft::model::expect_holds([] {
    nodes = 0;
    struct state {
      held node{make(nullptr)};
      weft::stop_function stop;
      int ran = 0;
      int stopped = 0;
    };
    auto s = std::make_shared<state>();
    auto* call = new weft::detail::typed_context_call<std::function<void()>>(
        [p = s.get()] { ++p->ran; }, std::source_location::current());
    weft::detail::register_call(*s->node.node, call);
    s->stop = weft::detail::context_access::stopper(call);
    weft::model::at_end([s] {
      require(s->ran + s->stopped == 1, "not exactly once");
      s->stop = {};
      s->node.drop();
      require(nodes == 0, "a node is left");
    });
    const auto stop = [s] { s->stopped += s->stop.stop() ? 1 : 0; };
    return threads{[s] { s->node->cancel(canceled, parent_cause); }, stop, stop};
  });
}

// A wait with the context: [limit] meets [context].
TEST(ContextModel, AWaiterIsWokenWithItsErrorSet) {
  weft::model::expect_holds([] {
    nodes = 0;
    struct state {
      held parent{make(nullptr)};
      held child{make(parent.node)};
    };
    auto s = std::make_shared<state>();
    return threads{[s] { s->parent->cancel(canceled, parent_cause); },
                   [s] {
                     using namespace weft::detail;
                     const auto ticket = open_claim(self());
                     park_limited(
                         wait_reason::sleep, ticket, {never, s->child.node}, [](void*) noexcept {},
                         nullptr);
                     require(s->child->err() == canceled, "woken without an error");
                   }};
  });
}

}  // namespace
