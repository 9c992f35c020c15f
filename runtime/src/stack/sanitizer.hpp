#pragma once
// What AddressSanitizer and ThreadSanitizer must be told about fibers. Empty in other builds.
//
// TSan switches synchronise (flag 0): an edge from the leaving fiber to the next one on the same
// thread. Races between goroutines on different workers are seen; races that ran one after the
// other on one worker are not (that needs the no-sync form with explicit edges).
#include "stack/fiber.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WEFT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN 1
#endif
#endif

#if WEFT_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if WEFT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace weft::detail::sanitizer {

/// Fills in the bounds and the identity of the calling thread's own stack.
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
#if WEFT_TSAN
  f->tsan = __tsan_get_current_fiber();
#endif
}

inline void create([[maybe_unused]] fiber* f) noexcept {
#if WEFT_ASAN
  // Heap blocks that only parked stacks refer to are not leaks. Without the guard, which the
  // leak checker would trip over.
  __lsan_register_root_region(f->low, static_cast<std::size_t>(f->top - f->low));
#endif
#if WEFT_TSAN
  f->tsan = __tsan_create_fiber(0);
#endif
}

inline void destroy([[maybe_unused]] fiber* f) noexcept {
#if WEFT_TSAN
  __tsan_destroy_fiber(f->tsan);
#endif
#if WEFT_ASAN
  __lsan_unregister_root_region(f->low, static_cast<std::size_t>(f->top - f->low));
  // The abandoned frames must not poison the next tenant's.
  ASAN_UNPOISON_MEMORY_REGION(f->low, static_cast<std::size_t>(f->top - f->low));
#endif
}

/// Immediately before the jump.
inline void leave([[maybe_unused]] fiber* from, [[maybe_unused]] fiber* to) noexcept {
#if WEFT_ASAN
  __sanitizer_start_switch_fiber(&from->asan_fake_stack, to->low,
                                 static_cast<std::size_t>(to->top - to->low));
#endif
#if WEFT_TSAN
  __tsan_switch_to_fiber(to->tsan, 0);
#endif
}

/// The first thing after the jump.
inline void arrive([[maybe_unused]] fiber* self) noexcept {
#if WEFT_ASAN
  __sanitizer_finish_switch_fiber(self->asan_fake_stack, nullptr, nullptr);
#endif
}

}  // namespace weft::detail::sanitizer
