#pragma once
// Which frames of a stack are shown, and how.
#include <cstdint>

#include "debug/backtrace.hpp"
#include "debug/symbols.hpp"

namespace weft::detail {

class text_out;

/// Takes out the runtime's own frames at both ends, unless the level of detail asks for them: what
/// is left is what the user wrote.
void trim_frames(frame_list& f, symbol_reader& symbols) noexcept;

/// "function+0x1c (file 0x1234)".
void write_symbol(text_out& out, const void* return_address, symbol_reader& symbols,
                  demangler& name);

/// One to a line.
void write_frames(text_out& out, const frame_list& f, symbol_reader& symbols, demangler& name);
/// A stack by itself, trimmed. Throws std::bad_alloc.
void write_trace(text_out& out, frame_list& f);

}  // namespace weft::detail
