#pragma once
// A small model checker: runs a scenario of a few threads under every schedule (up to a bound on
// preemptions), switching between them before each access to a detail::atomic. Sequentially
// consistent: it finds wrong protocols, not weak memory orders. The code under test is the
// library's own source, compiled with WEFT_MODEL=1 and small capacities.
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace weft::model {

struct options {
  int preemptions = 2;                    ///< per execution
  std::size_t most_executions = 400'000;  ///< then stop, and say so
};

struct outcome {
  std::size_t executions = 0;
  bool exhausted = false;  ///< every schedule within the bound was run
  std::string failure;     ///< empty, or what went wrong
  std::string schedule;    ///< the choices that led there: replay them with replay()
};

/// Called at the start of each execution; returns the threads. State belongs into the closures
/// (std::shared_ptr), made anew each time.
using scenario = std::function<std::vector<std::function<void()>>()>;

/// Explores depth first. A failed require(), a thread that blocks for ever, or a check after the
/// end (the last function of `at_end`) stops it.
outcome explore(const scenario& make, const options& how = {});

/// Runs one schedule as printed by a failure.
outcome replay(const scenario& make, const std::string& schedule);

/// In a thread of a scenario: this execution has failed if the condition does not hold.
void require(bool condition, const char* what);

/// In the scenario function: runs after all threads of the execution have ended.
void at_end(std::function<void()> check);

/// Blocks the calling model thread until unblock(); used by the stand-ins of park and futex.
void block(const void* key);
void unblock(const void* key, int count);
/// The index of the calling model thread.
std::size_t current() noexcept;

}  // namespace weft::model
