// The heap of the model tests: gives the lowest free address of a size. So each execution finds its
// objects where the one before had them, and what depends on addresses (select locks channels in
// their order) is the same schedule by the same choices.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>

#include "explore.hpp"

namespace {

constexpr std::size_t step = 64;
constexpr std::size_t classes = 64;  // up to 4 KiB; larger ones are not objects of the models
constexpr std::size_t room = std::size_t{256} << 20;
constexpr std::size_t most_free = 1 << 16;  // of one size

struct free_blocks {
  void* heap[most_free];  // the lowest address first
  std::size_t count;
};

alignas(64) std::byte memory[room];
free_blocks blocks[classes];
std::size_t used;

bool later(void* a, void* b) { return std::less<>()(b, a); }

void* take(std::size_t bytes) {
  const std::size_t c = bytes == 0 ? 0 : (bytes - 1) / step;
  if (c >= classes) {
    return std::malloc(bytes);
  }
  free_blocks& f = blocks[c];
  if (f.count != 0) {
    std::pop_heap(f.heap, f.heap + f.count, later);
    return f.heap[--f.count];
  }
  const std::size_t size = (c + 1) * step;
  if (used + size > room) {
    std::abort();
  }
  void* at = memory + used;
  used += size;
  return at;
}

void give(void* at, std::size_t bytes) {
  const std::size_t c = bytes == 0 ? 0 : (bytes - 1) / step;
  free_blocks& f = blocks[c];
  if (f.count == most_free) {
    std::abort();
  }
  f.heap[f.count++] = at;
  std::push_heap(f.heap, f.heap + f.count, later);
}

// The size before the block: deletes do not always know it.
constexpr std::size_t header = 64;

void* allocate(std::size_t bytes) {
  auto* at = static_cast<std::byte*>(take(bytes + header));
  if (at == nullptr) {
    throw std::bad_alloc();
  }
  *reinterpret_cast<std::size_t*>(at) = bytes + header;
  return at + header;
}

void release(void* block) {
  if (block == nullptr) {
    return;
  }
  auto* at = static_cast<std::byte*>(block) - header;
  const std::size_t bytes = *reinterpret_cast<std::size_t*>(at);
  if (weft::model::keep_for_now(block, bytes - header)) {
    return;
  }
  if ((bytes - 1) / step >= classes) {
    std::free(at);
  } else {
    give(at, bytes);
  }
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new(std::size_t bytes, std::align_val_t) { return allocate(bytes); }
void operator delete(void* at) noexcept { release(at); }
void operator delete(void* at, std::size_t) noexcept { release(at); }
void operator delete(void* at, std::align_val_t) noexcept { release(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { release(at); }
