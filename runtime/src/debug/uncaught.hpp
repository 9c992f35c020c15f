#pragma once

namespace weft::detail {

class goroutine;

/// Calls what was given to set_uncaught_handler(), if anything, about g, which cannot go on. May
/// not return.
void call_uncaught_handler(const goroutine& g) noexcept;

}  // namespace weft::detail
