#pragma once
// The threads of this process that are weft's.
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

namespace weft::testing {

/// By name: a sanitizer has threads, too. One that was joined may be seen for a moment more.
inline std::size_t weft_threads() {
  std::size_t n = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm") >> std::ws, name);
    n += name.starts_with("weft-");
  }
  return n;
}

}  // namespace weft::testing
