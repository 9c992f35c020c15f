#pragma once

#include <string>
#include <string_view>
#include <weft/error.hpp>

namespace digest_tree {

// The line that GNU sha256sum prints for a file, with its newline. A name that holds a backslash, a
// newline or a carriage return is escaped, and a backslash before the digest says so.
std::string digest_line(std::string_view hex, std::string_view path);

// Why a file could not be read: "NAME: reason", the name escaped so that it stays one line.
weft::error failure(std::string_view path, int error);

// "digest_tree: message\n".
std::string message_line(const weft::error& err);

// Writes to stdout, through a buffer.
weft::error write_line(std::string_view line);
weft::error flush_lines();

}  // namespace digest_tree
