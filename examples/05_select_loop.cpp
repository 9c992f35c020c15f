// A goroutine that owns a value, and a select loop as the only way to it: no lock is needed.

#include <iostream>
#include <optional>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/wait_group.hpp>

namespace {

struct account {
  weft::chan<int> deposits = weft::make_chan<int>();
  weft::chan<int> balance = weft::make_chan<int>();
  weft::chan<weft::unit> quit = weft::make_chan<weft::unit>();
};

void serve(account mine) {
  int balance = 0;
  for (bool open = true; open;) {
    weft::select(weft::recv(mine.deposits, [&](std::optional<int> amount) { balance += *amount; }),
                 weft::send(mine.balance, balance, [] {}),  // offers the balance to whoever asks
                 weft::recv(mine.quit, [&] { open = false; }));
  }
  mine.balance.close();
}

}  // namespace

int main() {
  return weft::run([] {
    const account shared;
    weft::go([shared] { serve(shared); });

    weft::wait_group depositors;
    for (int amount = 1; amount <= 100; ++amount) {
      depositors.go([shared, amount] { shared.deposits.send(amount); });
    }
    depositors.wait();
    std::cout << "balance " << *shared.balance.recv() << '\n';

    // Nobody deposits, nobody asks: with otherwise(), a select does not wait.
    std::optional<int> none;
    const auto chosen = weft::select(weft::recv(shared.deposits, none), weft::otherwise());
    std::cout << (chosen == 1 ? "no deposit is waiting\n" : "a deposit was waiting\n");

    shared.quit.close();
    while (shared.balance.recv()) {
    }
    std::cout << "account closed\n";
  });
}
