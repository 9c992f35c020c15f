#include "debug/crash.hpp"

#include <weft/detail/check.hpp>
#include <weft/detail/goexit.hpp>

#include <cxxabi.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iterator>
#include <mutex>
#include <typeinfo>

#include "debug/ask.hpp"
#include "debug/dump.hpp"
#include "debug/gdb_script.hpp"
#include "debug/text_out.hpp"
#include "debug/uncaught.hpp"
#include "detail/sys.hpp"
#include "sched/scheduler.hpp"
#include "sched/simulation.hpp"
#include "stack/guard.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

std::terminate_handler previous_terminate = nullptr;

// The signals that end a program that has gone wrong, and what was to happen at each before.
constexpr int fault_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
struct sigaction previous_action[std::size(fault_signals)];

struct sigaction& previous_of(int signal) noexcept {
  std::size_t i = 0;
  while (fault_signals[i] != signal) {
    ++i;
  }
  return previous_action[i];
}

// The thread that writes the report with which the process ends; 0: none does. Set once.
constinit atomic<std::int32_t> reporter{0};

// False: this thread is at it already: something has gone wrong in the report itself. Another
// thread that comes too late waits for the end, so that reports do not mix (PN-7).
bool begin_report() noexcept {
  const std::int32_t me = ::gettid();
  std::int32_t none = 0;
  if (reporter.compare_exchange(none, me, relaxed, relaxed)) {  // relaxed: nothing is published
    return true;
  }
  if (none == me) {
    return false;
  }
  constexpr std::int64_t long_ns = 60'000'000'000;
  for (const std::int64_t until = real_now() + long_ns; real_now() < until;) {
    sys.nap(until - real_now());  // which the signals of the other one's report interrupt [ask]
  }
  return true;  // the other one is stuck
}

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
  if (simulation* s = this_simulation(); s != nullptr && s->is_bubble() && g != nullptr &&
                                         !handling_goexit() &&
                                         std::current_exception() != nullptr) {
    // The second time it is the failure's own text that threw: then as in any program.
    static thread_local const goroutine* before = nullptr;
    static thread_local std::uint64_t id_before = 0;
    if (before != g || id_before != g->id) {
      before = g;
      id_before = g->id;
      s->fail_by_exception();
    }
  }
  static thread_local int times = 0;
  if (g == nullptr && previous_terminate != nullptr) {
    previous_terminate();
  }
  switch (times++) {
    case 0:
      if (g != nullptr && !handling_goexit()) {
        call_uncaught_handler(*g);
      }
      begin_report();
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
  print_crash_dump(g, heap::sound);
  std::abort();
}

}  // namespace

std::string current_exception_text() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) {
    return "none";
  }
  int status = 0;
  char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  std::string text = status == 0 && name != nullptr ? name : type->name();
  std::free(name);
  try {
    throw;
  } catch (const std::exception& e) {
    text += std::string(": ") + e.what();
  } catch (const char* what) {
    text += what != nullptr ? std::string(": ") + what : "";
  } catch (...) {
  }
  return text;
}

namespace {

const char* describe_fault(int signal) noexcept {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV: invalid memory access";
    case SIGBUS:
      return "SIGBUS: memory that cannot be accessed";
    case SIGFPE:
      return "SIGFPE: division by zero or overflow";
    case SIGILL:
      return "SIGILL: illegal instruction";
    default:
      return "SIGABRT: abort";
  }
}

bool is_default(const struct sigaction& a) noexcept {
  return (a.sa_flags & SA_SIGINFO) == 0 && a.sa_handler == SIG_DFL;
}

// The signal ends the process, with the core of the place where it arose: a fault arises again when
// the handler returns, abort() sees to itself.
void let_it_end(int signal, const siginfo_t* info) noexcept {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(signal, &standard, nullptr);
  if (info->si_code <= 0 && signal != SIGABRT) {
    ::raise(signal);  // somebody sent it
  }
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  leave_answer();
  const goroutine* g = running_goroutine();
  worker* w = this_worker();
  const char* at = static_cast<const char*>(info->si_addr);
  const struct sigaction& previous = previous_of(signal);
  // Both kinds of guard are met here: si_code differs between them, the address does not.
  const fiber* f = w != nullptr ? w->running_fiber() : nullptr;
  const bool overflow = signal == SIGSEGV && f != nullptr && f->low != nullptr &&
                        at >= f->low - guard_bytes && at < f->low;
  if (overflow || (g != nullptr && is_default(previous))) {
    // relaxed: own value
    if (signal == SIGABRT && reporter.load(relaxed) == ::gettid()) {
      return;  // the end of a report
    }
    const bool first = begin_report();
    if (!first) {
      print("\nweft: fault in the report; without stacks, then:\n\n");
    } else if (overflow) {
      print("weft: fatal: stack overflow: a goroutine needs more than its ");
      print(static_cast<std::uint64_t>(f->top - f->low));
      print(
          " bytes of stack; give it more with go_options.stack_bytes, or all of them with "
          "runtime_options.stack_bytes or WEFT_STACK_BYTES\n\n");
    } else {
      print("weft: fatal: ");
      print(describe_fault(signal));
      if (signal != SIGABRT) {
        text_out out([](void*, std::string_view text) { print(text); }, nullptr);
        out << " at " << static_cast<const void*>(at);
      }
      print("\n\n");
    }
    static int faults = 0;
    if (faults++ < 2) {
      print_crash_dump(g, heap::doubtful, first ? stacks::all : stacks::none);
    }
    let_it_end(signal, info);
  } else if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    let_it_end(signal, info);
  }
}

}  // namespace

void install_crash_handlers() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    previous_terminate = std::set_terminate(on_terminate);
    install_ask_handler();
    keep_gdb_script();
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;  // a fault in the report is met, too
    ::sigemptyset(&action.sa_mask);
    for (const int signal : fault_signals) {
      ::sigaction(signal, nullptr, &previous_of(signal));
      // Who treats the others knows better what they mean.
      if (signal == SIGSEGV || is_default(previous_of(signal))) {
        ::sigaction(signal, &action, nullptr);
      }
    }
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
    in_force_ = sys.alternate_stack(&s, &before_) == 0;
  }
}

crash_stack::~crash_stack() {
  if (memory_ == nullptr || (in_force_ && sys.alternate_stack(&before_, nullptr) != 0)) {
    return;  // a signal may still come to it
  }
  sys.unmap(memory_, bytes_);
}

void await_crash_report() noexcept {
  constexpr int most = 500;
  // relaxed: it is set once, and then the process is about to end
  for (int n = 0; n < most && reporter.load(relaxed) != 0; ++n) {
    sys.nap(10'000'000);
  }
}

void fatal_goroutine(const goroutine* g, const char* what) noexcept {
  begin_report();
  print("weft: fatal: ");
  print(what);
  print("\n\n");
  print_crash_dump(g, heap::sound);
  std::abort();
}

void fatal_misuse(const char* what) noexcept { fatal_goroutine(running_goroutine(), what); }

void check_failed(const char* condition, const char* file, int line, const char* what) noexcept {
  if (!begin_report()) {
    std::abort();
  }
  print("weft: broken invariant: ");
  print(what);
  print(" (");
  print(condition);
  print(") at ");
  print(file);
  print(":");
  print(static_cast<std::uint64_t>(line));
  print("\n\n");
  print_crash_dump(running_goroutine(), heap::sound);
  std::abort();
}

}  // namespace weft::detail
