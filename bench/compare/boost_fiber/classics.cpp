// Programs that every collection of benchmarks has: the prime sieve, chameneos.
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "../kernels.hpp"
#include "fibers.hpp"
#include "workloads.hpp"

namespace {

using unbuffered = fibers::unbuffered_channel<std::int64_t>;
using shared_channel = std::shared_ptr<unbuffered>;

}  // namespace

// 2, 3, 4, ... run through a chain of fibers, each of which keeps back what its prime divides. In
// the end all links are closed: fibers cannot be left behind.
results sieve_plain_1000(std::int64_t primes) {
  primes = std::max<std::int64_t>(primes, 1);
  std::vector<shared_channel> links;
  wait_group wg(primes + 1);
  std::int64_t prime = 0;
  const bench::stopwatch watch;
  links.push_back(std::make_shared<unbuffered>());
  go([&wg, out = links.back()] {
    for (std::int64_t i = 2; out->push(i) == fibers::channel_op_status::success; ++i) {
    }
    wg.done();
  });
  for (std::int64_t i = 0; i < primes; ++i) {
    const shared_channel in = links.back();
    prime = in->value_pop();
    links.push_back(std::make_shared<unbuffered>());
    go([&wg, in, out = links.back(), prime] {
      for (const std::int64_t v : *in) {
        if (v % prime != 0 && out->push(v) != fibers::channel_op_status::success) {
          break;
        }
      }
      wg.done();
    });
  }
  const measurement m = watch.per_op(primes);
  for (const shared_channel& l : links) {
    l->close();
  }
  wg.wait();
  bench::check(prime == bench::nth_prime(primes), "prime", prime);
  return m;
}

namespace {

struct encounter {
  int id;
  int colour;
};

struct creature {
  int id;
  int colour;
  fibers::buffered_channel<encounter> call{2};  // holds 1: from who comes second
  std::int64_t met = 0;
  std::int64_t met_itself = 0;
};

class meeting_place {
 public:
  explicit meeting_place(std::int64_t meetings) : left_(meetings) {}

  // Who comes first waits for the second. Nothing: there are no more meetings.
  std::optional<encounter> meet(creature& me) {
    std::unique_lock hold(mutex_);
    if (left_ == 0) {
      return std::nullopt;
    }
    if (first_ == nullptr) {
      first_ = &me;
      hold.unlock();
      return me.call.value_pop();
    }
    creature& other = *std::exchange(first_, nullptr);
    --left_;
    hold.unlock();
    const encounter seen{other.id, other.colour};
    other.call.push({me.id, me.colour});
    return seen;
  }

 private:
  fibers::mutex mutex_;
  std::int64_t left_;          // guarded by mutex_
  creature* first_ = nullptr;  // guarded by mutex_
};

}  // namespace

// Ten creatures meet in pairs and change their colours. One operation is a meeting.
results chameneos(std::int64_t count) {
  constexpr int creatures = 10;
  constexpr std::array<int, creatures> colours = {0, 1, 2, 1, 2, 0, 1, 2, 1, 0};
  count = std::max<std::int64_t>(count, 1);
  std::array<creature, creatures> all;
  meeting_place place(count);
  wait_group wg(creatures);
  const bench::stopwatch watch;
  for (int i = 0; i < creatures; ++i) {
    creature& me = all[static_cast<std::size_t>(i)];
    me.id = i;
    me.colour = colours[static_cast<std::size_t>(i)];
    go([&] {
      while (const std::optional<encounter> other = place.meet(me)) {
        me.colour = bench::complement(me.colour, other->colour);
        ++me.met;
        me.met_itself += other->id == me.id ? 1 : 0;
      }
      wg.done();
    });
  }
  wg.wait();
  const measurement m = watch.per_op(count);
  std::int64_t met = 0;
  for (const creature& c : all) {
    met += c.met;
    bench::check(c.met_itself == 0, "a creature met itself", c.met_itself);
  }
  bench::check(met == 2 * count, "creatures that met", met);
  return m;
}
