#pragma once
// What all goroutines do, written for people. Nothing here allocates or locks: it runs in crashed
// processes.
#include <cstdint>
#include <string_view>

namespace weft::detail {

class goroutine;

/// Text to stderr, unbuffered, from any context.
void print(std::string_view text) noexcept;
void print(std::uint64_t number) noexcept;

/// One goroutine: id, state or wait reason, name, creation site.
void print_goroutine(const goroutine& g) noexcept;

/// All goroutines but `except`.
void print_all_goroutines(const goroutine* except) noexcept;

/// Reports that no goroutine can ever run again, as Go does, and exits with status 2.
[[noreturn]] void deadlock_exit(std::int64_t live) noexcept;

}  // namespace weft::detail
