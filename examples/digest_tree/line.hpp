#pragma once

#include <string>
#include <string_view>

namespace digest_tree {

// The line that GNU sha256sum prints for a file, with its newline. A name that holds a backslash, a
// newline or a carriage return is escaped, and a backslash before the digest says so.
std::string digest_line(std::string_view hex, std::string_view path);

// "digest_tree: NAME: reason\n", the name escaped so that it stays one line.
std::string failure_line(std::string_view path, int error);

}  // namespace digest_tree
