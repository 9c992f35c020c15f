#include "hash.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace digest_tree {
namespace {

constexpr std::size_t buffer_bytes = 128 * 1024;

class file_descriptor {
 public:
  explicit file_descriptor(const std::string& path) {
    do {
      fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    } while (fd_ < 0 && errno == EINTR);
  }
  ~file_descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);  // Linux frees the number even when this is interrupted: no retry
    }
  }
  file_descriptor(const file_descriptor&) = delete;
  file_descriptor& operator=(const file_descriptor&) = delete;

  bool is_open() const { return fd_ >= 0; }

  ssize_t read(void* to, std::size_t bytes) {
    ssize_t got;
    do {
      got = ::read(fd_, to, bytes);
    } while (got < 0 && errno == EINTR);
    return got;
  }

 private:
  int fd_ = -1;
};

void require(int openssl_result) {
  if (openssl_result != 1) {
    throw std::runtime_error("SHA-256 failed in OpenSSL");
  }
}

std::string to_hex(const unsigned char* bytes, std::size_t count) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    hex += digits[bytes[i] >> 4];
    hex += digits[bytes[i] & 15];
  }
  return hex;
}

}  // namespace

void hasher::free_algorithm::operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
void hasher::free_context::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

hasher::hasher()
    : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      context_(EVP_MD_CTX_new()),
      buffer_(buffer_bytes) {
  require(algorithm_ != nullptr && context_ != nullptr);
}

digest hasher::operator()(const std::string& path,
                          const std::function<void(std::size_t)>& on_bytes) {
  file_descriptor file(path);
  if (!file.is_open()) {
    return {.hex = {}, .error = errno};
  }
  require(EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr));
  for (;;) {
    const ssize_t got = file.read(buffer_.data(), buffer_.size());
    if (got < 0) {
      return {.hex = {}, .error = errno};
    }
    if (got == 0) {
      break;
    }
    require(EVP_DigestUpdate(context_.get(), buffer_.data(), static_cast<std::size_t>(got)));
    on_bytes(static_cast<std::size_t>(got));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> result;
  unsigned int bytes = 0;
  require(EVP_DigestFinal_ex(context_.get(), result.data(), &bytes));
  return {.hex = to_hex(result.data(), bytes), .error = 0};
}

}  // namespace digest_tree
