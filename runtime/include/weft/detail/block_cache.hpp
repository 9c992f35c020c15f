#pragma once
// Small blocks of memory that are used again at once: contexts and channels that are made and
// dropped in a loop. Only while one thread runs weft code, when a list needs no lock; otherwise,
// and beyond the bound, it is the ordinary allocator, which has caches per thread of its own. Off
// under AddressSanitizer, whose quarantine must see every block.
#include <weft/detail/solo.hpp>

#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_BLOCK_CACHE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_BLOCK_CACHE 0
#else
#define WEFT_BLOCK_CACHE WEFT_SOLO
#endif
#else
#define WEFT_BLOCK_CACHE WEFT_SOLO
#endif

namespace weft::detail {

struct free_block {
  free_block* next;
};
struct free_blocks {
  free_block* first = nullptr;
  std::size_t count = 0;
};

class block_cache {
  static constexpr std::size_t step = 64;
  static constexpr std::size_t largest = 512;
  // Touched by solo's owner only.
  static inline constinit free_blocks lists[largest / step];

 public:
  /// Throws std::bad_alloc. Aligned as operator new does.
  static void* take(std::size_t bytes) {
#if WEFT_BLOCK_CACHE
    if (bytes <= largest) {
      {
        free_blocks& l = lists[(bytes - 1) / step];
        if (solo_section alone; alone && l.first != nullptr) {
          free_block* b = l.first;
          l.first = b->next;
          --l.count;
          return b;
        }
      }
      return ::operator new((bytes + step - 1) / step * step);
    }
#endif
    return ::operator new(bytes);
  }
  /// `bytes` as given to take().
  static void give(void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#if WEFT_BLOCK_CACHE
    if (bytes <= largest) {
      free_blocks& l = lists[(bytes - 1) / step];
      if (solo_section alone; alone && l.count < most_blocks) {
        l.first = ::new (at) free_block{l.first};
        ++l.count;
        return;
      }
    }
#endif
    ::operator delete(at);
  }

 private:
  static constexpr std::size_t most_blocks = 16'384;  // of a size: 8 MiB of the largest
};

}  // namespace weft::detail
