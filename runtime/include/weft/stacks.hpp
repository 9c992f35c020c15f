#pragma once
// How much stack goroutines really use, to choose runtime_options::stack_bytes and
// go_options::stack_bytes by. What common library calls need: docs/stacks.md.
#include <cstddef>
#include <vector>

namespace weft {

namespace this_goroutine {
/// Bytes of its stack that this goroutine has in use at the moment, and all that there are. On a
/// thread that is not running a goroutine both are 0.
/// Blocks  no.   Cost  O(1).   Go  no counterpart.   Test  unit/runtime/stacks_test.cpp
std::size_t stack_in_use() noexcept;
std::size_t stack_size() noexcept;
/// The most that was ever in use of the stack that this goroutine is on: in whole pages, and by
/// whichever goroutine had it since its pages were last given back to the system. A goroutine with
/// a stack of its own (go_options::stack_bytes) sees its own mark. Blocks  no.   Cost  one system
/// call.   Errors  std::system_error.
std::size_t stack_high_water();
}  // namespace this_goroutine

/// The stacks of the running runtime's usual size.
struct stack_report {
  std::size_t stack_bytes = 0;     ///< that each may use
  std::size_t stacks = 0;          ///< in use or spare
  std::size_t most_used = 0;       ///< the highest mark of them all, in bytes
  std::size_t resident_bytes = 0;  ///< memory that they have touched
  /// by_pages[n]: how many stacks have touched n pages; up to the last that is not 0.
  std::vector<std::size_t> by_pages;
};
/// Looks at every stack: which of its pages were touched since they were last given back.
/// Blocks  no, but holds up those who need a new stack for a moment at a time.
/// Cost    one system call per stack.   Errors  no_runtime; std::system_error; std::bad_alloc.
/// Threads any.   Go  no counterpart: its stacks grow.   Test  unit/runtime/stacks_test.cpp
stack_report report_stacks();

}  // namespace weft
