#pragma once
// What AddressSanitizer and ThreadSanitizer must be told about fibers. Empty in other builds.
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

#if WEFT_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace weft::detail::sanitizer {

/// Fills in the bounds of the calling thread's own stack.
inline void adopt_thread([[maybe_unused]] fiber* f) noexcept {
#if WEFT_ASAN
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    void* low = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    f->low = static_cast<char*>(low);
    f->top = f->low + size;
  }
#endif
}

inline void create([[maybe_unused]] fiber* f) noexcept {
#if WEFT_ASAN
  // Heap blocks that only parked stacks refer to are not leaks. Without the guard, which the
  // leak checker would trip over.
  __lsan_register_root_region(f->low, static_cast<std::size_t>(f->top - f->low));
#endif
}

inline void destroy([[maybe_unused]] fiber* f) noexcept {
#if WEFT_ASAN
  __lsan_unregister_root_region(f->low, static_cast<std::size_t>(f->top - f->low));
  // The abandoned frames must not poison the next tenant's.
  ASAN_UNPOISON_MEMORY_REGION(f->low, static_cast<std::size_t>(f->top - f->low));
#endif
}

/// Immediately before the jump.
[[gnu::always_inline]] inline void leave(fiber* from, fiber* to) noexcept {
#if WEFT_ASAN
  __sanitizer_start_switch_fiber(&from->asan_fake_stack, to->low,
                                 static_cast<std::size_t>(to->top - to->low));
#endif
  race::switch_stacks(from, to);
}

/// The first thing after the jump.
inline void arrive([[maybe_unused]] fiber* self) noexcept {
#if WEFT_ASAN
  __sanitizer_finish_switch_fiber(self->asan_fake_stack, nullptr, nullptr);
#endif
}

}  // namespace weft::detail::sanitizer
