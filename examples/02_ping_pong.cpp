// Two players and a table: an unbuffered channel hands the ball over, so only one player has it.

#include <iostream>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/wait_group.hpp>

namespace {

struct ball {
  int hits = 0;
};

// The types say who may do what: in can only be received from, out only sent to.
void play(const char* name, weft::recv_chan<ball> in, weft::send_chan<ball> out) {
  for (ball b : in) {
    if (b.hits == 6) {
      break;
    }
    ++b.hits;
    std::cout << name << ' ' << b.hits << '\n';
    out.send(b);
  }
  out.close();  // the other one, waiting for the ball, sees the end of the game
}

}  // namespace

int main() {
  return weft::run([] {
    auto left = weft::make_chan<ball>();
    auto right = weft::make_chan<ball>();

    weft::wait_group players;
    players.go([=] { play("ping", left, right); });
    players.go([=] { play("pong", right, left); });

    left.send(ball{});
    players.wait();
    std::cout << "game over\n";
  });
}
