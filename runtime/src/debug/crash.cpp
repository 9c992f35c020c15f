#include "debug/crash.hpp"

#include <weft/detail/check.hpp>
#include <weft/detail/goexit.hpp>

#include <cxxabi.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <mutex>
#include <typeinfo>

#include "debug/dump.hpp"
#include "debug/uncaught.hpp"
#include "detail/sys.hpp"
#include "sched/scheduler.hpp"
#include "stack/guard.hpp"

namespace weft::detail {
namespace {

std::terminate_handler previous_terminate = nullptr;
struct sigaction previous_segv;

const goroutine* running_goroutine() noexcept {
  worker* w = this_worker();
  return w != nullptr ? w->current() : nullptr;
}

// False: there is none.
bool print_type_of_current_exception() noexcept {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) {
    return false;
  }
  int status = 0;
  char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  print(status == 0 && name != nullptr ? name : type->name());
  std::free(name);
  return true;
}

// "std::runtime_error: text", as far as it can be known.
void print_current_exception() noexcept {
  if (!print_type_of_current_exception()) {
    print("std::terminate was called without an exception");
    return;
  }
  const auto print_text = [](const char* text) {
    if (text != nullptr) {
      print(": ");
      print(text);
    }
  };
  try {
    std::rethrow_exception(std::current_exception());
  } catch (const std::exception& e) {
    print_text(e.what());  // if that throws, terminate is called again: see below
  } catch (const char* text) {
    print_text(text);
  } catch (...) {
  }
}

[[noreturn]] void on_terminate() noexcept {
  const goroutine* g = running_goroutine();
  static thread_local int times = 0;
  if (g == nullptr && previous_terminate != nullptr) {
    previous_terminate();
  }
  switch (times++) {
    case 0:
      if (g != nullptr && !handling_goexit()) {
        call_uncaught_handler(*g);
      }
      if (handling_goexit()) {
        print("weft: fatal: goexit met a noexcept frame, which it cannot unwind");
        break;
      }
      print("weft: fatal: an exception left a goroutine: ");
      print_current_exception();
      break;
    case 1:  // what() is noexcept: what leaves it comes here (PN-6)
      print(" (its what() threw, too: ");
      print_type_of_current_exception();
      print(")");
      break;
    default:
      std::abort();
  }
  print("\n\n");
  if (g != nullptr) {
    print_goroutine(*g);
  }
  print_all_goroutines(g);
  std::abort();
}

void on_segv(int signal, siginfo_t* info, void* context) noexcept {
  const goroutine* g = running_goroutine();
  worker* w = this_worker();
  const char* at = static_cast<const char*>(info->si_addr);
  // Both kinds of guard are met here: si_code differs between them, the address does not.
  if (const fiber* f = w != nullptr ? w->running_fiber() : nullptr;
      f != nullptr && f->low != nullptr && at >= f->low - guard_bytes && at < f->low) {
    print("weft: fatal: stack overflow: a goroutine needs more than its ");
    print(static_cast<std::uint64_t>(f->top - f->low));
    print(
        " bytes of stack; give it more with go_options.stack_bytes, or all of them with "
        "runtime_options.stack_bytes or WEFT_STACK_BYTES\n\n");
    if (g != nullptr) {
      print_goroutine(*g);
    }
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    ::sigaction(SIGSEGV, &standard, nullptr);
    return;  // the faulting instruction runs again and ends the process, with the true core
  }
  if ((previous_segv.sa_flags & SA_SIGINFO) != 0 && previous_segv.sa_sigaction != nullptr) {
    previous_segv.sa_sigaction(signal, info, context);
  } else if (previous_segv.sa_handler != SIG_DFL && previous_segv.sa_handler != SIG_IGN) {
    previous_segv.sa_handler(signal);
  } else {
    ::sigaction(SIGSEGV, &previous_segv, nullptr);
  }
}

}  // namespace

void install_crash_handlers() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    previous_terminate = std::set_terminate(on_terminate);
    struct sigaction action {};
    action.sa_sigaction = on_segv;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGSEGV, &action, &previous_segv);
  });
}

crash_stack::crash_stack() noexcept : memory_(nullptr), bytes_(64 * 1024) {
  const long least = ::sysconf(_SC_MINSIGSTKSZ);
  if (least > 0 && static_cast<std::size_t>(least) * 4 > bytes_) {
    bytes_ = static_cast<std::size_t>(least) * 4;
  }
  memory_ = sys.map(bytes_);
  if (memory_ != nullptr) {
    stack_t s{};
    s.ss_sp = memory_;
    s.ss_size = bytes_;
    ::sigaltstack(&s, &before_);
  }
}

crash_stack::~crash_stack() {
  if (memory_ != nullptr) {
    ::sigaltstack(&before_, nullptr);
    sys.unmap(memory_, bytes_);
  }
}

void fatal_goroutine(const goroutine* g, const char* what) noexcept {
  print("weft: fatal: ");
  print(what);
  print("\n\n");
  if (g != nullptr) {
    print_goroutine(*g);
  } else {
    print("on a thread that runs no goroutine\n");
  }
  print_all_goroutines(g);
  std::abort();
}

void fatal_misuse(const char* what) noexcept { fatal_goroutine(running_goroutine(), what); }

void check_failed(const char* condition, const char* file, int line, const char* what) noexcept {
  print("weft: broken invariant: ");
  print(what);
  print(" (");
  print(condition);
  print(") at ");
  print(file);
  print(":");
  print(static_cast<std::uint64_t>(line));
  print("\n");
  print_all_goroutines(nullptr);
  std::abort();
}

}  // namespace weft::detail
