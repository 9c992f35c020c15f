#pragma once
// What happens when an exception leaves a goroutine.
#include <cstdint>
#include <exception>
#include <source_location>
#include <string_view>

namespace weft {

/// What the handler is told.
struct uncaught_info {
  std::exception_ptr exception;  ///< null: std::terminate was called without one
  std::uint64_t goroutine = 0;   ///< its id
  std::string_view name;         ///< its name, or empty; valid during the call
  std::source_location created;  ///< where it was started
};

using uncaught_handler = void (*)(const uncaught_info&);

/// Sets what is called when an exception leaves a goroutine, or std::terminate is called in one;
/// null sets the default again. Returns the handler before, or null. The handler runs on the
/// goroutine's own stack, the frames that threw still on it, so that a core dump or a backtrace
/// shows them; it may log, flush, or end the program in its own way (std::_Exit, std::quick_exit).
/// When it returns, or throws, the default follows: a report to stderr with the exception, the
/// goroutine's id, name and creation site and all other goroutines, then abort (PN-1). Not for
/// threads that run no goroutine: their std::terminate handler stays what it was. Blocks  no.
/// Threads any.   Go  no counterpart: an unrecovered panic, PN-1, PN-7. Test
/// misuse/runtime_misuse_test.cpp
uncaught_handler set_uncaught_handler(uncaught_handler handler) noexcept;

}  // namespace weft
