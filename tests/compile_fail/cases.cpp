// Each CASE must fail to compile, with the text that CMakeLists.txt expects. Case 0 must compile.
#include <weft/chan.hpp>
#include <weft/error.hpp>
#include <weft/go.hpp>
#include <weft/goroutine_local.hpp>
#include <weft/once_value.hpp>
#include <weft/pool.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>

#include <chrono>
#include <string>

struct throwing_move {
  throwing_move() = default;
  throwing_move(throwing_move&&) noexcept(false) {}
};
struct throwing_destructor {
  throwing_destructor() = default;
  throwing_destructor(throwing_destructor&&) noexcept {}
  ~throwing_destructor() noexcept(false) {}
};

void cases(weft::chan<int> c, weft::send_chan<int> in, weft::recv_chan<int> out) {
#if CASE == 0
  in = c;
  out = c;
  in.send(1);
  out.recv();
  in.close();
  weft::error e = nullptr;
  (void)weft::as<throwing_move>(e);
  static constinit weft::goroutine_local<throwing_move> local;
  (void)*local;
#elif CASE == 1   // CH-12
  out.send(1);
#elif CASE == 2   // CH-12
  in.recv();
#elif CASE == 3   // CH-12
  out.close();
#elif CASE == 4   // CH-12
  c = out;
#elif CASE == 5   // CH-12
  c = in;
#elif CASE == 6   // CH-12
  for (int v : in) {
    (void)v;
  }
#elif CASE == 7   // HZ-7
  weft::make_chan<throwing_move>();
#elif CASE == 8   // HZ-7
  weft::make_chan<throwing_destructor>();
#elif CASE == 9   // HZ-8
  weft::make_chan<int&>();
#elif CASE == 10  // SE-14
  weft::select(weft::recv(c), weft::otherwise(), weft::otherwise());
#elif CASE == 11
  weft::select(weft::recv(c, [](int, int) {}));
#elif CASE == 12  // CH-12
  weft::select(weft::send(out, 1));
#elif CASE == 13  // CH-12
  weft::select(weft::recv(in));
#elif CASE == 14  // GR-1
  weft::go([](int) {});
#elif CASE == 15  // CH-19
  (void)(c == weft::chan<long>());
#elif CASE == 16  // a text is not an error by itself
  weft::error e = "text";
#elif CASE == 17  // the object would be gone with the error
  (void)weft::as<throwing_move>(weft::error("text"));
#elif CASE == 18  // the causes would be gone with the error
  for (const weft::error& e : weft::error("text").causes()) {
    (void)e;
  }
#elif CASE == 19  // neither message() nor what()
  (void)weft::error::make(throwing_move());
#elif CASE == 20  // the record would be gone
  weft::error e{weft::static_error("text")};
#elif CASE == 21  // its text would be gone
  std::string text = "text";
  weft::static_error record{text};
#elif CASE == 22  // ON-2
  static int shared;
  weft::once_value value([]() -> int& { return shared; });
#elif CASE == 23  // ON-2
  weft::once_func f([](int) {});
#elif CASE == 24  // PL-1
  weft::pool<throwing_move> p;
#elif CASE == 25  // PL-1: how should it make one?
  struct needs_argument {
    explicit needs_argument(int) {}
  };
  weft::pool<needs_argument> p;
#elif CASE == 26  // GR-14: what cannot be copied cannot be inherited by a copy
  weft::goroutine_local<throwing_move> x{weft::inheritance::copy};
#elif CASE == 27  // TM-2
  weft::sleep_until(std::chrono::system_clock::now());
#endif
}
