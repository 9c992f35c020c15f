#pragma once

#include <string>
#include <vector>
#include <weft/chan.hpp>
#include <weft/context.hpp>
#include <weft/error.hpp>

namespace support {

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

// Walks every tree at once, a goroutine for each directory, and sends what it finds, in any order.
// Returns when all of them have ended; an error only when ctx was done before the walk was.
weft::error walk(const weft::context& ctx, const std::vector<std::string>& roots,
                 weft::send_chan<listing> found);

// Classifies a path from the command line. A symbolic link is neither file nor directory.
listing inspect(const std::string& path);

// Reads one directory, not what is below it. Never follows symbolic links.
listing read_directory(const std::string& path);

}  // namespace support
