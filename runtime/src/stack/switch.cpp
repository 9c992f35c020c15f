// The only place that knows how registers are saved: Boost.Context's raw fcontext. It saves the
// callee-saved registers and the floating-point control words; this file adds the C++
// runtime's exception globals (HZ-3), which fcontext leaves to the thread.
#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>

#include "stack/fiber.hpp"
#include "stack/sanitizer.hpp"

namespace weft::detail {
namespace {

namespace ctx = boost::context::detail;

/// Lives on the stack that is left; valid until commit publishes the departed.
struct departure {
  fiber* from;
  fiber* to;
  eh_globals* eh;
  fiber_commit commit;
  void* arg;
};

// On the new stack: completes the switch. Called by ontop_fcontext, so that the switch ends with
// a return instruction that belongs to the call with which the departed began it: the
// processor's prediction of returns stays in step. (jump_fcontext ends with an indirect jump, and
// every return of the resumed goroutine's call chain is then mispredicted.)
ctx::transfer_t land(ctx::transfer_t t) noexcept {
  const departure d = *static_cast<departure*>(t.data);
  sanitizer::arrive(d.to);
  d.from->sp = t.fctx;
  if (d.to->eh.any()) [[unlikely]] {
    *d.eh = d.to->eh;
    d.to->eh = {};
  }
  d.commit(d.arg);  // [park.4] from here on `from` may run elsewhere: it is not touched again
  return t;
}

WEFT_SWITCHES_CONTEXT void fiber_entry(ctx::transfer_t t) {
  const departure* d = static_cast<departure*>(t.data);
  const fiber_main main = d->to->main;
  d->to->main = nullptr;
  land(t);
  main();
  __builtin_unreachable();
}

}  // namespace

eh_globals* thread_eh_globals() noexcept {
  return reinterpret_cast<eh_globals*>(abi::__cxa_get_globals());
}

void prepare_fiber(fiber* f, fiber_main main) noexcept {
  // Leave the record itself and a zero return address above the first frame.
  char* stack_top = reinterpret_cast<char*>(f) - 64;
  f->sp = ctx::make_fcontext(stack_top, static_cast<std::size_t>(stack_top - f->low), fiber_entry);
  f->main = main;
}

__attribute__((noinline)) WEFT_SWITCHES_CONTEXT void switch_fiber(fiber* from, fiber* to,
                                                                  eh_globals* eh,
                                                                  fiber_commit commit,
                                                                  void* arg) noexcept {
  departure d{from, to, eh, commit, arg};
  if (eh->any()) [[unlikely]] {
    from->eh = *eh;
    *eh = {};
  }
  sanitizer::leave(from, to);
  if (to->main == nullptr) [[likely]] {
    ctx::ontop_fcontext(to->sp, &d, land);
  } else {
    ctx::jump_fcontext(to->sp, &d);  // the first time, into fiber_entry()
  }
}

}  // namespace weft::detail
