#pragma once
// Guard regions below stacks. Linux 6.13 and later: MADV_GUARD_INSTALL, which needs no mapping
// of its own, so that a million guarded stacks stay one mapping. Older kernels: mprotect, which
// costs two mappings a stack and is therefore rationed below vm.max_map_count.
#include <weft/detail/atomic.hpp>

#include <cstddef>

namespace weft::detail {

/// Bytes of every guard: wider than the frames that code built without stack probes has.
inline constexpr std::size_t guard_bytes = 64 * 1024;

enum class guard_kind { none, madvise, mprotect };

/// How many mappings goroutines may take: an eighth of what the kernel allows stays with the
/// program's libraries and heap.
long mappings_to_spend() noexcept;

/// What this kernel offers; asked once.
guard_kind guard_support() noexcept;

/// Takes `count` guards out of the mprotect budget. False: there are no more. Always true where
/// guards cost no mapping.
bool guard_budget_take(std::size_t count) noexcept;
void guard_budget_return(std::size_t count) noexcept;

/// Makes [at, at + guard_bytes) fault on access. False with errno set when the kernel refuses.
bool install_guard(char* at) noexcept;
/// The same for `count` guards, `span` bytes apart.
bool install_guards(char* first, std::size_t span, std::size_t count) noexcept;

/// madvise() for several ranges as one system call, where the kernel can do that.
class spaced_advice {
 public:
  constexpr explicit spaced_advice(int advice) noexcept : advice_(advice) {}

  /// For `count` ranges of `bytes`, `span` bytes apart. False: not, or not all, done: there are too
  /// few or too many, or it cannot be done.
  bool give(char* first, std::size_t bytes, std::size_t span, std::size_t count) noexcept;

 private:
  const int advice_;
  // False once the kernel has said that it cannot. A hint.
  atomic<bool> possible_{true};
};

}  // namespace weft::detail
