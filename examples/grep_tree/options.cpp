#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "support/command_line.hpp"

namespace grep_tree {

std::optional<int> parse(int argc, char** argv, options& chosen) {
  CLI::App app("Prints the lines that contain PATTERN in the text files below DIR...", "grep_tree");
  app.add_option("PATTERN", chosen.pattern, "A text, not an expression")->required();
  app.add_option("DIR", chosen.roots, "A directory to walk, or a file")->required();
  app.add_flag("-m", chosen.first_only, "Stop at the first match, in whichever file it is found");
  app.add_flag("-l", chosen.names_only, "Print only the names of the files");
  app.add_flag("-q", chosen.quiet, "Print nothing, stop at the first match");
  support::add_timeout(app, chosen.timeout);
  const std::optional<int> status =
      support::parse(app, argc, argv, {&chosen.pattern}, chosen.roots);
  if (!status && chosen.pattern.find('\n') != std::string::npos) {
    std::fputs("grep_tree: PATTERN must be one line\n", stderr);
    return 2;
  }
  chosen.first_only = chosen.first_only || chosen.quiet;
  return status;
}

}  // namespace grep_tree
