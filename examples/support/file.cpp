#include "file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace support {

file::file(const std::string& path) {
  do {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (fd_ < 0 && errno == EINTR);
}

file::~file() {
  if (fd_ >= 0) {
    ::close(fd_);  // Linux frees the number even when this is interrupted: no retry
  }
}

std::ptrdiff_t file::read(void* to, std::size_t bytes) {
  ssize_t got;
  do {
    got = ::read(fd_, to, bytes);
  } while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace support
