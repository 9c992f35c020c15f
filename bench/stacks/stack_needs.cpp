// What common library calls need of a goroutine's stack, printed as the table of docs/stacks.md.
#include <weft/go.hpp>
#include <weft/stacks.hpp>
#include <weft/wait_group.hpp>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <netdb.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <locale>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t stack_bytes = 8 << 20;
constexpr unsigned char paint = 0xa5;

// The next `bytes` below the caller's frame. Returns where they begin: what is looked at later is
// memory of the stack that nobody owns then.
__attribute__((noinline)) const unsigned char* paint_stack(std::size_t bytes) {
  auto* low = static_cast<unsigned char*>(__builtin_alloca(bytes));
  std::fill(low, low + bytes, paint);
  const unsigned char* kept = nullptr;
  asm volatile("mov %1, %0" : "=r"(kept) : "r"(low) : "memory");
  return kept;
}

std::size_t need_of(const std::function<void()>& f) {
  std::size_t need = 0;
  weft::run([&] {
    weft::wait_group done;
    done.add(1);
    weft::go({.stack_bytes = stack_bytes}, [&] {
      const std::size_t room = weft::this_goroutine::stack_size() - (64 << 10);
      const unsigned char* low = paint_stack(room);
      f();
      const unsigned char* used =
          std::find_if(low, low + room, [](unsigned char c) { return c != paint; });
      need = static_cast<std::size_t>(low + room - used);
      done.done();
    });
    done.wait();
  });
  return need;
}

std::string text_of(std::size_t n) { return std::string(n, 'a'); }

struct call {
  const char* name;
  std::function<void()> f;
};

const std::vector<call> calls = {
    {"nothing", [] {}},
    {"`throw` and `catch`",
     [] {
       try {
         throw std::runtime_error("x");
       } catch (const std::exception&) {
       }
     }},
    {"`snprintf` of a double",
     [] {
       char out[64];
       std::snprintf(out, sizeof out, "%f", 1.5);
     }},
    {"`snprintf` of a long double of 1e4000",
     [] {
       static char out[8192];
       std::snprintf(out, sizeof out, "%Lf", 1e4000L);
     }},
    {"`std::ostringstream << 1.5`", [] { std::ostringstream() << 1.5; }},
    {"`std::ifstream`, `getline`",
     [] {
       std::ifstream in("/proc/self/status");
       for (std::string line; std::getline(in, line);) {
       }
     }},
    {"`localtime`, `strftime`",
     [] {
       const std::time_t now = 0;
       std::tm t{};
       ::localtime_r(&now, &t);
       char out[64];
       std::strftime(out, sizeof out, "%A %B %d %Y %H:%M:%S", &t);
     }},
    {"`std::locale(\"\")`", [] { std::locale l(""); }},
    {"`getaddrinfo(\"localhost\")`",
     [] {
       addrinfo* found = nullptr;
       if (::getaddrinfo("localhost", "80", nullptr, &found) == 0) {
         ::freeaddrinfo(found);
       }
     }},
    {"`backtrace`",
     [] {
       void* frames[32];
       ::backtrace(frames, 32);
     }},
    {"`dlopen`, `dlsym`",
     [] {
       if (void* m = ::dlopen("libm.so.6", RTLD_NOW)) {
         ::dlsym(m, "cos");
         ::dlclose(m);
       }
     }},
    {"`qsort` of 1000 ints",
     [] {
       std::vector<int> v(1000);
       std::mt19937 r(1);
       std::generate(v.begin(), v.end(), r);
       std::qsort(v.data(), v.size(), sizeof(int), [](const void* a, const void* b) {
         return *static_cast<const int*>(a) - *static_cast<const int*>(b);
       });
     }},
    {"`std::sort` of 100 000 ints",
     [] {
       std::vector<int> v(100'000);
       std::mt19937 r(1);
       std::generate(v.begin(), v.end(), r);
       std::sort(v.begin(), v.end());
     }},
    {"`std::filesystem::recursive_directory_iterator`",
     [] {
       std::error_code ignored;
       for (auto it = std::filesystem::recursive_directory_iterator("/etc", ignored);
            it != std::filesystem::recursive_directory_iterator(); it.increment(ignored)) {
       }
     }},
    {"`std::thread`, `join`", [] { std::thread([] {}).join(); }},
    {"`std::random_device`", [] { std::random_device()(); }},
    {"`std::regex`, a text of 20", [] { std::regex_match(text_of(20), std::regex("(a|b)*")); }},
    {"`std::regex`, a text of 200", [] { std::regex_match(text_of(200), std::regex("(a|b)*")); }},
    {"`std::regex`, a text of 2000", [] { std::regex_match(text_of(2000), std::regex("(a|b)*")); }},
};

}  // namespace

int main() {
  std::printf("| call | bytes of stack |\n|---|---:|\n");
  for (const call& c : calls) {
    std::printf("| %s | %zu |\n", c.name, need_of(c.f));
  }
}
