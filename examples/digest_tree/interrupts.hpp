#pragma once

#include <csignal>
#include <string>
#include <thread>
#include <weft/context.hpp>

namespace digest_tree {

// Why a context was cancelled: somebody wants the program to end. Found by weft::as.
struct interruption {
  int signal;
  std::string message() const { return "interrupted"; }
};

// While it exists, the first SIGINT or SIGTERM cancels a context, with an interruption as cause;
// the second ends the program, as without all this. A signal that was ignored stays ignored. Make
// it before there are other threads: they inherit that these signals are blocked.
class interrupts {
 public:
  explicit interrupts(const weft::context& parent);
  ~interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;

  const weft::context& ctx() const { return context_.ctx; }

 private:
  void watch();

  weft::cancelable_cause_context context_;
  sigset_t signals_;
  std::thread watcher_;  // not a goroutine: it waits for signals, and any thread may cancel
};

}  // namespace digest_tree
