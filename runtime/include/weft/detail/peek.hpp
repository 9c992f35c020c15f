#pragma once
// Looking at a variable that somebody else may be writing, for dumps: what is seen is checked
// afterwards, or does no harm. ThreadSanitizer is not told.
#include <bit>
#include <cstdint>
#include <type_traits>

namespace weft::detail {

template <class T>
__attribute__((noinline, no_sanitize("thread"))) T peek(const T& at) noexcept {
  static_assert(sizeof(T) <= sizeof(void*), "read by one instruction");
  if constexpr (std::is_scalar_v<T>) {
    return *const_cast<const volatile T*>(&at);
  } else {
    using word __attribute__((may_alias)) = std::uintptr_t;
    static_assert(sizeof(T) == sizeof(word));
    return std::bit_cast<T>(*reinterpret_cast<const volatile word*>(&at));
  }
}

}  // namespace weft::detail
