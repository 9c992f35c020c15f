#pragma once
// A run on one thread, in which everything follows from a seed: who runs next, where others come in
// between, and the time, which stands still while anybody can run and then jumps to the next
// timer. [simulated] in docs/protocols.md.
#include <weft/detail/park.hpp>
#include <weft/testing.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "sched/goroutine.hpp"
#include "sched/strategy.hpp"

namespace weft::detail {

class scheduler;
class spinlock;

class simulation {
 public:
  /// Of a program as a whole: other threads may have a part in it, and a deadlock ends the process
  /// as always. A bubble is closed, and its failures are values.
  enum class scope { program, bubble };
  /// Goroutines that go on for longer are endless; 0: no limit.
  simulation(scope s, std::uint64_t seed, std::uint64_t max_steps);

  // ---- by the thread of the run, outside of goroutines ----
  /// The clock of the process is this run's from here on.
  void begin(scheduler& s) noexcept;
  void end() noexcept;

  // ---- by its worker ----
  /// A goroutine that can run.
  void add(goroutine* g);
  /// Who runs next, or nullptr. `leaving`: who could go on itself, but lets others go first.
  goroutine* choose(goroutine* leaving);
  /// Nobody can run. False: nobody ever will, and the run is over.
  bool when_idle();

  // ---- by goroutines ----
  /// A step of the calling goroutine; others may go first.
  void point() noexcept;
  /// May others go before the caller takes a lock? Not if it holds one already: then the scheduler
  /// itself might need it, which cannot wait.
  enum class goes_first { others, caller };
  /// Locks; if a goroutine that was made to wait, or a thread outside, holds it: when that has gone
  /// on.
  void lock_in_turn(spinlock& lock, goes_first who) noexcept;
  /// Returns when all others are blocked. Throws misuse when somebody waits so already.
  void wait();
  /// The same after the last line of the bubble; from here on time stands still. What is left then
  /// is a leak.
  void drain();
  /// Records the first failure; the run ends when the caller parks or returns.
  void fail(testing::failure_kind kind, std::string message, std::exception_ptr thrown = nullptr);
  /// The exception that is being handled leaves the calling goroutine, which never runs again.
  [[noreturn]] void fail_by_exception() noexcept;

  bool is_bubble() const noexcept { return scope_ == scope::bubble; }
  testing::result&& take_result() noexcept { return std::move(result_); }

  /// While it lives the calling thread comes to no schedule point: where a goroutine has left its
  /// stack half. Null: does nothing.
  class pause {
   public:
    explicit pause(simulation* s) noexcept : simulation_(s) {
      if (s != nullptr) {
        ++s->pauses_;
      }
    }
    ~pause() {
      if (simulation_ != nullptr) {
        --simulation_->pauses_;
      }
    }
    pause(const pause&) = delete;
    pause& operator=(const pause&) = delete;

   private:
    simulation* simulation_;
  };

 private:
  void count_step();
  void note_choice(std::uint64_t id) noexcept;
  bool creep() noexcept;
  void await_all() noexcept;
  bool await_other_threads();

  const scope scope_;
  const std::uint64_t seed_;
  const std::uint64_t max_steps_;
  scheduler* scheduler_ = nullptr;
  strategy strategy_;
  std::vector<goroutine*> runnable_;
  std::vector<std::uint64_t> ids_;  // of them
  std::uint32_t steps_ = 0;         // of time
  std::uint32_t streak_ = 0;        // steps of one goroutine in a row
  std::uint32_t pauses_ = 0;        // see pause
  bool preempting_ = false;         // the running goroutine is made to wait, it did not ask for it
  bool time_stands_ = false;        // drain()
  goroutine* waiter_ = nullptr;     // in wait()
  goroutine* drainer_ = nullptr;    // in drain()
  testing::result result_;
};

/// That of the calling goroutine, or nullptr.
simulation* this_simulation() noexcept;

}  // namespace weft::detail
