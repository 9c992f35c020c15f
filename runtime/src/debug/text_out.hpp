#pragma once
// Text in small pieces to somewhere, through a buffer of its own. Allocates nothing, so that it
// works in crashed processes.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::detail {

class text_out {
 public:
  using sink = void (*)(void* to, std::string_view text);

  text_out(sink write, void* to) noexcept : write_(write), to_(to) {}
  ~text_out() { flush(); }
  text_out(const text_out&) = delete;
  text_out& operator=(const text_out&) = delete;

  text_out& operator<<(std::string_view text);
  text_out& operator<<(const char* text) { return *this << std::string_view(text); }
  text_out& operator<<(std::uint64_t number);
  text_out& operator<<(std::int64_t number);
  text_out& operator<<(const void* address);  ///< 0x...
  /// A text in quotes, as JSON wants it.
  text_out& quoted(std::string_view text);
  void flush();

 private:
  sink write_;
  void* to_;
  std::size_t used_ = 0;
  char buffer_[1024];
};

/// The sink that writes to the file descriptor that `to` points at. Errors end the writing.
void write_to_fd(void* to, std::string_view text);
/// The sink that appends to the std::string that `to` points at.
void append_to_string(void* to, std::string_view text);

}  // namespace weft::detail
