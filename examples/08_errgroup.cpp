// Tasks that stand or fall together: the first error stops the siblings, and wait() returns it.

#include <chrono>
#include <iostream>
#include <string>
#include <weft/context.hpp>
#include <weft/errgroup.hpp>
#include <weft/error.hpp>
#include <weft/runtime.hpp>
#include <weft/sleep.hpp>

namespace {

using namespace std::chrono_literals;

struct page {
  std::string title = "(none)";
  std::string prices = "(none)";
  std::string reviews = "(none)";
};

weft::error fetch_title(page& into) {
  into.title = "Looms";
  return nullptr;
}

weft::error fetch_prices(page&) { return weft::error("prices: connection refused"); }

// Would take an hour, but stops when the context says so.
weft::error fetch_reviews(const weft::context& ctx, page& into) {
  if (weft::error err = weft::sleep(ctx, 1h)) {
    into.reviews = "(gave up, because of " + cause(ctx).message() + ")";
    return err;
  }
  into.reviews = "Weaves well.";
  return nullptr;
}

}  // namespace

int main() {
  return weft::run([] {
    page shown;  // each task writes its own member, and wait() comes before the reads: no lock
    auto [group, ctx] = weft::errgroup::with_context(weft::background());
    group.go([&] { return fetch_title(shown); });
    group.go([&] { return fetch_prices(shown); });
    group.go([&](const weft::context& of_group) { return fetch_reviews(of_group, shown); });

    std::cout << "first error: " << group.wait() << '\n';
    std::cout << "title:   " << shown.title << '\n';
    std::cout << "prices:  " << shown.prices << '\n';
    std::cout << "reviews: " << shown.reviews << '\n';

    // The other kind: nobody is stopped, all errors are kept. An exception is an error, too.
    weft::errgroup checks(weft::errgroup::all_errors);
    checks.set_limit(2);  // go() waits while two of them run
    for (const std::string text : {"12", "twelve", "7", "", "99"}) {
      checks.go([text] { (void)std::stoi(text); });
    }
    const weft::error failed = checks.wait();
    std::cout << "not a number: " << failed.causes().size() << " of 5\n";
  });
}
