#include "debug/quit.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "debug/dump.hpp"
#include "debug/text_out.hpp"
#include "sched/scheduler.hpp"
#include "stack/race.hpp"

namespace weft::detail {
namespace {

// Written by run() before the handler is there.
constinit atomic<sigquit_action> wanted{sigquit_action::leave};
// 1 from the signal until the monitor sees it.
constinit atomic<std::uint32_t> asked{0};

// The monitor writes the dump: in a handler nothing may be allocated, and half of the program may
// be in the middle of something. A signal that finds the last one not even seen ends the process:
// the monitor is stuck.
void on_quit(int signal) noexcept {
  const int saved_errno = errno;
  // [quit.1] seq_cst: before the monitor is woken
  const bool again = asked.exchange(1, seq_cst) != 0;
  if (const scheduler::in_use s; s && !again) {
    s->wake_monitor();
  } else {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  errno = saved_errno;
}

}  // namespace

void install_quit_handler(sigquit_action action) noexcept {
  struct sigaction now {};
  if (action == sigquit_action::leave || ::sigaction(SIGQUIT, nullptr, &now) != 0 ||
      (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) {
    return;
  }
  wanted.store(action, relaxed);  // relaxed: before sigaction()
  asked.store(0, relaxed);        // relaxed: as above
  struct sigaction ours {};
  ours.sa_handler = on_quit;
  ours.sa_flags = SA_ONSTACK | SA_RESTART;
  ::sigemptyset(&ours.sa_mask);
  ::sigaction(SIGQUIT, &ours, nullptr);
}

void remove_quit_handler() noexcept {
  struct sigaction now {};
  if (::sigaction(SIGQUIT, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
      now.sa_handler == on_quit) {
    ::signal(SIGQUIT, SIG_DFL);
  }
}

bool quit_requested() noexcept {
  // [quit.2] relaxed: a hint; seq_cst: pairs with the exchange in on_quit().
  return asked.load(relaxed) != 0 && asked.exchange(0, seq_cst) != 0;
}

void answer_quit(scheduler* s) noexcept {
  int fd = STDERR_FILENO;
  {
    text_out out(write_to_fd, &fd);
    out << "weft: SIGQUIT\n";
    try {
      if (!write_text_dump(s, out)) {
        out << "weft: no memory for the dump\n";
      }
    } catch (...) {  // nothing of it throws when it writes to a file descriptor
    }
  }
  if (wanted.load(relaxed) == sigquit_action::dump_and_exit) {  // relaxed: a setting
    race::before_exit();
    ::_exit(2);
  }
}

}  // namespace weft::detail
