// Channels and select.
#include <memory>

#include "race/race_case.hpp"

namespace weft::testing {
namespace {

constexpr race_case cases[] = {
    // ---- send and receive (MM-2, MM-3) ----
    {"WriteBeforeReceive", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(1);
       go([&, c] { x = 1, c.send(1), end.pass(); });
       end.await(1);
       x = 2;
       static_cast<void>(c.recv());
     }},
    {"WriteAfterReceive", false,
     [] {
       long x = 0;
       auto c = make_chan<int>();
       go([&, c] { x = 1, c.send(1); });
       static_cast<void>(c.recv());
       x = 2;
     }},
    {"WriteAfterSendBuffered", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(1);
       go([&, c] { c.send(1), x = 1, end.pass(); });
       static_cast<void>(c.recv());
       x = 2;
       end.await(1);
     }},
    {"ReceiveBeforeSendCompletesUnbuffered", false,
     [] {
       long x = 0;
       auto c = make_chan<int>();
       go([&, c] { x = 1, static_cast<void>(c.recv()); });
       c.send(1);
       x = 2;
     }},
    {"ReceiveDoesNotOrderABufferedSend", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(1);
       go([&, c] { x = 1, static_cast<void>(c.recv()), end.pass(); });
       c.send(1);
       x = 2;
       end.await(1);
     }},
    {"AWaitingReceiverDoesNotOrderABufferedSend", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(1);
       go([&, c] { x = 1, end.pass(), static_cast<void>(c.recv()); });
       end.await(1);
       yield();
       c.send(1);
       x = 2;
     }},
    {"SendToReceiveThroughABuffer", false,  // MM-2
     [] {
       long x = 0;
       auto c = make_chan<int>(3);
       go([&, c] { x = 1, c.send(1); });
       static_cast<void>(c.recv());
       x = 2;
     }},
    {"SendToReceiveByHandOff", false,  // MM-2: the receiver waits first
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(2);
       go([&, c] { static_cast<void>(c.recv()), x = 2, end.pass(); });
       yield();
       x = 1;
       c.send(1);
       end.await(1);
     }},
    {"SendToReceiveFromAWaitingSender", false,  // MM-2: the sender waits for room
     [] {
       long x = 0;
       auto c = make_chan<int>(1);
       c.send(0);
       go([&, c] { x = 1, c.send(1); });
       yield();
       static_cast<void>(c.recv());
       static_cast<void>(c.recv());
       x = 2;
     }},
    {"AnEarlierValueOrdersNothing", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(1);
       c.send(0);
       go([&, c] { x = 1, end.pass(), c.send(1); });
       end.await(1);
       static_cast<void>(c.recv());  // the value of before
       x = 2;
       static_cast<void>(c.recv());
     }},
    {"SharedPointeeAfterSend", true,
     [] {
       finish_line end;
       auto c = make_chan<std::shared_ptr<int>>(1);
       go([&, c] { **c.recv() = 1, end.pass(); });
       auto p = std::make_shared<int>(0);
       c.send(p);
       *p = 2;
       end.await(1);
     }},
    {"PointeeMovesWithItsOwner", false,
     [] {
       auto c = make_chan<std::unique_ptr<int>>(1);
       auto back = make_chan<std::unique_ptr<int>>();
       go([=] {
         auto p = *c.recv();
         ++*p;
         back.send(std::move(p));
       });
       c.send(std::make_unique<int>(1));
       ++**back.recv();
     }},
    {"LenIsNoReceive", true,
     [] {
       long x = 0;
       auto c = make_chan<int>(1);
       go([&, c] { x = 1, c.send(1); });
       while (c.len() == 0) {
         yield();
       }
       x = 2;
     }},
    {"FailedTryReceive", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>();
       go([&] { x = 1, end.pass(); });
       end.await(1);
       int v = 0;
       static_cast<void>(c.try_recv(v));
       x = 2;
     }},
    {"TryOperations", false,
     [] {
       long x = 0;
       int v = 0;
       auto c = make_chan<int>(1);
       go([&, c] { x = 1, static_cast<void>(c.try_send(1)); });
       while (c.try_recv(v) != chan_status::ok) {
         yield();
       }
       x = 2;
     }},
    {"ReceiversOfOneChannel", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>();
       for (int i = 0; i < 2; ++i) {
         go([&, c] { static_cast<void>(c.recv()), x = x + 1, end.pass(); });
       }
       c.send(1);
       c.send(2);
       end.await(2);
     }},
    {"SendersOfOneChannel", true,
     [] {
       long x = 0;
       auto c = make_chan<int>(2);
       for (int i = 0; i < 2; ++i) {
         go([&, c] { x = x + 1, c.send(1); });
       }
       static_cast<void>(c.recv());
       static_cast<void>(c.recv());
     }},
    {"PingPong", false,
     [] {
       long x = 0;
       auto ping = make_chan<int>(), pong = make_chan<int>();
       go([&, ping, pong] {
         while (ping.recv()) {
           ++x, pong.send(1);
         }
       });
       for (int i = 0; i < 20; ++i) {
         ++x, ping.send(1), static_cast<void>(pong.recv());
       }
       ping.close();
     }},
    // ---- a buffered channel as a semaphore (MM-4) ----
    {"BufferOfOneAsLock", false,
     [] {
       long x = 0;
       wait_group wg;
       auto lock = make_chan<unit>(1);
       for (int i = 0; i < 8; ++i) {
         wg.go([&, lock] { lock.send({}), ++x, static_cast<void>(lock.recv()); });
       }
       wg.wait();
     }},
    {"BufferOfTwoAsLock", true,
     [] {
       long x = 0;
       finish_line end;
       auto lock = make_chan<unit>(2);
       for (int i = 0; i < 2; ++i) {
         go([&, lock] { lock.send({}), ++x, static_cast<void>(lock.recv()), end.pass(); });
       }
       end.await(2);
     }},
    {"BufferAsLockTheWrongWayRound", true,
     [] {
       long x = 0;
       finish_line end;
       auto lock = make_chan<int>(1);
       for (int i = 0; i < 2; ++i) {
         go([&, lock] { ++x, lock.send(1), static_cast<void>(lock.recv()), end.pass(); });
       }
       end.await(2);
     }},
    {"TokensInABuffer", false,
     [] {
       long x = 0;
       wait_group wg;
       auto tokens = make_chan<int>(1);
       tokens.send(0);
       for (int i = 0; i < 4; ++i) {
         wg.go([&, tokens] { static_cast<void>(tokens.recv()), ++x, tokens.send(0); });
       }
       wg.wait();
     }},
    {"ReceiveOrdersTheSendThatTakesItsPlace", false,  // MM-4, the sender waits
     [] {
       long x = 0;
       auto c = make_chan<int>(2);
       c.send(0), c.send(1);
       go([&, c] { x = 1, static_cast<void>(c.recv()); });
       c.send(2);
       x = 2;
     }},
    {"ReceiveDoesNotOrderTheSendBeforeThat", true,  // MM-4: k and k + C - 1
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(2);
       c.send(0);
       go([&, c] { x = 1, static_cast<void>(c.recv()), end.pass(); });
       end.await(1);
       c.send(1);
       x = 2;
     }},
    // ---- close (MM-5) ----
    {"CloseBeforeReceive", false,
     [] {
       long x = 0;
       auto c = make_chan<int>();
       go([&, c] { x = 1, c.close(); });
       static_cast<void>(c.recv());
       x = 2;
     }},
    {"CloseWakesAll", false,
     [] {
       long x = 0, sum = 0;
       wait_group wg;
       mutex m;
       auto c = make_chan<int>();
       for (int i = 0; i < 4; ++i) {
         wg.go([&, c] {
           static_cast<void>(c.recv());
           std::lock_guard hold(m);
           sum += x;
         });
       }
       yield();
       x = 1, c.close();
       wg.wait();
     }},
    {"WriteAfterClose", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>();
       go([&, c] { c.close(), x = 1, end.pass(); });
       static_cast<void>(c.recv());
       x = 2;
       end.await(1);
     }},
    {"ValueBeforeCloseIsNotTheClose", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(1);
       c.send(1);
       go([&, c] { x = 1, c.close(), end.pass(); });
       end.await(1);
       static_cast<void>(c.recv());  // the value, not the end
       x = 2;
     }},
    {"CloseBesideSend", false,  // the sender is told; in Go it panics
     [] {
       finish_line end;
       auto c = make_chan<int>();
       go([&, c] {
         try {
           c.send(1);
         } catch (const closed_channel&) {
         }
         end.pass();
       });
       yield();
       c.close();
       end.await(1);
     }},
    {"CloseBesideSendOrdersNothing", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>(1);
       go([&, c] { x = 1, c.send(1), end.pass(); });
       end.await(1);
       c.close();
       x = 2;
     }},
    {"CloseAfterAllSends", false,
     [] {
       wait_group wg;
       auto c = make_chan<int>(4);
       for (int i = 0; i < 4; ++i) {
         wg.go([c] { c.send(1); });
       }
       wg.wait();
       c.close();
     }},
    // ---- select ----
    {"SelectTakesOneOfTwo", true,
     [] {
       long x = 0;
       finish_line end;
       auto a = make_chan<int>(1), b = make_chan<int>(1);
       go([&, a] { x = 1, a.send(1), end.pass(); });
       go([&, b] { b.send(1), end.pass(); });
       end.await(2);
       select_biased(recv(b), recv(a));
       x = 2;
     }},
    {"SelectBranches", false,
     [] {
       long x = 0, y = 0;
       auto a = make_chan<int>(), b = make_chan<int>();
       go([&, a] { x = 1, a.send(1); });
       go([&, b] { y = 1, b.send(1); });
       for (int i = 0; i < 2; ++i) {
         ++(select(recv(a), recv(b)) == 0 ? x : y);
       }
     }},
    {"SelectDefault", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>();
       go([&] { x = 1, end.pass(); });
       end.await(1);
       select(recv(c), otherwise());
       x = 2;
     }},
    {"SelectSend", false,
     [] {
       long x = 0;
       auto a = make_chan<int>(), b = make_chan<int>();
       go([&, a, b] { x = 1, static_cast<void>(select(send(a, 1), send(b, 1))); });
       static_cast<void>(a.recv());
       x = 2;
     }},
    {"SelectOfBuffers", false,
     [] {
       long x = 0;
       auto a = make_chan<int>(2), b = make_chan<int>(2);
       go([&, a] { x = 1, a.send(1); });
       select(recv(b), recv(a));
       x = 2;
     }},
    // ---- what lies on stacks that are used again ----
    {"ValuesOnStacks", false,
     [] {
       wait_group wg;
       auto c = make_chan<int>();
       for (int i = 0; i < 50; ++i) {
         wg.go([c] {
           int local[64] = {};
           int* volatile p = local;  // escapes, so that accesses are looked at
           for (int k = 0; k < 64; ++k) {
             p[k] = k;
           }
           c.send(p[3]);
         });
         int got = *c.recv();
         static_cast<void>(got);
       }
       wg.wait();
     }},
};

}  // namespace

std::span<const race_case> chan_cases() { return cases; }

}  // namespace weft::testing
