#pragma once
// The end of a program that cannot go on: broken invariants, exceptions that leave a goroutine,
// stack overflow. Each says which goroutine, then shows the others, then aborts.
#include <signal.h>

#include <cstddef>
#include <string>

namespace weft::detail {

class goroutine;

/// Installs the terminate handler and those of the signals of faults, once per process. Faults and
/// terminations that are not a goroutine's go to the handlers that were there before.
void install_crash_handlers() noexcept;

/// The calling thread's alternate signal stack, for as long as the object lives; then the one that
/// was there before.
class crash_stack {
 public:
  crash_stack() noexcept;
  ~crash_stack();
  crash_stack(const crash_stack&) = delete;
  crash_stack& operator=(const crash_stack&) = delete;

 private:
  void* memory_;
  std::size_t bytes_;
  bool in_force_ = false;
  stack_t before_{};
};

/// By run(), when it is about to return: a report that has begun elsewhere is not cut off (PN-7).
/// Waits five seconds at most.
void await_crash_report() noexcept;

/// "std::runtime_error: text" of the exception that is being handled.
std::string current_exception_text();

/// Prints `what` about g, then all goroutines, then aborts.
[[noreturn]] void fatal_goroutine(const goroutine* g, const char* what) noexcept;

/// For misuse that Go calls fatal: the calling goroutine (or thread) is named.
[[noreturn]] void fatal_misuse(const char* what) noexcept;

}  // namespace weft::detail
