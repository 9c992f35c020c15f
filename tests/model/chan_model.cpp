// Channels and select: the real cores over a stand-in of park and ready.
#include <weft/chan.hpp>
#include <weft/select.hpp>

#include <chrono>
#include <memory>

#include "model_test.hpp"

namespace {

using threads = std::vector<std::function<void()>>;
using weft::model::require;

TEST(ChanModel, UnbufferedHandsOverBothValues) {
  weft::model::expect_holds([] {
    auto c = weft::make_chan<int>();
    auto sum = std::make_shared<int>(0);
    weft::model::at_end([sum] { require(*sum == 3, "a value was lost or doubled"); });
    return threads{[c] { c.send(1); }, [c] { c.send(2); },
                   [c, sum] {
                     *sum += *c.recv();
                     *sum += *c.recv();
                   }};
  });
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
      {.preemptions = 3});
}

// [chan.8] Work goes into a queue, then a token is left if none is there; who takes the token looks
// for work. One of both must see the other, or the work is forgotten: memory is weak here.
using operation = bool (*)(weft::chan<int>& c);  // true: it was done
void work_and_token(operation leave, operation find) {
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
      {.preemptions = 2, .stale = 4});
}

TEST(ChanModel, ATryMissesNoWork) {
  work_and_token([](auto& token) { return token.try_send(1) == weft::chan_status::ok; },
                 [](auto& work) {
                   int v = 0;
                   return work.try_recv(v) == weft::chan_status::ok;
                 });
}

TEST(SelectModel, ADefaultMissesNoWork) {
  work_and_token(
      [](auto& token) { return weft::select(weft::send(token, 1), weft::otherwise()) == 0; },
      [](auto& work) { return weft::select(weft::recv(work), weft::otherwise()) == 0; });
}

TEST(SelectModel, ATimeoutThatIsUpMissesNoWork) {
  static constexpr std::chrono::seconds at_once{0};
  work_and_token(
      [](auto& token) { return weft::select(weft::send(token, 1), weft::timeout(at_once)) == 0; },
      [](auto& work) { return weft::select(weft::recv(work), weft::timeout(at_once)) == 0; });
}

// T2: a sender that waits at close throws, or its value arrives: never both, never neither.
TEST(ChanModel, CloseMeetsSenderAndReceiver) {
  weft::model::expect_holds([] {
    struct state {
      weft::chan<int> c = weft::make_chan<int>();
      bool threw = false;
      bool received = false;
    };
    auto s = std::make_shared<state>();
    weft::model::at_end([s] { require(s->threw != s->received, "sent and refused, or neither"); });
    return threads{[s] {
                     weft::detail::chan_core* core = s->c.core();
                     int v = 7;
                     core->lock().lock();
                     s->threw = !core->send_and_unlock(&v);
                   },
                   [s] { s->received = s->c.recv().has_value(); }, [s] { s->c.close(); }};
  });
}

// SE-8: two senders meet one select over both channels: one value, one sender still waits.
TEST(SelectModel, ExactlyOneCaseHasAnEffect) {
  weft::model::expect_holds([] {
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
  });
}

// T7: two selects that send and receive crosswise pair up; the lock order does not matter.
TEST(SelectModel, CrossedSelectsPairUp) {
  weft::model::expect_holds([] {
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
  });
}

// SE-9: a waker that finds the select taken goes on to the plain receiver behind it.
TEST(SelectModel, AReceiverBehindALostSelectIsServed) {
  weft::model::expect_holds([] {
    struct state {
      weft::chan<int> a = weft::make_chan<int>();
      weft::chan<int> b = weft::make_chan<int>();
      int selected = 0;
      int plain = 0;
    };
    auto s = std::make_shared<state>();
    return threads{[s] {
                     std::optional<int> v;
                     weft::select(weft::recv(s->a, v), weft::recv(s->b, v));
                     s->selected = *v;
                     if (s->selected == 1) {
                       s->b.recv();
                     } else {
                       s->a.recv();
                     }
                   },
                   [s] { s->a.send(1); }, [s] { s->b.send(2); }};
  });
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
