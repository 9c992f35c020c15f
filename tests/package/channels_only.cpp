#include <chrono>
#include <cstdio>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>

int main() {
  return weft::run([] {
    const std::size_t won = weft::select(weft::recv(weft::after(std::chrono::milliseconds(1))),
                                         weft::timeout(std::chrono::hours(1)));
    std::printf("channels_only %zu\n", won);
    return won == 0 ? 0 : 1;
  });
}
