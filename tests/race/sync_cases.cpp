// Mutexes and the other ways to wait for each other (MM-6).
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "race/race_case.hpp"

namespace weft::testing {
namespace {

// Two goroutines that do the same.
template <class F>
void twice(F f) {
  finish_line end;
  for (int i = 0; i < 2; ++i) {
    go([&] { f(), end.pass(); });
  }
  end.await(2);
}

constexpr race_case cases[] = {
    // ---- mutex ----
    {"Mutex", false,
     [] {
       long x = 0;
       mutex m;
       twice([&] {
         std::lock_guard hold(m);
         ++x;
       });
     }},
    {"MutexContended", false,
     [] {
       long x = 0;
       mutex m;
       wait_group wg;
       for (int i = 0; i < 8; ++i) {
         wg.go([&] {
           for (int k = 0; k < 20; ++k) {
             std::lock_guard hold(m);
             yield();  // so that the others queue
             ++x;
           }
         });
       }
       wg.wait();
     }},
    {"LockForgottenByOne", true,
     [] {
       long x = 0;
       mutex m;
       finish_line end;
       go([&] { m.lock(), ++x, m.unlock(), end.pass(); });
       go([&] { ++x, end.pass(); });
       end.await(2);
     }},
    {"EachItsOwnMutex", true,
     [] {
       long x = 0;
       twice([&] {
         mutex m;
         std::lock_guard hold(m);
         ++x;
       });
     }},
    {"WriteAfterUnlock", true,
     [] {
       long x = 0;
       mutex m;
       twice([&] { m.lock(), m.unlock(), ++x; });
     }},
    {"FailedTryLock", true,
     [] {
       long x = 0;
       mutex m;
       finish_line end;
       m.lock();
       x = 1;
       go([&] { static_cast<void>(m.try_lock()), x = 2, end.pass(); });
       end.await(1);
       x = 3;
       m.unlock();
     }},
    {"AQueueingWaiterOrdersNothing", true,
     [] {
       long x = 0;
       mutex m;
       finish_line end;
       m.lock();
       go([&] { x = 1, end.pass(), m.lock(), m.unlock(); });
       end.await(1);
       yield();
       m.unlock();
       x = 2;
     }},
    {"MapWithoutLock", true,
     [] {
       std::map<int, int> m;
       twice([&] { ++m[1]; });
     }},
    {"VectorWithoutLock", true,
     [] {
       std::vector<int> v;
       v.reserve(4);
       twice([&] { v.push_back(1); });
     }},
    {"ElementsOfTheirOwn", false,
     [] {
       std::vector<int> v(8);
       wait_group wg;
       for (std::size_t i = 0; i < v.size(); ++i) {
         wg.go([&, i] { v[i] = 1; });
       }
       wg.wait();
       v[0] = 2;
     }},
    // ---- shared_mutex ----
    {"WriteUnderReadLock", true,
     [] {
       long x = 0;
       shared_mutex m;
       twice([&] {
         std::shared_lock hold(m);
         ++x;
       });
     }},
    {"ReadersAndWriters", false,
     [] {
       long x = 0;
       shared_mutex m;
       wait_group wg;
       for (int i = 0; i < 6; ++i) {
         wg.go([&, i] {
           for (int k = 0; k < 10; ++k) {
             if (i % 2 == 0) {
               std::unique_lock hold(m);
               yield(), ++x;
             } else {
               std::shared_lock hold(m);
               yield(), look(x);
             }
           }
         });
       }
       wg.wait();
     }},
    {"WriterBesideAnUnlockedReader", true,
     [] {
       long x = 0;
       shared_mutex m;
       finish_line end;
       go([&] { m.lock(), x = 1, m.unlock(), end.pass(); });
       go([&] { m.lock_shared(), m.unlock_shared(), look(x), end.pass(); });
       end.await(2);
     },
     true},
    // ---- wait_group ----
    {"WaitGroup", false,
     [] {
       long x = 0;
       wait_group wg;
       wg.add(1);
       go([&] { x = 1, wg.done(); });
       wg.wait();
       x = 2;
     }},
    {"WaitGroupRounds", false,
     [] {
       long x = 0;
       wait_group wg;
       for (int i = 0; i < 10; ++i) {
         wg.go([&] { ++x; });
         wg.wait();
         ++x;
       }
     }},
    {"DoneBeforeTheWrite", true,
     [] {
       long x = 0;
       wait_group wg;
       finish_line end;
       wg.add(1);
       go([&] { wg.done(), x = 1, end.pass(); });
       wg.wait();
       x = 2;
       end.await(1);
     }},
    {"AddInsideTheGoroutine", true,
     [] {
       wait_group wg;
       finish_line end;
       go([&] { wg.add(1), wg.done(), end.pass(); });
       wg.wait();
       end.await(1);
     }},
    {"WaitForTheWrongGroup", true,
     [] {
       long x = 0;
       wait_group one, other;
       finish_line end;
       one.add(1);
       go([&] { x = 1, one.done(), end.pass(); });
       other.wait();
       x = 2;
       end.await(1);
     }},
    {"WorkersOfOneGroup", true,
     [] {
       long x = 0;
       wait_group wg;
       for (int i = 0; i < 2; ++i) {
         wg.go([&] { ++x; });
       }
       wg.wait();
     }},
    // ---- once ----
    {"Once", false,
     [] {
       long x = 0;
       once o;
       twice([&] {
         o.do_([&] { yield(), x = 1; });
         look(x);
       });
     }},
    {"ReadWithoutDo", true,
     [] {
       long x = 0;
       once o;
       finish_line end;
       go([&] { o.do_([&] { x = 1; }), end.pass(); });
       go([&] { x = x + 1, end.pass(); });
       end.await(2);
     }},
    {"EachItsOwnOnce", true,
     [] {
       long x = 0;
       twice([&] {
         once o;
         o.do_([&] { ++x; });
       });
     }},
    {"CallersOfOnceAmongThemselves", true,
     [] {
       long x = 0;
       once o;
       o.do_([] {});
       twice([&] { o.do_([] {}), ++x; });
     }},
    {"OnceValue", false,
     [] {
       once_value v([] { return std::vector<int>(3, 1); });
       wait_group wg;
       for (int i = 0; i < 2; ++i) {
         wg.go([&] { look(v().at(1)); });
       }
       wg.wait();
     }},
    {"ResultOfOnceValueChanged", true,
     [] {
       once_value v([] { return std::vector<int>(3, 1); });
       twice([&] { ++v().at(1); });
     }},
    // ---- cond_var ----
    {"CondVar", false,
     [] {
       long ready = 0;
       mutex m;
       cond_var c;
       go([&] {
         std::lock_guard hold(m);
         ready = 1;
         c.notify_one();
       });
       std::unique_lock hold(m);
       while (ready == 0) {
         c.wait(hold);
       }
     }},
    {"FlagOutsideOfTheLock", true,
     [] {
       long ready = 0;
       mutex m;
       cond_var c;
       finish_line end;
       go([&] { ready = 1, c.notify_one(), end.pass(); });
       m.lock();
       ready = 2;
       m.unlock();
       end.await(1);
       ready = 0;
     }},
    {"NotifyAll", false,
     [] {
       long round = 0, x = 0;
       mutex m;
       cond_var c;
       wait_group wg;
       for (int i = 0; i < 4; ++i) {
         wg.go([&] {
           std::unique_lock hold(m);
           while (round == 0) {
             c.wait(hold);
           }
           ++x;
         });
       }
       yield();
       m.lock(), round = 1, m.unlock();
       c.notify_all();
       wg.wait();
     }},
    // ---- semaphore, pool ----
    {"SemaphoreOfOne", false,
     [] {
       long x = 0;
       semaphore s(1);
       wait_group wg;
       for (int i = 0; i < 4; ++i) {
         wg.go([&] { s.acquire(), yield(), ++x, s.release(); });
       }
       wg.wait();
     }},
    {"SemaphoreOfTwo", true,
     [] {
       long x = 0;
       semaphore s(2);
       twice([&] { s.acquire(), ++x, yield(), yield(), s.release(); });
     },
     true},
    {"AllTokensOrderAll", false,
     [] {
       long x[2] = {};
       semaphore s(2);
       for (int i = 0; i < 2; ++i) {
         s.acquire();
         go([&, i] { x[i] = 1, s.release(); });
       }
       s.acquire(2);
       x[0] = x[1] = 2;
     }},
    {"Pool", false,
     [] {
       pool<std::vector<int>> p;
       twice([&] {
         auto v = p.get();
         v.push_back(1);
         p.put(std::move(v));
       });
     }},
};

}  // namespace

std::span<const race_case> sync_cases() { return cases; }

}  // namespace weft::testing
