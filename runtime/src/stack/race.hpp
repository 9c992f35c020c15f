#pragma once
// ThreadSanitizer's contexts ("fibers" in its interface): one for each goroutine, and that of the
// thread, in which the loop of its worker runs. [race] in docs/protocols.md. Empty in other builds.
#include <weft/detail/race.hpp>

#include <cstdint>
#include <string_view>

#include "stack/fiber.hpp"

#if WEFT_RACE
// A function in which the context changes must not be instrumented: its entry would be recorded in
// one context, its return in another.
#if defined(__clang__)
#define WEFT_SWITCHES_CONTEXT __attribute__((noinline, disable_sanitizer_instrumentation))
#else
#define WEFT_SWITCHES_CONTEXT __attribute__((noinline, no_sanitize("thread")))
#endif
// Declares `frame` for enter().
#define WEFT_LEAVE_ROOM(frame)                                               \
  void* const frame = static_cast<char*>(__builtin_alloca(2 * 2048)) + 2048; \
  asm volatile("" ::"r"(frame) : "memory")
#else
#define WEFT_SWITCHES_CONTEXT
#endif

namespace weft::detail::race {

#if WEFT_RACE

/// Who does something, as TSan sees it: a goroutine or a thread.
struct actor {
  void* context = nullptr;
  unsigned depth = 0;   ///< of runtime_code
  bool worker = false;  ///< the loop of a worker, or the monitor: runtime code for ever
  char started = 0;     ///< an address for the edge from a go statement to the goroutine
  char ended = 0;       ///< and for those from all that ran on a thread to its end
  char parked = 0;      ///< an address for the edges from a parked goroutine to who wakes it
  char noticed = 0;     ///< and back
  alignas(16) unsigned char closure[64] = {};
};

/// For a new goroutine: what the caller did happens before it. Throws std::system_error when there
/// are as many as TSan can follow.
actor* make_actor();
void name_actor(actor* a, std::uint64_t id, std::string_view name) noexcept;
void free_actor(actor* a) noexcept;

/// From the worker's loop to the goroutine that starts on this stack, whose lowest address is
/// `low`, and back. What ran on the stack before is forgotten: it was somebody else. The
/// goroutine's own frames must begin two KiB below `frame`: see WEFT_LEAVE_ROOM.
void enter(actor* a, const char* low, const void* frame) noexcept;
void leave() noexcept;

/// The calling thread's own.
actor* of_thread() noexcept;
/// The calling thread runs nothing but the runtime from here on, goroutines excepted.
void begin_worker() noexcept;
void end_worker() noexcept;
/// Before the runtime ends the process: TSan would report that runtime code had no end.
void before_exit() noexcept;

/// Somebody without a past: timer functions run as one. `low` and `frame` as in enter().
class stranger {
 public:
  stranger(const char* low, const void* frame) noexcept;
  ~stranger();
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;

 private:
  actor me_;
  actor* before_;
};

/// Around a jump from one stack to another.
void switch_stacks(fiber* from, fiber* to) noexcept;

/// For tests that look at who is parked: what all did before they parked happens before this.
void acquire_from_parked() noexcept;

/// For `as`.
void* become(actor* a) noexcept;
void become_again(void* before) noexcept;
actor* make_courier() noexcept;
void free_courier(actor* a) noexcept;

#else

inline void begin_worker() noexcept {}
inline void end_worker() noexcept {}
inline void before_exit() noexcept {}
inline void switch_stacks(fiber*, fiber*) noexcept {}
inline void acquire_from_parked() noexcept {}

#endif

}  // namespace weft::detail::race
