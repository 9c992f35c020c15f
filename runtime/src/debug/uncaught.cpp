// The program's own handler for exceptions that leave goroutines.
#include "debug/uncaught.hpp"

#include <weft/uncaught.hpp>

#include "sched/goroutine.hpp"

namespace weft {
namespace detail {
namespace {
// Written by set_uncaught_handler(), read where a goroutine crashes.
constinit atomic<uncaught_handler> handler{nullptr};
}  // namespace

void call_uncaught_handler(const goroutine& g) noexcept {
  // [published.2] acquire: pairs with the exchange
  const uncaught_handler h = handler.load(acquire);
  if (h == nullptr) {
    return;
  }
  const std::string_view name = g.extra != nullptr ? std::string_view(g.extra->name) : "";
  try {
    h({std::current_exception(), g.id, name, g.site});
  } catch (...) {
    // The first exception is the one to report.
  }
}

}  // namespace detail

uncaught_handler set_uncaught_handler(uncaught_handler h) noexcept {
  // [published.1] acq_rel: what h needs is seen
  return detail::handler.exchange(h, detail::acq_rel);
}

}  // namespace weft
