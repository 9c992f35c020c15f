#pragma once
// Seeing inside: what goroutines do, and where. docs/debugging.md tells how to read it.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace weft {

enum class dump_format {
  text,  ///< for people; goroutines that are alike are written once
  json,  ///< for programs; one object
};

/// All goroutines of the run: id, name, state, wait reason and what is waited for, since when
/// (minutes; to 0.05 s in JSON), where and by whom it was started, and its stack. One that runs on
/// another thread is asked for it, by a SIGURG to that thread: docs/debugging.md. While it looks,
/// goroutines that it has just come to are held up, 64 at a time, for some 300 us; all others go
/// on: it is not one moment for all of them.
/// Blocks  the thread, while others are making a dump or are asked; a second at the most where they
///         do not answer.
/// Order   none.   Errors  std::bad_alloc. Without a runtime there are no goroutines in it.
/// Cost    some 5 us for each goroutine, and some 10 ms to read the symbols of the program.
/// Threads any, also none of weft's.
/// Go      runtime.Stack(buf, true); RT-13, OB-1.   Test  unit/runtime/dump_test.cpp,
///         unit/runtime/ask_internal_test.cpp
std::string dump_goroutines(dump_format format = dump_format::text);

/// The same, written to a file descriptor. False: there was no memory for it. What write(2) refuses
/// is lost.
bool dump_goroutines(int fd, dump_format format = dump_format::text);

/// The caller's own stack, as in dumps: one line for each frame, innermost first.
/// Go      runtime.Stack(buf, false); RT-13.   Errors  std::bad_alloc.
std::string stack_trace();

/// Return addresses of the caller's own stack, innermost first, without the first `skip`; 0: the
/// caller is the first. The trace ends at the goroutine's first function. Returns how many there
/// are in `into`.
/// Blocks  no.   Cost  some 0.3 us for each frame.   Go  runtime.Callers; RT-14.
std::size_t callers(std::span<const void*> into, std::size_t skip = 0) noexcept;

/// "function+0x1c (file 0x1234)" for a return address that callers() gave.
/// Go      runtime.FuncForPC.   Errors  std::bad_alloc.
std::string describe_address(const void* return_address);

}  // namespace weft
