// weft inside a program that has threads of its own. A runtime object starts the workers; from then
// on any thread may start goroutines and use channels with them. A thread that waits really blocks.
#include <weft/weft.hpp>

#include <iostream>
#include <string>
#include <thread>

namespace {

struct request {
  std::string text;
  weft::send_chan<std::string> reply;
};

// A server made of goroutines: one for each request.
void serve(weft::recv_chan<request> requests) {
  for (const request& r : requests) {
    weft::go([r] { r.reply.send(std::string(r.text.rbegin(), r.text.rend())); });
  }
}

}  // namespace

int main() {
  weft::runtime rt;  // beside this thread, which goes on

  auto requests = weft::make_chan<request>();
  weft::go([requests] { serve(requests); });

  // An ordinary thread asks, and blocks until a goroutine answers.
  std::thread client([requests] {
    auto reply = weft::make_chan<std::string>();
    requests.send({"stressed", reply});
    std::cout << "client: " << *reply.recv() << '\n';
  });
  client.join();

  // A function called as a goroutine, its result returned here, its exception thrown here.
  const int sum = rt.call([] {
    auto numbers = weft::make_chan<int>();
    weft::go([numbers] {
      for (int i = 1; i <= 10; ++i) {
        numbers.send(i);
      }
      numbers.close();
    });
    int n = 0;
    for (int i : numbers) {
      n += i;
    }
    return n;
  });
  std::cout << "sum: " << sum << '\n';

  requests.close();  // serve() returns
  rt.wait();         // until no goroutine exists
  std::cout << "goroutines left: " << weft::num_goroutines() << '\n';
}
