// Programs that every collection of benchmarks has: the prime sieve, chameneos.
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

#include <array>
#include <mutex>
#include <optional>
#include <utility>

#include "../kernels.hpp"
#include "workloads.hpp"

namespace {

// 2, 3, 4, ... run through a chain of goroutines, each of which keeps back what its prime divides.
// As in the program that Go's users know, nobody tells them when it is enough.
void filter(const weft::chan<std::int64_t>& in, const weft::chan<std::int64_t>& out,
            std::int64_t prime) {
  for (const std::int64_t v : in) {
    if (v % prime != 0) {
      out.send(v);
    }
  }
}

// Here they are told.
using quit_chan = weft::chan<weft::unit>;

bool send_unless(const quit_chan& quit, const weft::chan<std::int64_t>& out, std::int64_t v) {
  return weft::select(weft::send(out, v), weft::recv(quit)) == 0;
}

void filter_until(const quit_chan& quit, const weft::chan<std::int64_t>& in,
                  const weft::chan<std::int64_t>& out, std::int64_t prime) {
  std::optional<std::int64_t> v;
  while (weft::select(weft::recv(in, v), weft::recv(quit)) == 0) {
    if (*v % prime != 0 && !send_unless(quit, out, *v)) {
      return;
    }
  }
}

}  // namespace

results sieve_plain_1000(std::int64_t primes) {
  primes = std::max<std::int64_t>(primes, 1);
  std::int64_t prime = 0;
  const bench::stopwatch watch;
  auto in = weft::make_chan<std::int64_t>();
  weft::go([in] {
    for (std::int64_t i = 2;; ++i) {
      in.send(i);
    }
  });
  for (std::int64_t i = 0; i < primes; ++i) {
    prime = *in.recv();
    auto out = weft::make_chan<std::int64_t>();
    weft::go([in, out, prime] { filter(in, out, prime); });
    in = out;
  }
  const measurement m = watch.per_op(primes);
  bench::check(prime == bench::nth_prime(primes), "prime", prime);
  return m;
}

results sieve_select_1000(std::int64_t primes) {
  primes = std::max<std::int64_t>(primes, 1);
  auto quit = weft::make_chan<weft::unit>();
  weft::wait_group wg;
  std::int64_t prime = 0;
  const bench::stopwatch watch;
  auto in = weft::make_chan<std::int64_t>();
  wg.add(1);
  weft::go([&wg, quit, in] {
    for (std::int64_t i = 2; send_unless(quit, in, i); ++i) {
    }
    wg.done();
  });
  for (std::int64_t i = 0; i < primes; ++i) {
    prime = *in.recv();
    auto out = weft::make_chan<std::int64_t>();
    wg.add(1);
    weft::go([&wg, quit, in, out, prime] {
      filter_until(quit, in, out, prime);
      wg.done();
    });
    in = out;
  }
  const measurement m = watch.per_op(primes);
  quit.close();
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
  weft::chan<encounter> call = weft::make_chan<encounter>(1);  // from who comes second
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
      return me.call.recv();
    }
    creature& other = *std::exchange(first_, nullptr);
    --left_;
    hold.unlock();
    const encounter seen{other.id, other.colour};
    other.call.send({me.id, me.colour});
    return seen;
  }

 private:
  weft::mutex mutex_;
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
  weft::wait_group wg;
  wg.add(creatures);
  const bench::stopwatch watch;
  for (int i = 0; i < creatures; ++i) {
    creature& me = all[static_cast<std::size_t>(i)];
    me.id = i;
    me.colour = colours[static_cast<std::size_t>(i)];
    weft::go([&] {
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
