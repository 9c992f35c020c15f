#pragma once
// A small model checker: runs a scenario of a few threads under every schedule (up to a bound on
// preemptions), switching between them before each access to a detail::atomic. Sequentially
// consistent unless loads may be stale: then memory is as weak as the orders in the sources allow
// (memory.hpp). The code under test is the library's own source, compiled with WEFT_MODEL=1 and
// small capacities.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace weft::model {

struct options {
  int preemptions = 2;                    ///< per execution
  int stale = 0;                          ///< loads per execution that may return an old value
  std::size_t most_executions = 400'000;  ///< then stop, and say so
  /// If it has stopped: so many more at random, which are not all at one end of the tree.
  std::size_t samples = 0;
};

struct outcome {
  std::size_t executions = 0;  ///< all of them, samples too
  bool exhausted = false;      ///< every schedule within the bound was run
  std::string failure;         ///< empty, or what went wrong
  std::string schedule;        ///< the choices that led there: replay them with replay()
};

/// Called at the start of each execution; returns the threads. State belongs into the closures
/// (std::shared_ptr), made anew each time.
using scenario = std::function<std::vector<std::function<void()>>()>;

/// Explores depth first. A failed require(), a thread that blocks for ever, or a check after the
/// end (the last function of `at_end`) stops it. The samples are the same each time.
outcome explore(const scenario& make, const options& how = {});

/// Runs one schedule as printed by a failure. `lines`: each access of a thread, with where it
/// stands in the sources, goes to stderr. Throws std::invalid_argument for what is no schedule.
enum class trace { none, lines };
outcome replay(const scenario& make, const std::string& schedule, trace t = trace::none);

/// In a thread of a scenario: this execution has failed if the condition does not hold.
void require(bool condition, const char* what);

/// In the scenario function: runs after all threads of the execution have ended.
void at_end(std::function<void()> check);

/// Blocks the calling model thread until unblock(); used by the stand-ins of park and futex. As
/// with a futex, unblock() orders nothing, and if an atomic at `key` has a value that the thread
/// may not have seen, block() returns at once.
void block(const void* key);
void unblock(const void* key, int count);
/// The same until a point of time at the latest; false: that has come. Time stands still as long as
/// any thread can run, and then goes to the next such point.
bool block_until(const void* key, std::int64_t deadline);
std::int64_t now_ns() noexcept;
/// How often time has gone on in this execution: nobody who waits for something else needs that.
int timeouts() noexcept;

/// One more thread for this execution, by one of its threads; its index.
std::size_t start_thread(std::function<void()> body);
/// Waits for its end.
void join_thread(std::size_t index);
/// By a thread: all others end where they are. That is no failure.
void end_others() noexcept;
/// How many threads have not ended. What the others did happens before, as the kernel counts under
/// a lock that a thread takes at its end.
std::size_t live_threads() noexcept;
/// A model thread is running (and not the function that makes the scenario).
bool inside() noexcept;

/// In this execution what is freed stays there to the end, and who touches an atomic in it has
/// failed. Called in the scenario function.
void keep_freed();
/// By the heap: false: it may go.
bool keep_for_now(void* block, std::size_t bytes) noexcept;

/// As membarrier(2): every thread passes a full barrier.
void barrier_everywhere();

/// What the calling thread has done and seen is ordered before what follows adopt(key).
void publish(const void* key);
void adopt(const void* key);

/// Until the end of its life, the accesses in lines [first, last] of the file whose name ends so
/// have this order instead of their own: for tests that must fail then.
class weakened {
 public:
  weakened(std::string file, unsigned first, unsigned last, std::memory_order order);
  ~weakened();
  weakened(const weakened&) = delete;
  weakened& operator=(const weakened&) = delete;
  /// How many accesses were weakened.
  std::size_t met() const noexcept;
};

/// Until the end of its life, the sources have the mutation of this name: see mutate.py.
class mutated {
 public:
  explicit mutated(const char* name);
  ~mutated();
  mutated(const mutated&) = delete;
  mutated& operator=(const mutated&) = delete;
  /// How often the sources came by.
  std::size_t met() const noexcept;
};

/// The index of the calling model thread.
std::size_t current() noexcept;

}  // namespace weft::model
