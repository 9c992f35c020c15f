#include "line.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace digest_tree {
namespace {

constexpr std::string_view awkward = "\\\n\r";

std::string escaped(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (const char c : name) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string digest_line(std::string_view hex, std::string_view path) {
  std::string line;
  if (path.find_first_of(awkward) != std::string_view::npos) {
    line += '\\';
  }
  line += hex;
  line += "  ";
  line += escaped(path);
  line += '\n';
  return line;
}

weft::error failure(std::string_view path, int error) {
  return weft::error(std::error_code(error, std::generic_category()), escaped(path));
}

std::string message_line(const weft::error& err) { return "digest_tree: " + err.message() + '\n'; }

weft::error write_line(std::string_view line) {
  const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
  return written ? nullptr : failure("write error", errno);
}

weft::error flush_lines() {
  return std::fflush(stdout) == 0 ? nullptr : failure("write error", errno);
}

}  // namespace digest_tree
