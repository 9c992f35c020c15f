#pragma once
// What is written to stderr while the object lives, readable at any time.
#include <gtest/gtest.h>
#include <weft/go.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace weft::testing {

class stderr_text {
 public:
  stderr_text() : before_(::dup(2)), file_(::memfd_create("stderr", 0)) { ::dup2(file_, 2); }
  ~stderr_text() {
    ::dup2(before_, 2);
    ::close(before_);
    if (::testing::Test::HasFailure()) {
      const std::string all = text();
      (void)!::write(2, all.data(), all.size());  // for who reads the log
    }
    ::close(file_);
  }
  stderr_text(const stderr_text&) = delete;
  stderr_text& operator=(const stderr_text&) = delete;

  std::string text() const {
    std::string all;
    char part[4096];
    ssize_t n = 0;
    while ((n = ::pread(file_, part, sizeof part, static_cast<off_t>(all.size()))) > 0) {
      all.append(part, static_cast<std::size_t>(n));
    }
    return all;
  }
  std::size_t count(std::string_view what) const {
    const std::string all = text();
    std::size_t n = 0;
    for (auto at = all.find(what); at != std::string::npos; at = all.find(what, at + 1)) {
      ++n;
    }
    return n;
  }
  /// Yields until it was written so often. From a goroutine.
  void wait_for(std::size_t n, std::string_view what) const {
    while (count(what) < n) {
      yield();
    }
  }

 private:
  int before_;
  int file_;
};

}  // namespace weft::testing
