#include "interrupts.hpp"

#include <initializer_list>

namespace digest_tree {
namespace {

// How the destructor tells the watcher to end; blocked in that thread only, and always.
constexpr int stop_signal = SIGUSR1;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    sigaddset(&set, signal);
  }
  return set;
}

bool is_ignored(int signal) {
  struct sigaction action;
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

interrupts::interrupts(const weft::context& parent)
    : context_(weft::with_cancel_cause(parent)), signals_(set_of({})) {
  for (const int signal : {SIGINT, SIGTERM}) {
    if (!is_ignored(signal)) {
      sigaddset(&signals_, signal);
    }
  }
  const sigset_t stop = set_of({stop_signal});
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  watcher_ = std::thread([this] { watch(); });
  ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

interrupts::~interrupts() {
  ::pthread_kill(watcher_.native_handle(), stop_signal);
  watcher_.join();
}

void interrupts::watch() {
  const sigset_t stop = set_of({stop_signal});
  sigset_t all = signals_;
  sigaddset(&all, stop_signal);
  int signal = 0;
  ::sigwait(&all, &signal);
  if (signal != stop_signal) {
    context_.cancel(weft::error::make(interruption{signal}));
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);  // the next one ends the program
    ::sigwait(&stop, &signal);
  }
}

}  // namespace digest_tree
