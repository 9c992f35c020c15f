// semaphore: the real source over a stand-in of park and ready.
#include <weft/detail/cancelable.hpp>
#include <weft/semaphore.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <memory>

#include "model_test.hpp"

namespace {

using threads = std::vector<std::function<void()>>;
using weft::model::require;
using namespace std::chrono_literals;

struct model_context {
  weft::detail::done_signal signal;
  weft::error err() const { return signal.done() ? weft::canceled : weft::error{}; }
  weft::detail::done_signal* wake_source() const {
    return const_cast<weft::detail::done_signal*>(&signal);
  }
};

struct state {
  weft::semaphore tokens{2};
  model_context ctx;
  int held = 0;

  void use(int n) {
    held += n;
    require(held <= 2, "more tokens than there are");
    weft::detail::model_step();
    give_back(n);
  }
  void give_back(int n) {
    held -= n;
    tokens.release(n);
  }
};

std::shared_ptr<state> fresh() {
  auto s = std::make_shared<state>();
  weft::model::at_end(
      [s] { require(s->tokens.try_acquire(2), "a token is lost, or somebody is queued still"); });
  return s;
}

// SW-1
TEST(SemaphoreModel, TokensAreNeitherLostNorMade) {
  weft::model::expect_holds(
      [] {
        auto s = fresh();
        const auto user = [s](int n) {
          return [s, n] {
            s->tokens.acquire(n);
            s->use(n);
          };
        };
        return threads{user(1), user(2), user(1), user(2)};
      },
      {}, {"SemaphoreReleaseGrantsNobody"});
}

// SW-2
TEST(SemaphoreModel, AGrantAndACancelHaveOneOutcome) {
  weft::model::expect_holds(
      [] {
        auto s = fresh();
        s->tokens.acquire(2);
        s->held = 2;
        return threads{[s] {
                         if (!s->tokens.acquire(s->ctx, 2)) {
                           s->use(2);
                         }
                       },
                       [s] { s->give_back(2); }, [s] { s->ctx.signal.fire(); },
                       [s] {
                         s->tokens.acquire(1);
                         s->use(1);
                       }};
      },
      {}, {"SemaphoreGrantsToOneWhoGaveUp"});
}

// SW-4: the one behind a head that gives up gets in, though nobody releases any more.
TEST(SemaphoreModel, AHeadThatGivesUpLetsTheNextIn) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<state>();
        s->tokens.acquire(1);
        weft::model::at_end([s] {
          s->tokens.release(1);
          require(s->tokens.try_acquire(2), "a token is lost, or somebody is queued still");
        });
        return threads{[s] { require(!s->tokens.try_acquire_for(1ns, 2), "two of one"); },
                       [s] {
                         s->tokens.acquire(1);
                         s->tokens.release(1);
                       }};
      },
      {.preemptions = 4}, {"SemaphoreWhoGivesUpLetsNobodyIn"});
}

// [semaphore.2] Both that fit are let in: each waits for the other before it gives its token back.
TEST(SemaphoreModel, OneReleaseLetsAllInThatFit) {
  weft::model::expect_holds(
      [] {
        auto s = fresh();
        s->tokens.acquire(2);
        auto inside = std::make_shared<weft::wait_group>();
        inside->add(2);
        const auto user = [s, inside] {
          s->tokens.acquire(1);
          inside->done();
          inside->wait();
          s->tokens.release(1);
        };
        return threads{user, user, [s] { s->tokens.release(2); }};
      },
      {}, {"SemaphoreGrantsToTheFirstOnly"});
}

// HZ-1
TEST(SemaphoreModel, MayBeDestroyedByTheOneThatWasWaitedFor) {
  weft::model::expect_holds(
      [] {
        struct one_token : weft::semaphore {
          one_token() : weft::semaphore(1) {}
        };
        struct scene {
          weft::model::mortal<one_token> tokens;
        };
        auto s = std::make_shared<scene>();
        s->tokens->acquire();
        weft::model::at_end([s] { require(s->tokens.intact(), "touched after the wake-up"); });
        return threads{[s] { s->tokens->release(); },
                       [s] {
                         s->tokens->acquire();
                         s->tokens.destroy();
                       }};
      },
      {.preemptions = 4});
}

}  // namespace
