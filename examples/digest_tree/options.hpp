#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace digest_tree {

struct options {
  std::vector<std::string> roots;
  std::size_t hashers = 0;  // 0: two for each processor, so that one computes while one reads
  std::optional<std::chrono::duration<double>> timeout;
  bool fail_fast = false;  // the first file that cannot be read stops everything
};

// Reads the command line. When the program is to end at once, after --help or a mistake, has said
// why and returns the exit status.
std::optional<int> parse(int argc, char** argv, options& chosen);

}  // namespace digest_tree
