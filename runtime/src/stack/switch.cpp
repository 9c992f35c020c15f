// The only place that knows how registers are saved: Boost.Context's raw fcontext. It saves the
// callee-saved registers and the floating-point control words; this file adds the C++
// runtime's exception globals (HZ-3), which fcontext leaves to the thread.
#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>

#include "detail/sys.hpp"
#include "stack/fiber.hpp"
#include "stack/sanitizer.hpp"

#if defined(__x86_64__) && !WEFT_ASAN && !WEFT_TSAN
#define WEFT_STARTS_OVER 1
#endif

namespace weft::detail {

#if WEFT_STARTS_OVER
// Stands for the caller of a fiber's main that was started over. The second instruction is never
// reached; the first is there because who walks a stack looks for the function in front of a return
// address.
extern "C" const char weft_fiber_entry_again[];
asm(R"(
  .pushsection .text.weft_fiber_entry_again, "ax", @progbits
  .hidden weft_fiber_entry_again
  .globl weft_fiber_entry_again
  .type weft_fiber_entry_again, @function
weft_fiber_entry_again:
  .cfi_startproc
  .cfi_undefined rip
  nop
  ud2
  .cfi_endproc
  .size weft_fiber_entry_again, . - weft_fiber_entry_again
  .popsection
)");
#endif

namespace {

namespace ctx = boost::context::detail;

/// Lives on the stack that is left; read by land() before commit publishes the departed, and by the
/// departed when it is back. So the switch keeps nothing in registers, all of which would be saved.
struct departure {
  fiber* from;
  fiber* to;
  eh_globals* eh;
  fiber_commit commit;
  void* arg;
  fiber_main again;
};

// Leaves the record itself and a zero return address above the first frame.
char* first_frame_of(fiber* f) noexcept {
  return reinterpret_cast<char*>((reinterpret_cast<std::uintptr_t>(f) - 64) & ~std::uintptr_t{15});
}

// On the new stack: completes the switch. Called by ontop_fcontext, so that the switch ends with
// a return instruction that belongs to the call with which the departed began it: the
// processor's prediction of returns stays in step. (jump_fcontext ends with an indirect jump, and
// every return of the resumed goroutine's call chain is then mispredicted.) Nobody looks at what
// it returns.
ctx::transfer_t land(ctx::transfer_t t) noexcept {
  const departure d = *static_cast<departure*>(t.data);
  sanitizer::arrive(d.to);
  d.to->sp.store(nullptr, relaxed);   // [visit.5] relaxed: before the next store of current_
  d.from->sp.store(t.fctx, release);  // [visit.5] release: who sees it may read the stack
  if (d.to->eh.any()) [[unlikely]] {
    *d.eh = d.to->eh;
    d.to->eh = {};
  }
  d.commit(d.arg);  // [park.4] from here on `from` may run elsewhere: it is not touched again
  return {};
}

// [visit.3] A visitor is not long: it holds on to some 64 stacks at once. Never inlined: the switch
// would have to save more registers.
__attribute__((noinline, cold)) void await_end_of_visit(const fiber* f) noexcept {
  // acquire: pairs with [visit.6]
  for (int spins = 0; f->main.load(acquire) == being_visited; ++spins) {
    spins < 100 ? cpu_relax() : sys.nap(20'000);
  }
}

// Into fiber_entry(). Apart, so that all other switches go straight on.
__attribute__((noinline, cold)) WEFT_SWITCHES_CONTEXT void enter_first(void* context,
                                                                       departure* d) noexcept {
  ctx::jump_fcontext(context, d);
}

WEFT_SWITCHES_CONTEXT void fiber_entry(ctx::transfer_t t) {
#if defined(__x86_64__)
  asm volatile(".cfi_undefined rip");  // nobody called this: backtraces end here
#endif
  const departure* d = static_cast<departure*>(t.data);
  const fiber_main main = d->to->main.load(relaxed);  // relaxed: constant since it was made
  d->to->main.store(nullptr, relaxed);                // relaxed: no visitor before it has parked
  land(t);
  for (;;) {
    main();
  }
}

// The processor foresees to where a return goes by the call that it belongs to. The calls that are
// open on a spare fiber belong to another time: a return from one is foreseen wrongly, and so is
// one of the goroutine's that is switched to after it. So they are given up, and the stack begins
// anew [spare.3]. Not under sanitizers, which note calls and returns: there, and on other
// processors, the calls return to fiber_entry().
#if WEFT_STARTS_OVER
[[noreturn]] inline void start_over(fiber* f, fiber_main main) noexcept {
  auto* return_address = reinterpret_cast<const void**>(first_frame_of(f)) - 1;
  *return_address = weft_fiber_entry_again + 1;
  asm volatile(
      "movq %0, %%rsp\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "jmpq *%1"
      :
      : "a"(return_address), "d"(main)  // neither is rbp
      : "memory");
  __builtin_unreachable();
}
#else
inline void start_over(fiber*, fiber_main) noexcept {}
#endif

}  // namespace

void being_visited() {}

eh_globals* thread_eh_globals() noexcept {
  return reinterpret_cast<eh_globals*>(abi::__cxa_get_globals());
}

void prepare_fiber(fiber* f, fiber_main main) noexcept {
  char* stack_top = first_frame_of(f);
  // relaxed: published with the goroutine that it will run
  f->sp.store(
      ctx::make_fcontext(stack_top, static_cast<std::size_t>(stack_top - f->low), fiber_entry),
      relaxed);
  f->main.store(main, relaxed);  // relaxed: as above
}

__attribute__((noinline)) WEFT_SWITCHES_CONTEXT void switch_fiber(fiber* from, fiber* to,
                                                                  eh_globals* eh,
                                                                  fiber_commit commit, void* arg,
                                                                  fiber_main again) noexcept {
  departure d{from, to, eh, commit, arg, again};
  if (eh->any()) [[unlikely]] {
    from->eh = *eh;
    *eh = {};
  }
  asm volatile("" ::: "memory");  // [visit.3] the caller's store of current_ stays before this load
  // [visit.3] relaxed: ordered by the visitor's membarrier
  fiber_main first = to->main.load(relaxed);
  if (first != nullptr && first == being_visited) [[unlikely]] {
    await_end_of_visit(to);
    first = nullptr;
  }
  sanitizer::leave(from, to);
  void* context = to->sp.load(relaxed);  // relaxed: published with the goroutine, or the fiber
  if (first != nullptr) [[unlikely]] {
    enter_first(context, &d);
  } else {
    ctx::ontop_fcontext(context, &d, land);
  }
  if (d.again != nullptr) {
    start_over(d.from, d.again);  // [spare.3]
  }
}

}  // namespace weft::detail
