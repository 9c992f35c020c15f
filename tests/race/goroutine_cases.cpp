// Goroutines, threads beside them, and what is theirs.
#include <array>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "race/race_case.hpp"

namespace weft::testing {
namespace {

goroutine_local<std::shared_ptr<int>> inherited(nullptr, inheritance::copy);

constexpr race_case cases[] = {
    {"GoStatement", false,  // MM-1
     [] {
       long x = 1;
       wait_group wg;
       wg.go([&] { x = 2; });
       wg.wait();
     }},
    {"WriteAfterGo", true,
     [] {
       long x = 0;
       finish_line end;
       go([&] { x = 1, end.pass(); });
       x = 2;
       end.await(1);
     }},
    {"OneAfterTheOtherOnOneWorker", true,
     [] {
       long x = 0;
       finish_line end;
       go([&] { x = 1, end.pass(); });
       end.await(1);
       go([&] { x = 2, end.pass(); });
       end.await(2);
     }},
    {"EndOfAGoroutineOrdersNothing", true,  // GR-3
     [] {
       long x = 0;
       finish_line end;
       go([&] { x = 1, end.pass(); });
       end.await(1);
       x = 2;
     }},
    {"LoopVariableByReference", true,
     [] {
       long i = 0;
       finish_line end;
       for (; i < 2; ++i) {
         go([&] { look(i), end.pass(); });
       }
       end.await(2);
     }},
    {"LoopVariableByValue", false,
     [] {
       wait_group wg;
       for (int i = 0; i < 4; ++i) {
         wg.go([i] { look(i); });
       }
       wg.wait();
     }},
    {"YieldOrdersNothing", true,
     [] {
       long x = 0;
       finish_line end;
       go([&] { x = 1, yield(), end.pass(); });
       yield();
       x = 2;
       end.await(1);
     }},
    {"SharedCounter", true,
     [] {
       long x = 0;
       finish_line end;
       for (int i = 0; i < 4; ++i) {
         go([&] { ++x, end.pass(); });
       }
       end.await(4);
     }},
    {"AtomicCounter", false,
     [] {
       std::atomic<int> x = 0;
       int y = 0;
       for (int i = 0; i < 4; ++i) {
         go([&] { ++x; });
       }
       while (x != 4) {
         yield();
       }
       y = x;
       static_cast<void>(y);
     }},
    {"AtomicFlag", false,
     [] {
       long x = 0;
       std::atomic<bool> ready = false;
       go([&] { x = 1, ready = true; });
       while (!ready) {
         yield();
       }
       x = 2;
     }},
    {"PlainFlag", true,
     [] {
       long stop = 0;
       finish_line end;
       go([&] {
         for (int i = 0; i < 3 && stop == 0; ++i) {
           yield();
         }
         end.pass();
       });
       yield();
       stop = 1;
       end.await(1);
     }},
    {"LargeClosures", false,
     [] {
       wait_group wg;
       for (int i = 0; i < 20; ++i) {
         wg.go(
             [v = std::vector<int>(100, i), big = std::array<int, 64>{}] { look(v[1] + big[2]); });
       }
       wg.wait();
     }},
    {"RecordsAndStacksUsedAgain", false,
     [] {
       finish_line end;
       for (int i = 0; i < 500; ++i) {
         go([&, i] {
           int local[32] = {};
           int* volatile p = local;
           p[i % 32] = i;
           yield();
           p[(i + 1) % 32] = p[i % 32];
           end.pass();
         });
         if (i % 7 == 0) {
           end.await(i + 1);
         }
       }
       end.await(500);
     }},
    {"DestructorsDuringGoexit", true,
     [] {
       long x = 0;
       finish_line end;
       go([&] {
         struct at_end {
           long& x;
           finish_line& end;
           ~at_end() { x = 1, end.pass(); }
         } cleanup{x, end};
         goexit();
       });
       x = 2;
       end.await(1);
     }},
    {"GoroutineLocal", false,
     [] {
       static goroutine_local<int> own(0);
       wait_group wg;
       for (int i = 0; i < 8; ++i) {
         wg.go([i] { *own = i, yield(), *own = *own + 1; });
       }
       wg.wait();
     }},
    {"InheritedPointer", true,
     [] {
       finish_line end;
       *inherited = std::make_shared<int>(0);
       go([&] { ++**inherited, end.pass(); });
       ++**inherited;
       end.await(1);
     }},
    {"GoroutinesOfGoroutines", false,
     [] {
       long x = 0;
       auto c = make_chan<int>();
       ++x;
       go([&, c] { ++x, go([&, c] { ++x, c.send(1); }); });
       static_cast<void>(c.recv());
       ++x;
     }},
    // ---- threads that are no workers ----
    {"ThreadBesideGoroutine", true,
     [] {
       long x = 0;
       finish_line end;
       std::thread t([&] { x = 1, end.pass(); });
       end.await(1);
       x = 2;
       t.join();
     }},
    {"ThreadSends", false,
     [] {
       long x = 0;
       auto c = make_chan<int>(), back = make_chan<int>();
       std::thread t([&, c, back] {
         for (int i = 0; i < 20; ++i) {
           ++x, c.send(1), static_cast<void>(back.recv());
         }
       });
       for (int i = 0; i < 20; ++i) {
         static_cast<void>(c.recv()), ++x, back.send(1);
       }
       t.join();
     }},
    {"ThreadsAtABuffer", false,
     [] {
       long x = 0;
       auto lock = make_chan<int>(1);
       const auto work = [&, lock] {
         for (int i = 0; i < 50; ++i) {
           lock.send(1), ++x, static_cast<void>(lock.recv());
         }
       };
       std::thread a(work), b(work);
       wait_group wg;
       wg.go(work);
       wg.wait();
       a.join(), b.join();
     }},
    {"ThreadStartsGoroutine", false,
     [] {
       long x = 0;
       wait_group wg;
       std::thread([&] { x = 1, wg.go([&] { x = 2; }); }).join();
       wg.wait();
       x = 3;
     }},
    {"ThreadAndMutex", false,
     [] {
       long x = 0;
       mutex m;
       const auto work = [&] {
         for (int i = 0; i < 50; ++i) {
           std::lock_guard hold(m);
           ++x;
         }
       };
       std::thread t(work);
       work();
       t.join();
     }},
};

}  // namespace

std::span<const race_case> goroutine_cases() { return cases; }

}  // namespace weft::testing
