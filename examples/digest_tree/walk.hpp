#pragma once

#include <string>
#include <vector>

namespace digest_tree {

// Something that could not be read, and why (an errno).
struct failure {
  std::string path;
  int error = 0;
};

// What one step of the walk found. Names are joined to the path as find(1) does it.
struct listing {
  std::vector<std::string> files;  // regular files only
  std::vector<std::string> directories;
  std::vector<failure> failures;
};

// Classifies a path from the command line. A symbolic link is neither file nor directory.
listing inspect(const std::string& path);

// Reads one directory, not what is below it. Never follows symbolic links.
listing read_directory(const std::string& path);

}  // namespace digest_tree
