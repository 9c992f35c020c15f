#pragma once

#include <string>
#include <string_view>
#include <vector>
#include <weft/context.hpp>

namespace grep_tree {

// How much of a file is wanted.
enum class extent { all_lines, first_line };

struct result {
  std::string path;
  std::string lines;  // "path:number:line\n" for each line that contains the pattern
  int error = 0;      // errno of the open or read that failed
};

// Searches files, one after another, with one buffer for all of them: one for each goroutine.
class searcher {
 public:
  explicit searcher(std::string_view pattern) : pattern_(pattern) {}

  // Reads the file; blocks the thread. A file with a zero byte in its first block is no text: it
  // has no lines. Stops between blocks when ctx is done; the result is not complete then.
  result operator()(const weft::context& ctx, const std::string& path, extent wanted);

 private:
  void search(std::string_view text, extent wanted, result& found);

  const std::string_view pattern_;
  std::vector<char> buffer_;
  std::size_t line_number_ = 0;  // of the first line in the buffer
};

}  // namespace grep_tree
