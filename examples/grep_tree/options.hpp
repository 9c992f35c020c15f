#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace grep_tree {

struct options {
  std::string pattern;
  std::vector<std::string> roots;
  bool first_only = false;  // stop everything at the first match
  bool names_only = false;
  bool quiet = false;  // print nothing; implies first_only
  std::optional<std::chrono::duration<double>> timeout;
};

// Reads the command line. When the program is to end at once, after --help or a mistake, has said
// why and returns the exit status.
std::optional<int> parse(int argc, char** argv, options& chosen);

}  // namespace grep_tree
