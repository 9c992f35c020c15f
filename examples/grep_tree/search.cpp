#include "search.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "support/file.hpp"

namespace grep_tree {
namespace {

constexpr std::size_t block_bytes = 96 * 1024;

}  // namespace

result searcher::operator()(const weft::context& ctx, const std::string& path, extent wanted) {
  result found{path, {}, 0};
  support::file file(path);
  if (!file.is_open()) {
    found.error = errno;
    return found;
  }
  line_number_ = 1;
  std::size_t kept = 0;  // bytes of a line whose end was not read yet
  for (bool first = true; !ctx.err(); first = false) {
    buffer_.resize(std::max(buffer_.size(), kept + block_bytes));
    const std::ptrdiff_t got = file.read(buffer_.data() + kept, block_bytes);
    if (got < 0) {
      found.error = errno;
      return found;
    }
    if (first && got > 0 && std::memchr(buffer_.data(), '\0', static_cast<std::size_t>(got))) {
      return found;
    }
    const std::string_view text(buffer_.data(), kept + static_cast<std::size_t>(got));
    if (got == 0) {
      search(text, wanted, found);  // the last line, which has no newline
      return found;
    }
    const std::size_t complete = text.rfind('\n') + 1;  // npos + 1 is 0
    search(text.substr(0, complete), wanted, found);
    if (wanted == extent::first_line && !found.lines.empty()) {
      return found;
    }
    kept = text.size() - complete;
    std::memmove(buffer_.data(), buffer_.data() + complete, kept);
  }
  return found;
}

// Whole lines. Looks for the pattern first, and for the line around it only when it is there.
void searcher::search(std::string_view text, extent wanted, result& found) {
  while (!text.empty()) {
    const std::size_t at = text.find(pattern_);
    const std::size_t begin = at == text.npos ? text.size() : text.rfind('\n', at - (at > 0)) + 1;
    const std::size_t line = at == 0 ? 0 : begin;
    line_number_ += static_cast<std::size_t>(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(line), '\n'));
    if (at == text.npos) {
      return;
    }
    const std::size_t end = std::min(text.find('\n', at), text.size());
    found.lines += found.path + ':' + std::to_string(line_number_) + ':';
    found.lines.append(text.substr(line, end - line));
    found.lines += '\n';
    if (wanted == extent::first_line) {
      return;
    }
    ++line_number_;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace grep_tree
