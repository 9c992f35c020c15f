// Sleeping, timers and functions that they start (MM-8).
#include <chrono>

#include "race/race_case.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

constexpr race_case cases[] = {
    {"SleepOrdersNothing", true,
     [] {
       long x = 0;
       finish_line end;
       go([&] { x = 1, end.pass(); });
       sleep(1ms);
       x = 2;
       end.await(1);
     }},
    {"WritesBeforeATimer", false,
     [] {
       long x = 1;
       auto c = make_chan<int>();
       auto t = after_func(1ms, [&, c] { ++x, c.send(1); });
       static_cast<void>(c.recv());
       ++x;
     }},
    {"WritesAfterATimerIsSet", true,
     [] {
       long x = 0;
       finish_line end;
       auto t = after_func(0ms, [&] { x = 1, end.pass(); });
       x = 2;
       end.await(1);
     }},
    {"EndOfATimersFunction", true,
     [] {
       long x = 0;
       finish_line end;
       auto t = after_func(0ms, [&] { x = 1, end.pass(); });
       end.await(1);
       static_cast<void>(t.stop());
       x = 2;
     }},
    {"TwoTimersFunctions", true,
     [] {
       long x = 0;
       finish_line end;
       auto a = after_func(0ms, [&] { ++x, end.pass(); });
       auto b = after_func(0ms, [&] { ++x, end.pass(); });
       end.await(2);
     }},
    {"StoppedInTime", false,
     [] {
       long x = 0;
       auto t = after_func(1h, [&] { x = 1; });
       if (t.stop()) {
         x = 2;
       }
     }},
    {"ResetBeforeItsReceive", false,
     [] {
       long x = 0;
       finish_line end;
       timer t(1h);
       go([&] { static_cast<void>(t.chan().recv()), x = 2, end.pass(); });
       x = 1;
       t.reset(1ms);
       end.await(1);
     }},
    {"Ticker", false,
     [] {
       long x = 0;
       auto c = make_chan<int>();
       ticker t(1ms);
       go([&, c] {
         for (int i = 0; i < 3; ++i) {
           static_cast<void>(t.chan().recv()), ++x;
         }
         c.send(1);
       });
       static_cast<void>(c.recv());
       ++x;
     }},
    {"TimeoutOfASelectOrdersNothing", true,
     [] {
       long x = 0;
       finish_line end;
       auto c = make_chan<int>();
       go([&] { x = 1, end.pass(); });
       select(recv(c), timeout(1ms));
       x = 2;
       end.await(1);
     }},
    {"ManySleepers", false,
     [] {
       long x = 0;
       mutex m;
       wait_group wg;
       for (int i = 0; i < 50; ++i) {
         wg.go([&, i] {
           sleep(i % 5 * 1ms);
           std::lock_guard hold(m);
           ++x;
         });
       }
       wg.wait();
     }},
};

}  // namespace

std::span<const race_case> time_cases() { return cases; }

}  // namespace weft::testing
