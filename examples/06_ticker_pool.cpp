// A pool of workers that starts no more than one job per tick, until the jobs or the time run out.

#include <chrono>
#include <iostream>
#include <map>
#include <set>
#include <weft/chan.hpp>
#include <weft/context.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/time.hpp>
#include <weft/wait_group.hpp>

namespace {

using namespace std::chrono_literals;

struct job {
  int number;
  weft::time_point tick;  // the one that let it start
};

struct result {
  job of;
  int square;
};

// Hands out a job at each tick, until there are no more jobs or ctx is done.
void hand_out(const weft::context& ctx, int job_count, std::chrono::milliseconds period,
              weft::send_chan<job> jobs) {
  const weft::ticker ticker(period);
  weft::time_point tick;
  for (int number = 1; number <= job_count; ++number) {
    if (ticker.chan().recv(ctx, tick) != weft::chan_status::ok) {
      break;
    }
    jobs.send({number, tick});  // ticks that come while all workers are busy are dropped
  }
  jobs.close();
}

// What was done, by number. A job that was started is finished.
std::map<int, result> run_pool(const weft::context& ctx, int job_count,
                               std::chrono::milliseconds period) {
  const auto jobs = weft::make_chan<job>();
  const auto results = weft::make_chan<result>();

  weft::wait_group workers;
  for (int i = 0; i < 3; ++i) {
    workers.go([jobs, results] {
      for (const job& j : jobs) {
        results.send({j, j.number * j.number});
      }
    });
  }
  weft::go([=] { hand_out(ctx, job_count, period, jobs); });
  weft::go([&workers, results] {
    workers.wait();
    results.close();
  });

  std::map<int, result> done;
  for (const result& r : results) {
    done.emplace(r.of.number, r);
  }
  return done;
}

}  // namespace

int main() {
  return weft::run([] {
    std::set<weft::time_point> ticks;
    for (const auto& [number, r] : run_pool(weft::background(), 8, 2ms)) {
      std::cout << "job " << number << ": " << r.square << '\n';
      ticks.insert(r.of.tick);
    }
    std::cout << "ticks used: " << ticks.size() << '\n';

    // More jobs than there is time for.
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 50ms);
    const auto done = run_pool(ctx, 1'000'000, 2ms);
    std::cout << (done.size() < 1'000'000 ? "stopped early: " : "all done: ") << ctx.err() << '\n';
  });
}
