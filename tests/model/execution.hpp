#pragma once
// What the explorer knows about the execution that it runs. Inside of the explorer only.
#include <boost/context/detail/fcontext.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "explore.hpp"
#include "memory.hpp"

namespace weft::model {

inline constexpr std::int64_t never_due = INT64_MAX;

// What the C++ runtime keeps per thread about them: __cxa_eh_globals of the Itanium ABI.
struct exceptions {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

struct thread {
  std::function<void()> body;
  boost::context::detail::fcontext_t context = nullptr;
  const void* blocked_on = nullptr;
  std::int64_t deadline = never_due;
  bool timed_out = false;
  bool finished = false;
  bool yielded = false;  // spins: others first
  exceptions in_flight;
};

struct choice {
  std::size_t taken;
  std::size_t of;
};

inline constexpr std::size_t thread_limit = 16;  // of one execution

// Draws the choices of executions at random.
struct sampler {
  std::uint64_t state = 1;
  std::size_t one_in = 2;  // so seldom does something else than the usual come
  std::size_t below(std::size_t n);
};

struct execution {
  std::vector<thread> threads;
  std::vector<std::function<void()>> checks;
  std::vector<choice> path;
  std::size_t depth = 0;
  std::size_t running = 0;
  std::size_t steps = 0;
  std::size_t places = 0;  // where something else than the usual could have come
  int preemptions = 0;
  int bound = 0;
  int stale = 0;
  memory shared;
  bool inside = false;  // a model thread runs
  std::int64_t time = 0;
  int timeouts = 0;
  int idle_spins = 0;
  bool keeps_freed = false;
  sampler* samples = nullptr;
  std::ostringstream* trace = nullptr;
  std::string failure;
  boost::context::detail::fcontext_t explorer = nullptr;
};

extern execution* now;

// ---- explore.cpp: the search ----

/// One of so many alternatives. The first is the usual one where the bounds count the others.
enum class first { usual, one_of_all };
std::size_t choose(std::size_t of, first f);
/// This execution has failed; it goes on to the next step.
void fail(const std::string& what);

// ---- threads.cpp: who runs ----

void add_thread(std::function<void()> body);
/// The threads that may go next; the running one first.
std::vector<std::size_t> enabled();
/// Runs this one up to its next step.
void resume(std::size_t i);
/// The running thread comes to a place where others may go first.
void step(bool yields);
/// Leaves the running thread.
void to_explorer();

// ---- seam.cpp: what the sources do with atomics ----

/// A thread runs, in a memory that is weaker than sequentially consistent.
bool weak_memory();
/// What was freed in the execution before.
void let_freed_go();

}  // namespace weft::model
