#include "line.hpp"

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

std::string failure_line(std::string_view path, int error) {
  return "digest_tree: " + escaped(path) + ": " + std::generic_category().message(error) + '\n';
}

}  // namespace digest_tree
