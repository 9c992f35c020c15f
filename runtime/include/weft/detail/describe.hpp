#pragma once
// How dumps describe what a goroutine waits for. Each module tells of its own kinds of objects.
#include <weft/detail/wait_reason.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

struct object_fact {
  const char* name = nullptr;
  std::int64_t value = 0;
};

struct waited_object {
  const char* kind = nullptr;  ///< "chan", "mutex", ...
  const void* at = nullptr;
  object_fact facts[2];  ///< those with a name
};

/// One object for most waits; a select has one for each channel.
struct wait_description {
  static constexpr std::size_t room = 4;
  std::uint32_t total = 0;  ///< how many there are; the first `room` of them are told of
  waited_object objects[room];

  waited_object* add() noexcept { return total < room ? &objects[total++] : (++total, nullptr); }
};

/// Adds what `object`, a wait_cause's, is. While it runs the wait is not over, but its lock is not
/// held: values may be from a moment ago. Must not lock, allocate, or follow what may be freed.
using wait_describer = void (*)(const void* object, wait_description& out) noexcept;

/// Sets the describer of a reason whose objects the runtime does not know. For initialisers of
/// static variables.
void set_wait_describer(wait_reason r, wait_describer f) noexcept;

}  // namespace weft::detail
