#pragma once

namespace weft::detail {

/// Does nothing. Whoever calls it has gdb's script in the program: a library's object file that
/// nobody refers to is left out.
void keep_gdb_script() noexcept;

}  // namespace weft::detail
