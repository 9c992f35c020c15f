#pragma once
// Which function an address belongs to, from the symbol tables of the files that are mapped: also
// static functions and lambdas of a program that was not linked with -rdynamic. Files are mapped
// for reading, nothing is allocated, no lock of the dynamic linker is taken.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::detail {

struct symbol {
  std::string_view mangled;         ///< empty: not known
  std::uint64_t offset = 0;         ///< of the address in the function
  std::string_view module;          ///< the file; empty: none
  std::uint64_t module_offset = 0;  ///< what addr2line wants to know
};

/// Keeps the files that it has looked into until it dies; what it returned lives as long.
class symbol_reader {
 public:
  symbol_reader() noexcept = default;
  ~symbol_reader();
  symbol_reader(const symbol_reader&) = delete;
  symbol_reader& operator=(const symbol_reader&) = delete;

  /// Of a return address.
  symbol find(const void* return_address) noexcept;

 private:
  struct module_file {
    const void* base;  // as the dynamic linker knows it
    const char* path;
    const unsigned char* bytes;  // null: it cannot be read
    std::size_t size;
  };
  struct found {
    const void* address;
    symbol is;
  };
  const module_file& open(const void* base, const char* path) noexcept;

  const char* program_path() noexcept;

  static constexpr std::size_t most_modules = 32;
  static constexpr std::size_t cache_size = 256;
  module_file modules_[most_modules];
  std::size_t count_ = 0;
  found cache_[cache_size] = {};
  char program_[1024] = {};
};

/// Readable, if memory may be allocated; else as it is. The result is valid until the next call.
class demangler {
 public:
  explicit demangler(bool may_allocate) noexcept : may_allocate_(may_allocate) {}
  ~demangler();
  demangler(const demangler&) = delete;
  demangler& operator=(const demangler&) = delete;
  std::string_view operator()(std::string_view mangled) noexcept;

 private:
  bool may_allocate_;
  char* room_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace weft::detail
