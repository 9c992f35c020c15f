#include "debug/text_out.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

namespace weft::detail {

text_out& text_out::operator<<(std::string_view text) {
  while (!text.empty()) {
    if (used_ == sizeof buffer_) {
      flush();
    }
    const std::size_t n = text.substr(0, sizeof buffer_ - used_).copy(buffer_ + used_, text.size());
    used_ += n;
    text.remove_prefix(n);
  }
  return *this;
}

text_out& text_out::operator<<(std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return *this << std::string_view(digits, static_cast<std::size_t>(end - digits));
}

text_out& text_out::operator<<(std::int64_t number) {
  char digits[21];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return *this << std::string_view(digits, static_cast<std::size_t>(end - digits));
}

text_out& text_out::operator<<(const void* address) {
  char digits[16];
  const auto value = reinterpret_cast<std::uintptr_t>(address);
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return *this << "0x" << std::string_view(digits, static_cast<std::size_t>(end - digits));
}

text_out& text_out::quoted(std::string_view text) {
  *this << "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      const char escaped[2] = {'\\', text[i]};
      *this << std::string_view(escaped, 2);
    } else if (c < 0x20 || c >= 0x7f) {
      // Whatever encoding names are in: JSON's text must be valid UTF-8, so each byte is a code.
      constexpr char hex[] = "0123456789abcdef";
      const char escaped[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
      *this << std::string_view(escaped, 6);
    } else {
      *this << text.substr(i, 1);
    }
  }
  return *this << "\"";
}

void text_out::flush() {
  if (used_ != 0) {
    write_(to_, std::string_view(buffer_, used_));
    used_ = 0;
  }
}

void write_to_fd(void* to, std::string_view text) {
  const int fd = *static_cast<const int*>(to);
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void append_to_string(void* to, std::string_view text) {
  static_cast<std::string*>(to)->append(text);
}

}  // namespace weft::detail
