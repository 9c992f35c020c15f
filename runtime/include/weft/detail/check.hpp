#pragma once
// Invariants of the runtime. WEFT_CHECK stays on in release builds: a scheduler that goes on
// after a broken invariant hangs later, elsewhere. WEFT_DCHECK is for the costly ones.

namespace weft::detail {

/// Prints the message, the place and all goroutines, then aborts. Never returns.
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const char* what) noexcept;

}  // namespace weft::detail

#define WEFT_CHECK(condition, what) \
  (static_cast<bool>(condition)     \
       ? static_cast<void>(0)       \
       : ::weft::detail::check_failed(#condition, __FILE__, __LINE__, what))

#ifdef NDEBUG
#define WEFT_DCHECK(condition, what) static_cast<void>(0)
#else
#define WEFT_DCHECK(condition, what) WEFT_CHECK(condition, what)
#endif
