#include <cstdio>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/wait_group.hpp>

int main() {
  return weft::run([] {
    int ran = 0;
    weft::wait_group all;
    all.go([&ran] { ran = 1; });
    all.wait();
    std::printf("runtime_only %d\n", ran);
    return ran == 1 ? 0 : 1;
  });
}
