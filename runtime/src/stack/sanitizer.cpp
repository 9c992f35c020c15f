// What AddressSanitizer and its leak checker are told about stacks, other than at each switch.
#include "stack/sanitizer.hpp"

#if WEFT_ASAN

#include <pthread.h>
#include <sanitizer/lsan_interface.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>

namespace weft::detail::sanitizer {
namespace {

// A function that goes on with another fake stack must have no frame on one.
#define WEFT_PLAIN_FRAME __attribute__((noinline, no_sanitize_address))

std::size_t stack_bytes(const fiber* f) noexcept {
  return static_cast<std::size_t>(f->top - f->low);
}

// Where the compilers' libraries keep frames (compiler-rt's asan_fake_stack.h): behind a page and a
// byte for each 32 of the stack, eleven classes of them, each as large as the stack, but at least
// 64 KiB and at most 1 MiB by ASan's default options.
struct range {
  void* at;
  std::size_t bytes;
};
range fake_frames(const fiber* f) noexcept {
  const std::size_t one =
      std::clamp(std::bit_ceil(stack_bytes(f)), std::size_t{1} << 16, std::size_t{1} << 20);
  return {static_cast<char*>(f->asan_root) + 4096 + one / 32, one * 11};
}

void unregister_fake_stack(fiber* f) noexcept {
  if (f->asan_root != nullptr) {
    const range r = fake_frames(f);
    __lsan_unregister_root_region(r.at, r.bytes);
    f->asan_root = nullptr;
  }
}

// ASan frees the fake stack of a fiber that is left for good, which no fiber of ours is: they are
// spare then. So this pretends to be on it, and to leave it.
WEFT_PLAIN_FRAME void free_fake_stack(fiber* f) noexcept {
  void* mine = nullptr;
  const void* my_low = nullptr;
  std::size_t my_size = 0;
  __sanitizer_start_switch_fiber(&mine, f->low, stack_bytes(f));
  __sanitizer_finish_switch_fiber(f->asan_fake_stack, &my_low, &my_size);
  __sanitizer_start_switch_fiber(nullptr, my_low, my_size);
  __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
}

WEFT_PLAIN_FRAME void clear(char* from, char* to) noexcept {
  for (volatile char* p = from; p != to; ++p) {
    *p = 0;
  }
}

}  // namespace

void adopt_thread(fiber* f, thread_stack what) noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    void* low = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    f->low = static_cast<char*>(low);
    f->top = f->low + size;
  }
  // ASan takes the stack of the goroutine that runs for the thread's own.
  if (what == thread_stack::of_who_called_run) {
    __lsan_register_root_region(f->low, stack_bytes(f));
  }
}

void part_from_thread(fiber* f, thread_stack what) noexcept {
  unregister_fake_stack(f);
  if (what == thread_stack::of_who_called_run) {
    __lsan_unregister_root_region(f->low, stack_bytes(f));
  }
}

void create(fiber* f) noexcept {
  // Heap blocks that only parked stacks refer to are not leaks. Without the guard, which the
  // leak checker would trip over.
  __lsan_register_root_region(f->low, stack_bytes(f));
}

void destroy(fiber* f) noexcept {
  __lsan_unregister_root_region(f->low, stack_bytes(f));
  unregister_fake_stack(f);
  if (f->asan_fake_stack != nullptr) {
    free_fake_stack(f);
  }
  // The abandoned frames must not poison the next tenant's.
  ASAN_UNPOISON_MEMORY_REGION(f->low, stack_bytes(f));
}

void forget_dead_frames(fiber* f) noexcept {
  constexpr std::size_t page = 4096;
  auto* in_use = static_cast<char*>(f->sp.load(acquire));  // acquire: pairs with [visit.5]
  if (in_use == nullptr) {
    return;
  }
  const auto dead = static_cast<std::size_t>(in_use - f->low);
  ASAN_UNPOISON_MEMORY_REGION(f->low, dead);
  const std::size_t pages = dead / page * page;
  ::madvise(f->low, pages, MADV_DONTNEED);  // refused: a leak goes unreported
  clear(f->low + pages, in_use);
}

void found_fake_stack(fiber* f) noexcept {
  unregister_fake_stack(f);
  f->asan_root = f->asan_fake_stack;
  if (f->asan_root != nullptr) {
    const range r = fake_frames(f);
    __lsan_register_root_region(r.at, r.bytes);
  }
}

}  // namespace weft::detail::sanitizer

#endif
