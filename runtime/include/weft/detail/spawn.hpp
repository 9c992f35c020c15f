#pragma once
// What the template go() needs from the scheduler: a record with room for the closure, and a way
// to submit it.
#include <cstddef>
#include <source_location>
#include <string_view>

namespace weft::detail {

class goroutine;

/// Closures up to this size live in the goroutine's record; larger ones on the heap.
inline constexpr std::size_t inline_closure_bytes = 64;

struct spawn_request {
  std::string_view name;
  std::size_t stack_bytes;  ///< 0: the runtime's default
};

/// A goroutine that is about to be made.
struct new_goroutine {
  goroutine* record;
  void* room;  ///< for the closure: inline_closure_bytes, aligned to 16
};

/// A record for a new goroutine. Throws no_runtime, std::system_error, std::bad_alloc; then
/// nothing is left behind.
new_goroutine begin_spawn(std::source_location site);
new_goroutine begin_spawn(const spawn_request& request, std::source_location site);

/// Makes it runnable: run(new_goroutine::room) will be called once, on some worker. [go: MM-1]
void finish_spawn(goroutine* g, void (*run)(void*)) noexcept;

/// The closure could not be built: the record goes back.
void abandon_spawn(goroutine* g) noexcept;

}  // namespace weft::detail
