#include "debug/symbols.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace weft::detail {
namespace {

struct place {
  const char* path = nullptr;
  std::uintptr_t load_offset = 0;  // what was added to the file's addresses
};

// Which file is mapped at the address.
bool find_place(const void* address, place& out) noexcept {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
  dl_find_object object{};
  if (::_dl_find_object(const_cast<void*>(address), &object) != 0) {
    return false;
  }
  out.path = object.dlfo_link_map->l_name;
  out.load_offset = object.dlfo_link_map->l_addr;
#else
  Dl_info info{};
  link_map* map = nullptr;
  if (::dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 ||
      map == nullptr) {
    return false;
  }
  out.path = map->l_name;
  out.load_offset = map->l_addr;
#endif
  return true;
}

// The function of the table that covers `at`, or null.
const ElfW(Sym) * search(const ElfW(Sym) * first, std::size_t count, std::uintptr_t at) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const ElfW(Sym)& s = first[i];
    if ((s.st_info & 0xf) == STT_FUNC && s.st_shndx != SHN_UNDEF && at >= s.st_value &&
        at < s.st_value + s.st_size) {
      return &s;
    }
  }
  return nullptr;
}

template <class T>
const T* at_offset(const unsigned char* bytes, std::size_t size, std::uint64_t offset,
                   std::uint64_t count) noexcept {
  if (offset > size || count > (size - offset) / sizeof(T) || offset % alignof(T) != 0) {
    return nullptr;
  }
  return reinterpret_cast<const T*>(bytes + offset);
}

// Looks into .symtab, or what strip leaves of it: .dynsym. Everything in the file is doubted.
void find_in_file(const unsigned char* bytes, std::size_t size, std::uintptr_t at,
                  symbol& out) noexcept {
  const auto* header = at_offset<ElfW(Ehdr)>(bytes, size, 0, 1);
  if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_shentsize != sizeof(ElfW(Shdr))) {
    return;
  }
  const auto* sections = at_offset<ElfW(Shdr)>(bytes, size, header->e_shoff, header->e_shnum);
  if (sections == nullptr) {
    return;
  }
  for (const std::uint32_t wanted : {std::uint32_t{SHT_SYMTAB}, std::uint32_t{SHT_DYNSYM}}) {
    for (std::size_t i = 0; i < header->e_shnum; ++i) {
      const ElfW(Shdr)& s = sections[i];
      if (s.sh_type != wanted || s.sh_link >= header->e_shnum) {
        continue;
      }
      const std::size_t count = s.sh_size / sizeof(ElfW(Sym));
      const auto* table = at_offset<ElfW(Sym)>(bytes, size, s.sh_offset, count);
      const ElfW(Shdr)& strings = sections[s.sh_link];
      const auto* text = at_offset<char>(bytes, size, strings.sh_offset, strings.sh_size);
      if (table == nullptr || text == nullptr) {
        continue;
      }
      if (const auto* f = search(table, count, at); f != nullptr && f->st_name < strings.sh_size) {
        out.mangled = std::string_view(text + f->st_name,
                                       ::strnlen(text + f->st_name, strings.sh_size - f->st_name));
        out.offset = at - f->st_value;
        return;
      }
    }
  }
}

}  // namespace

symbol_reader::~symbol_reader() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (modules_[i].bytes != nullptr) {
      ::munmap(const_cast<unsigned char*>(modules_[i].bytes), modules_[i].size);
    }
  }
}

const symbol_reader::module_file& symbol_reader::open(const void* base, const char* path) noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (modules_[i].base == base) {
      return modules_[i];
    }
  }
  if (count_ == most_modules) {  // the last place is used again
    module_file& last = modules_[--count_];
    if (last.bytes != nullptr) {
      ::munmap(const_cast<unsigned char*>(last.bytes), last.size);
    }
    for (found& f : cache_) {
      f = {};
    }
  }
  module_file& m = modules_[count_++];
  m = {base, path, nullptr, 0};
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat s {};
  if (fd >= 0 && ::fstat(fd, &s) == 0 && s.st_size > 0) {
    void* at = ::mmap(nullptr, static_cast<std::size_t>(s.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (at != MAP_FAILED) {
      m.bytes = static_cast<const unsigned char*>(at);
      m.size = static_cast<std::size_t>(s.st_size);
    }
  }
  if (fd >= 0) {
    ::close(fd);
  }
  return m;
}

// The program itself has no name in the dynamic linker's list.
const char* symbol_reader::program_path() noexcept {
  if (program_[0] == '\0' && ::readlink("/proc/self/exe", program_, sizeof program_ - 1) <= 0) {
    std::strcpy(program_, "/proc/self/exe");
  }
  return program_;
}

symbol symbol_reader::find(const void* return_address) noexcept {
  found& cached = cache_[(reinterpret_cast<std::uintptr_t>(return_address) >> 2) % cache_size];
  if (cached.address == return_address) {
    return cached.is;
  }
  symbol s;
  const auto pc = reinterpret_cast<std::uintptr_t>(return_address) - 1;
  place p;
  if (find_place(reinterpret_cast<const void*>(pc), p)) {
    const char* path = p.path == nullptr || *p.path == '\0' ? program_path() : p.path;
    const module_file& m = open(reinterpret_cast<const void*>(p.load_offset), path);
    s.module = m.path;
    s.module_offset = pc - p.load_offset;
    if (m.bytes != nullptr) {
      find_in_file(m.bytes, m.size, pc - p.load_offset, s);
    }
  }
  cached = {return_address, s};
  return s;
}

demangler::~demangler() { std::free(room_); }

std::string_view demangler::operator()(std::string_view mangled) noexcept {
  if (!may_allocate_ || !mangled.starts_with("_Z")) {
    return mangled;
  }
  int status = 0;
  std::size_t size = size_;
  // Symbol tables end their names with a zero.
  char* text = abi::__cxa_demangle(mangled.data(), room_, &size, &status);
  if (status != 0 || text == nullptr) {
    return mangled;
  }
  room_ = text;
  size_ = size;
  return text;
}

}  // namespace weft::detail
