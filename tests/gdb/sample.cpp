// What tests/gdb/run.sh looks at: parked goroutines, then a stop, or with an argument a crash.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/wait_group.hpp>

#include <cstdlib>

#include "support/idle.hpp"

__attribute__((noinline)) void stop_here(const weft::chan<int>& c, const weft::mutex& m,
                                         const weft::wait_group& g) {
  asm volatile("" ::"r"(&c), "r"(&m), "r"(&g) : "memory");
}

__attribute__((noinline)) int waits_in_here(const weft::chan<int>& c, int number) {
  const int got = *c.recv();
  asm volatile("" ::: "memory");
  return got + number;
}

int main(int argc, char**) {
  // One worker, whose place nobody takes (a seed): when main goes on, the others have left their
  // stacks. Elsewhere one that counts as parked may be caught between two of them.
  return weft::run(weft::runtime_options{.max_procs = 1, .seed = 1}, [argc] {
    auto c = weft::make_chan<int>(3);
    weft::mutex m;
    weft::wait_group g;
    m.lock();
    g.add(2);
    auto before = weft::make_chan<int>();
    weft::go([before] { before.send(0); });
    before.recv();  // its stack was used, and begins anew with the receiver's call
    weft::go({.name = "receiver"}, [c] { waits_in_here(c, 41); });
    weft::go({.name = "locker"}, [&] { m.lock(); });
    weft::testing::wait_until_parked(2);
    stop_here(c, m, g);
    if (argc > 1) {
      std::abort();  // for a core file
    }
  });
}
