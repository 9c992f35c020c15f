// A goroutine, a channel, and a value that travels from one to the other.

#include <iostream>
#include <string>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>

int main() {
  return weft::run([] {
    auto greetings = weft::make_chan<std::string>();

    // The handle is captured by value: both goroutines hold the same channel.
    weft::go([greetings] {
      for (const char* name : {"warp", "weft", "world"}) {
        greetings.send(std::string("hello, ") + name);  // waits until somebody receives
      }
      greetings.close();
    });

    for (const std::string& greeting : greetings) {  // until closed and drained
      std::cout << greeting << '\n';
    }
  });
}
