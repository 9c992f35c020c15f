#pragma once
// What AddressSanitizer and ThreadSanitizer must be told about fibers, in their builds, and
// Valgrind, in all others: nothing at a switch, some nops where a stack is made.
#include <cstddef>

#include "stack/fiber.hpp"
#include "stack/race.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#endif
#define WEFT_TSAN WEFT_RACE

// Not in the sanitizers' builds, which Valgrind cannot run.
#if !WEFT_ASAN && !WEFT_TSAN && __has_include(<valgrind/valgrind.h>)
#define WEFT_VALGRIND 1
#include <valgrind/valgrind.h>
#endif

#if WEFT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace weft::detail::sanitizer {

/// A root of the leak checker's: whether the stack that run() was called on is one.
enum class thread_stack { only_frames_of_the_runtimes, of_who_called_run };

#if WEFT_ASAN

/// Fills in the bounds of the calling thread's own stack; until part_from_thread().
void adopt_thread(fiber* f, thread_stack what) noexcept;
void part_from_thread(fiber* f, thread_stack what) noexcept;

/// A fiber is made; it ends while it does not run.
void create(fiber* f) noexcept;
void destroy(fiber* f) noexcept;

/// Clears what ended calls left on the stack of a fiber that does not run, and will not meanwhile:
/// memory that nothing but such a rest refers to is leaked.
void forget_dead_frames(fiber* f) noexcept;

/// ASan has put frames of this fiber's elsewhere: what they refer to is not leaked either.
void found_fake_stack(fiber* f) noexcept;

/// Nobody may look into it any more, nor is what it refers to in use; and again.
inline void close(void* at, std::size_t bytes) noexcept { ASAN_POISON_MEMORY_REGION(at, bytes); }
inline void open(void* at, std::size_t bytes) noexcept { ASAN_UNPOISON_MEMORY_REGION(at, bytes); }

#else

inline void adopt_thread(fiber*, thread_stack) noexcept {}
inline void part_from_thread(fiber*, thread_stack) noexcept {}
/// Without it Valgrind takes a switch for a call of a function with very many local variables.
inline void create([[maybe_unused]] fiber* f) noexcept {
#if WEFT_VALGRIND
  f->valgrind_id = static_cast<unsigned>(VALGRIND_STACK_REGISTER(f->low, f->top - 1));
#endif
}
inline void destroy([[maybe_unused]] fiber* f) noexcept {
#if WEFT_VALGRIND
  VALGRIND_STACK_DEREGISTER(f->valgrind_id);
#endif
}
inline void close(void*, std::size_t) noexcept {}
inline void open(void*, std::size_t) noexcept {}

#endif

/// Immediately before the jump.
[[gnu::always_inline]] inline void leave(fiber* from, fiber* to) noexcept {
#if WEFT_ASAN
  __sanitizer_start_switch_fiber(&from->asan_fake_stack, to->low,
                                 static_cast<std::size_t>(to->top - to->low));
  if (from->asan_fake_stack != from->asan_root) [[unlikely]] {
    found_fake_stack(from);
  }
#endif
  race::switch_stacks(from, to);
}

/// The first thing after the jump.
inline void arrive([[maybe_unused]] fiber* self) noexcept {
#if WEFT_ASAN
  __sanitizer_finish_switch_fiber(self->asan_fake_stack, nullptr, nullptr);
#endif
}

inline bool under_valgrind() noexcept {
#if WEFT_VALGRIND
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

}  // namespace weft::detail::sanitizer
