// A fixed number of workers share the jobs of one channel; whoever is free takes the next.

#include <iostream>
#include <map>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/wait_group.hpp>

namespace {

struct result {
  int start;
  int steps;
};

// How many steps the Collatz sequence takes from start down to 1.
result collatz(int start) {
  int steps = 0;
  for (long long n = start; n != 1; ++steps) {
    n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  }
  return {start, steps};
}

}  // namespace

int main() {
  return weft::run([] {
    auto jobs = weft::make_chan<int>(8);
    auto results = weft::make_chan<result>();

    weft::wait_group workers;
    for (int i = 0; i < 4; ++i) {
      workers.go([jobs, results] {
        for (int start : jobs) {
          results.send(collatz(start));
        }
      });
    }
    weft::go([jobs] {
      for (int start = 20; start <= 30; ++start) {
        jobs.send(start);
      }
      jobs.close();  // each worker ends when the jobs do
    });
    weft::go([&workers, results] {
      workers.wait();
      results.close();
    });

    std::map<int, int> steps;  // results arrive in any order
    for (const result& r : results) {
      steps[r.start] = r.steps;
    }
    for (const auto& [start, count] : steps) {
      std::cout << start << ": " << count << " steps\n";
    }
  });
}
