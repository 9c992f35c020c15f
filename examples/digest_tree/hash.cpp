#include "hash.hpp"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "support/file.hpp"

namespace digest_tree {
namespace {

constexpr std::size_t buffer_bytes = 128 * 1024;

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

std::optional<digest> hasher::operator()(const weft::context& ctx, const std::string& path,
                                         const std::function<void(std::size_t)>& on_bytes) {
  support::file file(path);
  if (!file.is_open()) {
    return digest{.hex = {}, .error = errno};
  }
  require(EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr));
  for (;;) {
    if (ctx.err()) {
      return std::nullopt;
    }
    const std::ptrdiff_t got = file.read(buffer_.data(), buffer_.size());
    if (got < 0) {
      return digest{.hex = {}, .error = errno};
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
  return digest{.hex = to_hex(result.data(), bytes), .error = 0};
}

}  // namespace digest_tree
