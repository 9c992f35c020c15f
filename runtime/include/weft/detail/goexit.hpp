#pragma once

namespace weft::detail {

/// In a catch (...) block: true if what was caught is goexit(), which must be rethrown and never
/// kept.
bool handling_goexit() noexcept;

}  // namespace weft::detail
