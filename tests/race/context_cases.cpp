// Contexts, groups and shared calls.
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "race/race_case.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

constexpr race_case cases[] = {
    {"CancelBeforeDone", false,
     [] {
       long x = 0;
       wait_group wg;
       auto [ctx, cancel] = with_cancel(background());
       wg.go([&, &c = cancel] { x = 1, c(); });
       static_cast<void>(ctx.done().recv());
       x = 2;
       wg.wait();
     }},
    {"CancelBeforeErr", false,
     [] {
       long x = 0;
       wait_group wg;
       auto [ctx, cancel] = with_cancel(background());
       wg.go([&, &c = cancel] { x = 1, c(); });
       while (!ctx.err()) {
         yield();
       }
       x = 2;
       wg.wait();
     }},
    {"WriteAfterCancel", true,
     [] {
       long x = 0;
       finish_line end;
       auto [ctx, cancel] = with_cancel(background());
       go([&, &c = cancel] { c(), x = 1, end.pass(); });
       static_cast<void>(ctx.done().recv());
       x = 2;
       end.await(1);
     }},
    {"ErrThatIsNull", true,
     [] {
       long x = 0;
       finish_line end;
       auto [ctx, cancel] = with_cancel(background());
       go([&] { x = 1, end.pass(); });
       end.await(1);
       static_cast<void>(ctx.err());
       x = 2;
     }},
    {"CanceledWait", false,
     [] {
       long x = 0;
       wait_group wg;
       auto [ctx, cancel] = with_cancel(background());
       auto c = make_chan<int>();
       wg.go([&, &stop = cancel] { x = 1, stop(); });
       int v = 0;
       if (c.recv(ctx, v) == chan_status::canceled) {
         x = 2;
       }
       wg.wait();
     }},
    {"ValueOfAContextChanged", true,
     [] {
       finish_line end;
       auto ctx = with_value(background(), std::make_shared<int>(0));
       go([&, ctx] { ++**ctx.value<std::shared_ptr<int>>(), end.pass(); });
       ++**ctx.value<std::shared_ptr<int>>();
       end.await(1);
     }},
    {"ValueOfAContextRead", false,
     [] {
       wait_group wg;
       auto ctx = with_value(background(), std::string("value"));
       for (int i = 0; i < 4; ++i) {
         wg.go([ctx] { static_cast<void>(ctx.value<std::string>()->size()); });
       }
       wg.wait();
     }},
    {"AfterFuncOfAContext", false,
     [] {
       long x = 1;
       auto c = make_chan<int>();
       auto [ctx, cancel] = with_cancel(background());
       auto stop = after_func(ctx, [&, c] { ++x, c.send(1); });
       cancel();
       static_cast<void>(c.recv());
       ++x;
     }},
    {"AfterFuncOfATimeout", false,
     [] {
       long x = 1;
       auto c = make_chan<int>();
       auto [ctx, cancel] = with_timeout(background(), 1ms);
       auto stop = after_func(ctx, [&, c] { ++x, c.send(1); });
       static_cast<void>(c.recv());
       ++x;
     }},
    {"WriteBesideAfterFunc", true,
     [] {
       long x = 0;
       finish_line end;
       auto [ctx, cancel] = with_cancel(background());
       auto stop = after_func(ctx, [&] { x = 1, end.pass(); });
       cancel();
       x = 2;
       end.await(1);
     }},
    {"Timeouts", false,
     [] {
       wait_group wg;
       for (int i = 0; i < 8; ++i) {
         wg.go([] {
           auto [ctx, cancel] = with_timeout(background(), 1ms);
           auto [below, cancel_below] = with_cancel(ctx);
           static_cast<void>(below.done().recv());
           static_cast<void>(below.err().message());
         });
       }
       wg.wait();
     }},
    {"StopToken", false,
     [] {
       long x = 0;
       wait_group wg;
       std::stop_source source;
       auto [ctx, cancel] = with_stop_token(background(), source.get_token());
       wg.go([&] { x = 1, source.request_stop(); });
       static_cast<void>(ctx.done().recv());
       x = 2;
       wg.wait();
     }},
    {"TasksOfAGroup", true,
     [] {
       long x = 0;
       errgroup g;
       for (int i = 0; i < 2; ++i) {
         g.go([&] { ++x; });
       }
       static_cast<void>(g.wait());
     }},
    {"WaitOfAGroup", false,
     [] {
       std::vector<int> results(4);
       errgroup g;
       for (std::size_t i = 0; i < 4; ++i) {
         g.go([&, i] { results[i] = 1; });
       }
       static_cast<void>(g.wait());
       results[0] = 2;
     }},
    {"LimitOfAGroupIsNoLock", true,
     [] {
       long x = 0;
       errgroup g;
       g.set_limit(2);
       for (int i = 0; i < 2; ++i) {
         g.go([&] { ++x; });
       }
       static_cast<void>(g.wait());
     }},
    {"SharedCall", false,
     [] {
       singleflight<std::string, long> s;
       long x = 0;
       wait_group wg;
       for (int i = 0; i < 4; ++i) {
         wg.go([&] { static_cast<void>(s.do_("key", [&] { return yield(), ++x; })); });
       }
       wg.wait();
     }},
    {"ResultOfASharedCallChanged", true,
     [] {
       singleflight<std::string, long*> s;
       long x = 0;
       finish_line end;
       for (int i = 0; i < 2; ++i) {
         go([&] { ++**s.do_("key", [&] { return yield(), &x; }).value, end.pass(); });
       }
       end.await(2);
     }},
};

}  // namespace

std::span<const race_case> context_cases() { return cases; }

}  // namespace weft::testing
