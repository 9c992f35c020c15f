// Who may still wait, and why not any more: a context goes down the calls, errors come back up.

#include <chrono>
#include <iostream>
#include <string>
#include <weft/context.hpp>
#include <weft/error.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>

namespace {

using namespace std::chrono_literals;

// A value for the context: its type is the key.
struct request_id {
  int number;
};

// An error to compare with.
constexpr weft::static_error no_such_page_record{"no such page"};
constexpr weft::error no_such_page{no_such_page_record};

// The bottom of the calls: waits, but no longer than the context allows.
weft::error query(const weft::context& ctx, std::chrono::milliseconds takes) {
  if (const weft::error err = weft::sleep(ctx, takes)) {
    const request_id* id = ctx.value<request_id>();
    return wrap(err, "query for request " + std::to_string(id->number));
  }
  return nullptr;  // no error
}

// Each layer hands the context on, and adds to an error what it was doing.
weft::error load(const weft::context& ctx, const std::string& page,
                 std::chrono::milliseconds takes) {
  if (page.empty()) {
    return wrap(no_such_page, "loading");
  }
  return wrap(query(ctx, takes), "loading " + page);  // no error stays no error
}

}  // namespace

int main() {
  return weft::run([] {
    const weft::context root = weft::background();

    std::cout << load(with_value(root, request_id{1}), "home", 1ms) << '\n';

    const weft::error unknown = load(root, "", 1ms);
    std::cout << unknown << (is(unknown, no_such_page) ? " (as expected)" : "") << '\n';

    {  // Too slow. The deadline holds for everything that is derived from ctx, too.
      auto [ctx, cancel] = weft::with_timeout(root, 10ms);
      const weft::error late = load(with_value(ctx, request_id{2}), "news", 1h);
      std::cout << late << (is(late, std::errc::timed_out) ? " (timed out)" : "") << '\n';
    }
    {  // Nobody waits for the answer any more. Any goroutine or thread may call cancel.
      auto [ctx, cancel] = weft::with_cancel_cause(root);
      weft::go([leave = std::move(cancel)] { leave(weft::error("the visitor has left")); });
      std::cout << load(with_value(ctx, request_id{3}), "archive", 1h) << '\n';
      std::cout << "because " << weft::cause(ctx) << '\n';
    }
    {  // A cancel function that goes out of scope cancels: nothing below can outlive the block.
      weft::context kept;
      {
        auto [ctx, cancel] = weft::with_cancel(root);
        kept = ctx;
        std::cout << "inside: " << kept.err() << '\n';
      }
      std::cout << "outside: " << kept.err() << '\n';
    }
  });
}
