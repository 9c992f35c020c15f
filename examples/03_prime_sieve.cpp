// Primes by a chain of goroutines: each filter passes on what its own prime does not divide.
// The chain grows by one goroutine and one channel for every prime found.

#include <iostream>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>

namespace {

void count_up(weft::send_chan<int> out) {
  for (int n = 2;; ++n) {
    out.send(n);
  }
}

void filter(weft::recv_chan<int> in, weft::send_chan<int> out, int prime) {
  for (int n : in) {
    if (n % prime != 0) {
      out.send(n);
    }
  }
}

}  // namespace

int main() {
  return weft::run([] {
    auto numbers = weft::make_chan<int>();
    weft::go([numbers] { count_up(numbers); });

    for (int i = 0; i < 20; ++i) {
      const int prime = *numbers.recv();
      std::cout << prime << '\n';

      auto rest = weft::make_chan<int>();
      weft::go([numbers, rest, prime] { filter(numbers, rest, prime); });
      numbers = rest;
    }
    // The filters still wait for one another. When this function returns, they are left behind.
  });
}
