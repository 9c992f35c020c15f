#include "stack/pool.hpp"

#include <weft/detail/atomic.hpp>
#include <weft/detail/check.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string>
#include <system_error>

#include "detail/sys.hpp"
#include "stack/guard.hpp"
#include "stack/sanitizer.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t page = 4096;
constexpr int madv_populate_write = 23;  // not in every header
constinit spaced_advice touch_all{madv_populate_write};
constexpr std::size_t smallest_stack = 16 * 1024;
constexpr std::size_t new_share = 64;  // of the stacks in use, so many are made ahead: one in 64

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

[[noreturn]] void cannot_map(std::size_t bytes, int error) {
  throw std::system_error(error, std::generic_category(),
                          "weft: cannot reserve " + std::to_string(bytes) +
                              " bytes of address space for goroutine stacks (see ulimit -v and "
                              "vm.overcommit_memory)");
}

[[noreturn]] void no_more_guards() {
  throw std::system_error(
      ENOMEM, std::generic_category(),
      "weft: no more guarded stacks: this kernel has no MADV_GUARD_INSTALL and each guard costs "
      "two mappings (see vm.max_map_count)");
}

// Builds the fiber record at the top of a span. Tops are coloured: equally aligned stacks would
// share the same few cache sets.
fiber* place_fiber(char* span_start, std::size_t span, std::size_t colour, stack_pool* pool,
                   fiber_main main) noexcept {
  constexpr std::size_t colours = 16;
  char* top = span_start + span;
  char* at = top - round_up(sizeof(fiber), cache_line) - (colour % colours) * cache_line;
  fiber* f = new (at) fiber;
  f->low = span_start + guard_bytes;
  f->top = top;
  f->mapping = span_start;
  f->span = span;
  f->pool = pool;
  sanitizer::create(f);
  prepare_fiber(f, main);
  return f;
}

}  // namespace

constinit spinlock visiting;

stack_pool::stack_pool(std::size_t usable_bytes, fiber_main main)
    : span_(round_up(usable_bytes < smallest_stack ? smallest_stack : usable_bytes, page) +
            guard_bytes),
      guard_bytes_(guard_bytes),
      main_(main) {}

void stack_pool::reserve_slab() {
  {
    std::lock_guard hold(lock_);
    if (released_slabs_ != 0) {
      --released_slabs_;
      return;
    }
  }
  const std::size_t bytes = span_ * slab_stacks;
  if (bytes / slab_stacks != span_) {
    cannot_map(span_, ENOMEM);
  }
  if (!guard_budget_take(slab_stacks)) {
    no_more_guards();
  }
  std::lock_guard hold(lock_);
  try {
    slabs_.reserve(slabs_.size() + 1);
    const std::size_t all = (slabs_.size() + 1) * slab_stacks;
    if (spares_.capacity() < all || cold_.capacity() < all) {
      spares_.reserve(all * 2);
      cold_.reserve(all * 2);
    }
  } catch (...) {
    guard_budget_return(slab_stacks);
    throw;
  }
  void* at = sys.map(bytes);
  if (at == nullptr) {
    const int error = errno;
    guard_budget_return(slab_stacks);
    cannot_map(bytes, error);
  }
  sys.advise(at, bytes, MADV_NOHUGEPAGE);  // one touched byte must not cost two megabytes
  slabs_.push_back(static_cast<char*>(at));
}

void stack_pool::release_slab() noexcept {
  std::lock_guard hold(lock_);
  ++released_slabs_;
}

fiber* stack_pool::take_spare() noexcept {
  fiber* f = spares_.back();
  spares_.pop_back();
  if (spares_.size() < spare_low_) {
    spare_low_ = spares_.size();
  }
  return f;
}

// [stack.6] The lock is held for choosing only: what a stack costs that is used for the first time
// would keep the others out for microseconds.
fiber* stack_pool::take_some(std::size_t most, std::size_t& taken) noexcept {
  char* at = nullptr;
  std::size_t colour = 0;
  bool guarded = false;
  {
    std::lock_guard hold(lock_);
    if (fiber* first = take_spares(most, taken)) {
      return first;
    }
    if (!cold_.empty()) {
      at = cold_.back();
      cold_.pop_back();
      taken = 1;
      guarded = true;
    } else {
      at = take_reserved(std::clamp<std::size_t>(carved_ / new_share, 1, most), taken);
    }
    carved_ += taken;
    colour = colour_;
    colour_ += taken;
  }
  WEFT_CHECK(guarded || install_guards(at, span_, taken), "the kernel refused to guard a stack");
  // One system call is cheaper than as many page faults. If it fails, those come.
  touch_all.give(at + span_ - page, page, span_, taken);
  fiber* first = nullptr;
  for (std::size_t i = taken; i-- > 0;) {
    fiber* f = place_fiber(at + i * span_, span_, colour + i, this, main_);
    f->next = first;
    first = f;
  }
  return first;
}

// Up to `most` that lie side by side.
char* stack_pool::take_reserved(std::size_t most, std::size_t& taken) noexcept {
  const std::size_t slab = next_stack_ / slab_stacks;
  const std::size_t place = next_stack_ % slab_stacks;
  WEFT_CHECK(slab < slabs_.size(), "a stack is needed that was not reserved");
  taken = std::min(most, slab_stacks - place);
  next_stack_ += taken;
  return slabs_[slab] + span_ * place;
}

// The chain is linked by stores: loads from stacks that nobody has used for long would wait for
// memory one after the other.
fiber* stack_pool::take_spares(std::size_t most, std::size_t& taken) noexcept {
  fiber* first = nullptr;
  fiber** link = &first;
  for (taken = 0; taken < most && !spares_.empty(); ++taken) {
    *link = take_spare();
    link = &(*link)->next;
  }
  *link = nullptr;
  for (const fiber* f = first; f != nullptr; f = f->next) {
    prefetch_saved(f);
  }
  return first;
}

void stack_pool::give_spares(fiber* first) noexcept {
  std::lock_guard hold(lock_);
  for (fiber* f = first; f != nullptr; f = f->next) {
    spares_.push_back(f);
  }
}

void stack_pool::discard(fiber* f) noexcept {
  char* at = f->mapping;
  char* low = f->low;
  sanitizer::destroy(f);
  --carved_;
  sys.advise(low, span_ - guard_bytes_, MADV_DONTNEED);
  cold_.push_back(at);
}

bool stack_pool::trim() noexcept {
  constexpr std::size_t keep = 256;  // 1 MiB or so of warm stacks is nobody's trouble
  constexpr std::size_t batch = 64;  // how long take_some() may have to wait for the lock
  std::size_t surplus = 0;
  bool more = false;
  {
    std::lock_guard hold(lock_);
    surplus = spare_low_ > keep ? (spare_low_ - keep + 1) / 2 : 0;
    spare_low_ = spares_.size();
    more = spares_.size() > keep + 1;
  }
  while (surplus > 0) {
    std::lock_guard hold(lock_);
    for (std::size_t i = 0; i < batch && surplus > 0; ++i, --surplus) {
      if (spares_.empty()) {
        return false;
      }
      discard(take_spare());
    }
  }
  return more;
}

#if WEFT_ASAN
void stack_pool::forget_dead_frames() noexcept {
  std::lock_guard hold(lock_);
  for (fiber* f : spares_) {
    sanitizer::forget_dead_frames(f);
  }
}
#endif

fiber* stack_pool::map_fiber(std::size_t usable_bytes, fiber_main main) {
  const std::size_t wanted = usable_bytes < smallest_stack ? smallest_stack : usable_bytes;
  const std::size_t span = round_up(wanted, page) + guard_bytes;
  if (span < usable_bytes) {
    cannot_map(usable_bytes, ENOMEM);
  }
  if (!guard_budget_take(1)) {
    no_more_guards();
  }
  void* at = sys.map(span);
  if (at == nullptr) {
    const int error = errno;
    guard_budget_return(1);
    cannot_map(span, error);
  }
  sys.advise(at, span, MADV_NOHUGEPAGE);
  if (!install_guard(static_cast<char*>(at))) {
    const int error = errno;
    sys.unmap(at, span);
    guard_budget_return(1);
    throw std::system_error(error, std::generic_category(), "weft: cannot guard a stack");
  }
  return place_fiber(static_cast<char*>(at), span, 0, nullptr, main);
}

void stack_pool::unmap_fiber(fiber* f) noexcept {
  char* at = f->mapping;
  const std::size_t span = f->span;
  sanitizer::destroy(f);
  {
    spin_guard hold(visiting);  // [visit.7]
    sys.unmap(at, span);
  }
  guard_budget_return(1);
}

}  // namespace weft::detail
