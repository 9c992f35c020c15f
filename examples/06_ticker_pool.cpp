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

struct result {
  int job;
  int square;
  weft::time_point tick;  // the one that let it start
};

// A tick, then a job, and again. Both waits end when ctx is done.
void work(const weft::context& ctx, weft::recv_chan<weft::time_point> ticks,
          weft::recv_chan<int> jobs, weft::send_chan<result> results) {
  weft::time_point tick;
  int job = 0;
  while (ticks.recv(ctx, tick) == weft::chan_status::ok &&
         jobs.recv(ctx, job) == weft::chan_status::ok) {
    results.send({job, job * job, tick});  // a job that was started is finished
  }
}

// What was done, by job.
std::map<int, result> run_pool(const weft::context& ctx, std::chrono::milliseconds period,
                               int job_count) {
  const auto jobs = weft::make_chan<int>();
  const auto results = weft::make_chan<result>();
  const weft::ticker ticker(period);  // all workers share its channel

  weft::wait_group workers;
  for (int i = 0; i < 3; ++i) {
    workers.go([=, ticks = ticker.chan()] { work(ctx, ticks, jobs, results); });
  }
  weft::go([=] {
    for (int job = 1; job <= job_count; ++job) {
      if (jobs.send(ctx, job) != weft::chan_status::ok) {
        return;  // the workers stop by themselves
      }
    }
    jobs.close();
  });
  weft::go([&workers, results] {
    workers.wait();
    results.close();
  });

  std::map<int, result> done;
  for (const result& r : results) {
    done.emplace(r.job, r);
  }
  return done;
}

}  // namespace

int main() {
  return weft::run([] {
    std::set<weft::time_point> ticks;
    for (const auto& [job, r] : run_pool(weft::background(), 2ms, 8)) {
      std::cout << "job " << job << ": " << r.square << '\n';
      ticks.insert(r.tick);
    }
    std::cout << "ticks used: " << ticks.size() << '\n';

    // More jobs than there is time for.
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 50ms);
    const auto done = run_pool(ctx, 2ms, 1'000'000);
    std::cout << (done.size() < 1'000'000 ? "stopped early: " : "all done: ") << ctx.err() << '\n';
  });
}
