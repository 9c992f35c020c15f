#pragma once
// A fiber: a stack and, while it does not run, its saved registers. The record sits at the top
// of the stack itself, so that a parked goroutine costs one page and no allocation.
#include <weft/detail/atomic.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace weft::detail {

/// What the C++ runtime keeps per thread about exceptions in flight; must have the layout of
/// the Itanium ABI's __cxa_eh_globals. Owned by one fiber at a time, swapped at each switch.
struct eh_globals {
  void* caught = nullptr;
  unsigned int uncaught = 0;
  bool any() const noexcept {  // one branch: at each switch, twice
    return (reinterpret_cast<std::uintptr_t>(caught) | uncaught) != 0;
  }
};

/// The calling thread's exception globals. Constant for the thread; read once per worker.
eh_globals* thread_eh_globals() noexcept;

class stack_pool;

/// The function that a new fiber runs, again and again.
using fiber_main = void (*)();

/// Runs on the fiber that was switched to, before it goes on.
using fiber_commit = void (*)(void*) noexcept;

struct fiber {
  // What a switch touches lies together: of a fiber that was away for long, each line is a miss.
  // [visit] saved context; null while the fiber runs. Written by whoever leaves or enters it.
  atomic<void*> sp{nullptr};
  // [visit] what it will run; null once it was started; being_visited: not to be entered now.
  // Written before the fiber is first entered, and by a visitor.
  atomic<fiber_main> main{nullptr};
  fiber* next = nullptr;       ///< link in a list of spare fibers
  eh_globals eh;               ///< exceptions in flight; valid while the fiber does not run
  char* low = nullptr;         ///< lowest usable address; the guard lies below
  char* top = nullptr;         ///< one past the highest usable address
  char* mapping = nullptr;     ///< start of the span, guard included
  std::size_t span = 0;        ///< bytes of the span
  stack_pool* pool = nullptr;  ///< where it goes back to; nullptr: own mapping or a thread's
  void* tsan = nullptr;        ///< who is parked on it, for TSan; nullptr: a worker's loop
  void* asan_fake_stack = nullptr;
  void* asan_root = nullptr;  ///< which of these the leak checker looks at
  unsigned valgrind_id = 0;
};

/// Fetches what going on with `f`, which is not running, will need, when it was away for long. The
/// record itself should have been fetched before: it says where the rest is.
inline void prefetch_saved(const fiber* f) noexcept {
  constexpr std::size_t line = 64;
  constexpr std::size_t most = 10 * line;  // from the saved registers to a goroutine's own frame
  const auto* sp = static_cast<const char*>(f->sp.load(relaxed));  // relaxed: only an address
  const auto* end = std::min(sp + most, reinterpret_cast<const char*>(f));
  for (const char* at = sp; at < end; at += line) {
    __builtin_prefetch(at, 1);
  }
}

/// The value of fiber::main while somebody looks at the stack: whoever would go on with the fiber
/// waits. [visit]
void being_visited();

/// Makes `f` start `main` when it is first switched to.
void prepare_fiber(fiber* f, fiber_main main) noexcept;

/// Saves the running fiber in `from` and goes on with `to`; there, first calls commit(arg).
/// Returns when somebody switches back, possibly on another thread. `eh` is the calling
/// thread's exception globals. See [park].
///
/// With `again`, which the running fiber began with, nothing that it has on its stack is needed any
/// more, and the caller returns from `again` next: when somebody switches back, `again` is called
/// anew, and the calls that were open need not end.
void switch_fiber(fiber* from, fiber* to, eh_globals* eh, fiber_commit commit, void* arg,
                  fiber_main again) noexcept;

}  // namespace weft::detail
