// tools/gdb/weft_gdb.py as a part of every program: gdb loads what it finds in this section, if the
// program is on its auto-load safe-path. It is of the version that the program was made with, and
// it is debug information: not loaded when the program runs, gone when it is stripped.
//
// An entry is a byte that says "Python text", a line with a name, the text, a zero byte.
#include "debug/gdb_script.hpp"

asm(R"(
  .pushsection ".debug_gdb_scripts", "MS", @progbits, 1
  .byte 4
  .ascii "weft_gdb.py\n"
  .incbin ")" WEFT_GDB_SCRIPT R"("
  .byte 0
  .popsection
)");

namespace weft::detail {

void keep_gdb_script() noexcept {}

}  // namespace weft::detail
