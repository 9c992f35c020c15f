#include "debug/describe.hpp"

#include <weft/detail/atomic.hpp>
#include <weft/detail/peek.hpp>
#include <weft/semaphore.hpp>
#include <weft/wait_group.hpp>

namespace weft::detail {

/// What the runtime's own objects show of themselves.
struct describer {
  static void wait_group(const weft::wait_group& g, waited_object& out) noexcept {
    // relaxed: a moment ago
    out.facts[0] = {"count", static_cast<std::int64_t>(g.state_.load(relaxed) >> 32)};
  }
  static void semaphore(const weft::semaphore& s, waited_object& out) noexcept {
    out.facts[0] = {"size", s.size_};
    out.facts[1] = {"used", peek(s.used_)};
  }
};

namespace {

constexpr std::size_t reasons = static_cast<std::size_t>(wait_reason::semaphore) + 1;

// Written by static initialisers. Read by dumps.
constinit atomic<wait_describer> describers[reasons]{};

const char* kind_of(wait_reason r) noexcept {
  switch (r) {
    case wait_reason::wait_group:
      return "wait_group";
    case wait_reason::mutex:
      return "mutex";
    case wait_reason::cond:
      return "cond_var";
    case wait_reason::once:
      return "once";
    case wait_reason::rwmutex_read:
    case wait_reason::rwmutex_write:
      return "shared_mutex";
    case wait_reason::semaphore:
      return "semaphore";
    default:
      return "object";
  }
}

}  // namespace

void set_wait_describer(wait_reason r, wait_describer f) noexcept {
  // [published.1] release: the module is initialised
  describers[static_cast<std::size_t>(r)].store(f, release);
}

void describe_wait(wait_reason r, const void* object, wait_description& out) noexcept {
  if (object == nullptr || static_cast<std::size_t>(r) >= reasons) {
    return;
  }
  // [published.2] acquire: pairs with set_wait_describer()
  if (const wait_describer f = describers[static_cast<std::size_t>(r)].load(acquire)) {
    f(object, out);
    return;
  }
  waited_object* o = out.add();
  o->kind = kind_of(r);
  o->at = object;
  if (r == wait_reason::wait_group) {
    describer::wait_group(*static_cast<const weft::wait_group*>(object), *o);
  } else if (r == wait_reason::semaphore) {
    describer::semaphore(*static_cast<const weft::semaphore*>(object), *o);
  }
}

}  // namespace weft::detail
