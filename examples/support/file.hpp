#pragma once

#include <cstddef>
#include <string>

namespace support {

// A file opened for reading. The calls block the thread, and are repeated when a signal interrupts
// them. After a call that has failed, errno says why.
class file {
 public:
  explicit file(const std::string& path);
  ~file();
  file(const file&) = delete;
  file& operator=(const file&) = delete;

  bool is_open() const { return fd_ >= 0; }

  // How many bytes were read; 0 at the end; negative: failed.
  std::ptrdiff_t read(void* to, std::size_t bytes);

 private:
  int fd_ = -1;
};

}  // namespace support
