#pragma once

namespace weft::detail {

/// Thrown by goexit(), caught where a goroutine ends. Not derived from std::exception, so that
/// only catch (...) can meet it; that must rethrow.
struct goexit_unwind {};

}  // namespace weft::detail
