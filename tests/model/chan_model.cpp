// Channels and select: the real cores over a stand-in of park and ready.
#include <weft/chan.hpp>
#include <weft/select.hpp>

#include <chrono>
#include <initializer_list>
#include <memory>

#include "model_test.hpp"

namespace {

using threads = std::vector<std::function<void()>>;
using weft::model::require;

TEST(ChanModel, UnbufferedHandsOverBothValues) {
  weft::model::expect_holds(
      [] {
        auto c = weft::make_chan<int>();
        auto sum = std::make_shared<int>(0);
        weft::model::at_end([sum] { require(*sum == 3, "a value was lost or doubled"); });
        return threads{[c] { c.send(1); }, [c] { c.send(2); },
                       [c, sum] {
                         *sum += *c.recv();
                         *sum += *c.recv();
                       }};
      },
      {}, {"ChanValueIsMovedAfterTheWake"});
}

TEST(ChanModel, BufferedKeepsOrderAndBlocksWhenFull) {
  weft::model::expect_holds(
      [] {
        auto c = weft::make_chan<int>(1);
        return threads{[c] {
                         c.send(1);
                         c.send(2);
                         c.send(3);
                         c.close();
                       },
                       [c] {
                         int expected = 1;
                         for (int v : c) {
                           require(v == expected++, "out of order");
                         }
                         require(expected == 4, "a value was lost");
                       }};
      },
      {.preemptions = 3}, {"ChanRefillIsForgotten", "ChanCloseWakesNoReceiver"});
}

// [chan.8] Work goes into a queue, then a token is left if none is there; who takes the token looks
// for work. One of both must see the other, or the work is forgotten: memory is weak here.
using operation = bool (*)(weft::chan<int>& c);  // true: it was done
void work_and_token(operation leave, operation find,
                    std::initializer_list<const char*> but_not_with = {}) {
  weft::model::expect_holds(
      [leave, find] {
        struct state {
          weft::chan<int> work = weft::make_chan<int>(1);
          weft::chan<int> token = weft::make_chan<int>(1);
          bool no_room = false;
          bool no_work = false;
        };
        auto s = std::make_shared<state>();
        s->token.send(0);
        weft::model::at_end(
            [s] { require(!s->no_room || !s->no_work, "work without a token: it is forgotten"); });
        return threads{[s, leave] {
                         s->work.send(1);
                         s->no_room = !leave(s->token);
                       },
                       [s, find] {
                         static_cast<void>(s->token.recv());
                         s->no_work = !find(s->work);
                       }};
      },
      {.preemptions = 2, .stale = 4}, but_not_with);
}

TEST(ChanModel, ATryMissesNoWork) {
  work_and_token([](auto& token) { return token.try_send(1) == weft::chan_status::ok; },
                 [](auto& work) {
                   int v = 0;
                   return work.try_recv(v) == weft::chan_status::ok;
                 },
                 {"ChanTryLooksWithoutTheLock"});
}

TEST(SelectModel, ADefaultMissesNoWork) {
  work_and_token(
      [](auto& token) { return weft::select(weft::send(token, 1), weft::otherwise()) == 0; },
      [](auto& work) { return weft::select(weft::recv(work), weft::otherwise()) == 0; },
      {"SelectTimeoutWithoutSecondPass"});
}

TEST(SelectModel, ATimeoutThatIsUpMissesNoWork) {
  static constexpr std::chrono::seconds at_once{0};
  work_and_token(
      [](auto& token) { return weft::select(weft::send(token, 1), weft::timeout(at_once)) == 0; },
      [](auto& work) { return weft::select(weft::recv(work), weft::timeout(at_once)) == 0; },
      {"SelectTimeoutWithoutSecondPass"});
}

// T2: a sender that waits at close throws, or its value arrives: never both, never neither.
TEST(ChanModel, CloseMeetsSenderAndReceiver) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::chan<int> c = weft::make_chan<int>();
          bool threw = false;
          bool received = false;
        };
        auto s = std::make_shared<state>();
        weft::model::at_end(
            [s] { require(s->threw != s->received, "sent and refused, or neither"); });
        return threads{[s] {
                         weft::detail::chan_core* core = s->c.core();
                         int v = 7;
                         core->lock().lock();
                         s->threw = !core->send_and_unlock(&v);
                       },
                       [s] { s->received = s->c.recv().has_value(); }, [s] { s->c.close(); }};
      },
      {}, {"ChanCloseWakesNoSender"});
}

// [chan.7] In a model a portion is one receiver. Those that are woken drop their handles, and that
// of whoever closes: the channel is there until the close is through.
TEST(ChanModel, ACloseInPortionsOutlivesTheHandlesOfThoseItWakes) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::chan<int> own[2];
          weft::chan<int> closing = weft::make_chan<int>();
          int left = 2;
        };
        weft::model::keep_freed();
        auto s = std::make_shared<state>();
        s->own[0] = s->own[1] = s->closing;
        const auto receiver = [s](int i) {
          return [s, i] {
            require(!s->own[i].recv(), "a value that nobody sent");
            s->own[i] = nullptr;
            if (--s->left == 0) {
              s->closing = nullptr;
            }
          };
        };
        return threads{receiver(0), receiver(1), [s] { s->closing.core()->close(); }};
      },
      {.preemptions = 3}, {"ChanCloseKeepsNoReference"});
}

// SE-8: two senders meet one select over both channels: one value, one sender still waits.
TEST(SelectModel, ExactlyOneCaseHasAnEffect) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::chan<int> a = weft::make_chan<int>();
          weft::chan<int> b = weft::make_chan<int>();
          int got = 0;
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] { require(s->got == 3, "a value was lost or doubled"); });
        return threads{[s] { s->a.send(1); }, [s] { s->b.send(2); },
                       [s] {
                         std::optional<int> v;
                         for (int i = 0; i < 2; ++i) {
                           weft::select(weft::recv(s->a, v), weft::recv(s->b, v));
                           s->got += *v;
                         }
                       }};
      },
      {}, {"ClaimThatIsLostIsTaken"});
}

// T7: two selects that send and receive crosswise pair up; the lock order does not matter.
TEST(SelectModel, CrossedSelectsPairUp) {
  weft::model::expect_holds(
      [] {
        auto a = weft::make_chan<int>();
        auto b = weft::make_chan<int>();
        return threads{[a, b] {
                         int x = 1;
                         weft::select(weft::send(a, x), weft::recv(b));
                       },
                       [a, b] {
                         int x = 2;
                         weft::select(weft::send(b, x), weft::recv(a));
                       }};
      },
      {}, {"SelectWithoutSecondPass"});
}

// SE-9: a waker that finds the select taken goes on to the plain receiver behind it.
TEST(SelectModel, AReceiverBehindALostSelectIsServed) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::chan<int> a = weft::make_chan<int>();
          weft::chan<int> b = weft::make_chan<int>();
        };
        auto s = std::make_shared<state>();
        return threads{[s] {
                         std::optional<int> v;
                         weft::select(weft::recv(s->a, v), weft::recv(s->b, v));
                         if (*v == 1) {  // what the plain receiver was to have
                           s->b.recv();
                           s->a.send(1);
                         }
                       },
                       [s] { require(s->a.recv() == 1, "another value"); }, [s] { s->a.send(1); },
                       [s] { s->b.send(2); }};
      },
      {}, {"ClaimThatIsLostEndsTheSearch"});
}

// [claim.3]
TEST(SelectModel, WhoWasWokenIsInNoOtherQueue) {
  weft::model::expect_holds(
      [] {
        struct state {
          weft::chan<int> a = weft::make_chan<int>();
          weft::chan<int> b = weft::make_chan<int>();
        };
        auto s = std::make_shared<state>();
        weft::model::at_end([s] {
          require(s->b.core()->receivers().empty() && s->b.core()->senders().empty(),
                  "still in the queue of the other case");
        });
        return threads{[s] { weft::select(weft::recv(s->a), weft::recv(s->b)); },
                       [s] { s->a.send(1); }};
      },
      {.preemptions = 4}, {"SelectStaysInTheOtherQueues"});
}

TEST(SelectModel, CloseWakesASelect) {
  weft::model::expect_holds(
      [] {
        auto a = weft::make_chan<int>();
        auto b = weft::make_chan<int>();
        return threads{[a, b] {
                         std::optional<int> v;
                         const std::size_t i = weft::select(weft::recv(a, v), weft::recv(b, v));
                         require(i == 1 && !v.has_value(), "the closed channel's case");
                       },
                       [b] { b.close(); }};
      },
      {.preemptions = 4});
}

}  // namespace
