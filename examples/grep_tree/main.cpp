// Prints the lines that contain a text, in the text files below some directories: byte for byte as
//   find DIR... -type f -print0 | LC_ALL=C sort -z | xargs -0 -r grep -nIHF -e PATTERN
// does, up to what is a text: a file without a zero byte in its first block. With -m or -q the
// first match, wherever it is found, cancels all walkers and searchers.
// Exit status: 0 found, 1 not found, 2 an error, 124 timed out.

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <weft/context.hpp>
#include <weft/error.hpp>
#include <weft/runtime.hpp>

#include "options.hpp"
#include "tree.hpp"

namespace grep_tree {
namespace {

// False when stdout cannot be written; errno says why.
bool print(const findings& all, const options& chosen) {
  for (const result& one : all.matches) {
    const std::string text = chosen.names_only ? one.path + '\n' : one.lines;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
      return false;
    }
  }
  return std::fflush(stdout) == 0;
}

int run(const options& chosen) {
  const weft::context root = weft::background();
  auto [ctx, cancel] =
      chosen.timeout ? weft::with_timeout(root, *chosen.timeout) : weft::with_cancel(root);
  findings all;
  const weft::error ended = search_trees(ctx, chosen, all);
  if (!chosen.quiet && !print(all, chosen)) {
    std::perror("grep_tree: write error");
    return 2;
  }
  if (is(ended, found)) {
    return 0;
  }
  if (ended) {
    const bool late = is(ended, weft::deadline_exceeded);
    std::fprintf(stderr, "grep_tree: %s\n", late ? "timed out" : ended.message().c_str());
    return late ? 124 : 2;
  }
  return all.failures != 0 ? 2 : all.matches.empty() ? 1 : 0;
}

}  // namespace
}  // namespace grep_tree

int main(int argc, char** argv) {
  grep_tree::options chosen;
  if (const std::optional<int> status = grep_tree::parse(argc, argv, chosen)) {
    return *status;
  }
  return weft::run([&] { return grep_tree::run(chosen); });
}
