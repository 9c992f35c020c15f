#pragma once
// What goroutine_local needs from the runtime: the values of whoever calls, found by key. These
// functions are never inlined: the caller may have moved to another thread since the last call.
#include <cstdint>

namespace weft::detail {

/// What can be done to a value of some type.
struct local_type {
  void (*destroy)(void*) noexcept;
  void* (*copy)(const void*);  ///< nullptr: not inherited
};

/// A key that nobody else has or will have; never 0.
std::uint64_t new_local_key() noexcept;

/// The calling goroutine's (or foreign thread's) value, or nullptr.
/// Throws misuse while that value is being destroyed.
void* find_local(std::uint64_t key);

/// Gives the caller a value, which it has not yet. Throws std::bad_alloc; nothing is added then.
void add_local(std::uint64_t key, void* value, const local_type& type);

/// Destroys the caller's value, if there is one.
void drop_local(std::uint64_t key) noexcept;

}  // namespace weft::detail
