#include "debug/backtrace.hpp"

#include <unwind.h>

#include <algorithm>

namespace weft::detail {
namespace {

struct walk {
  frame_list* out;
  std::uint32_t skip;
  bool in_handler = false;  // until the frame that was interrupted
  std::uint32_t seen = 0;
};

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* at) {
  auto* w = static_cast<walk*>(at);
  int before = 0;
  const std::uintptr_t pc = _Unwind_GetIPInfo(context, &before);
  if (pc == 0) {
    return _URC_END_OF_STACK;
  }
  if (w->in_handler && before == 0) {
    return _URC_NO_REASON;
  }
  w->in_handler = false;
  if (w->skip > 0) {
    --w->skip;
    return _URC_NO_REASON;
  }
  // Who looks for the function of a return address takes one off: a call may be the last
  // instruction of a function. An interrupted instruction is made to look alike.
  const auto address = reinterpret_cast<const void*>(before != 0 ? pc + 1 : pc);
  constexpr std::uint32_t half = most_frames / 2;
  const std::uint32_t n = w->seen++;
  // The first half stays; the rest is a ring.
  w->out->at[n < most_frames ? n : half + (n - half) % half] = address;
  return _URC_NO_REASON;
}

void finish(const walk& w) noexcept {
  constexpr std::uint32_t half = most_frames / 2;
  frame_list& out = *w.out;
  out.count = std::min<std::uint32_t>(w.seen, most_frames);
  out.elided = w.seen - out.count;
  if (out.elided != 0) {
    out.split = half;
    std::rotate(out.at + half, out.at + half + (w.seen - half) % half, out.at + most_frames);
  }
}

}  // namespace

__attribute__((noinline)) void trace_here(frame_list& out) noexcept {
  walk w{&out, 1};
  _Unwind_Backtrace(note_frame, &w);
  finish(w);
}

void trace_interrupted(frame_list& out) noexcept {
  walk w{&out, 0, true};
  _Unwind_Backtrace(note_frame, &w);
  finish(w);
}

#if defined(__x86_64__)

// Calls walk(note, arg) in a frame whose unwind information says that its caller's registers are
// those that a fiber saved at `sp`, as Boost.Context's fcontext does on x86-64: r12 to r15 at 0x10
// to 0x28, rbx at 0x30, rbp at 0x38, the return address at 0x40. So whoever walks the stack from
// within f comes from this frame to the parked fiber's. While f runs, rbx holds sp.
extern "C" void weft_walk_as_if_from(const void* sp, decltype(&_Unwind_Backtrace) walk,
                                     _Unwind_Trace_Fn note, void* arg) noexcept;

asm(R"(
  .text
  .hidden weft_walk_as_if_from
  .globl weft_walk_as_if_from
  .type weft_walk_as_if_from, @function
weft_walk_as_if_from:
  .cfi_startproc
  pushq %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset rbx, 0
  movq %rdi, %rbx
  .cfi_remember_state
  .cfi_def_cfa rbx, 0x48
  .cfi_offset rbp, 0x38 - 0x48
  .cfi_offset rbx, 0x30 - 0x48
  .cfi_offset r15, 0x28 - 0x48
  .cfi_offset r14, 0x20 - 0x48
  .cfi_offset r13, 0x18 - 0x48
  .cfi_offset r12, 0x10 - 0x48
  movq %rsi, %rax
  movq %rdx, %rdi
  movq %rcx, %rsi
  callq *%rax
  .cfi_restore_state
  popq %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore rbx
  retq
  .cfi_endproc
  .size weft_walk_as_if_from, . - weft_walk_as_if_from
)");

void trace_parked(const void* sp, frame_list& out) noexcept {
  walk w{&out, 1};  // the frame that stands for the fiber's caller
  weft_walk_as_if_from(sp, _Unwind_Backtrace, note_frame, &w);
  finish(w);
}

bool can_trace_parked() noexcept { return true; }

#else

void trace_parked(const void*, frame_list& out) noexcept { out = frame_list{}; }

bool can_trace_parked() noexcept { return false; }

#endif

}  // namespace weft::detail
