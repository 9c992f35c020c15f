#include <cstdio>
#include <weft/weft.hpp>

int main() {
  return weft::run([] {
    auto done = weft::make_chan<int>();
    weft::go([done] { done.send(42); });
    int got = 0;
    weft::select(weft::recv(done, [&](std::optional<int> v) { got = *v; }));
    std::printf("all_of_weft %d\n", got);
    return got == 42 ? 0 : 1;
  });
}
