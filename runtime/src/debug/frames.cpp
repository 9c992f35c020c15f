#include "debug/frames.hpp"

#include <algorithm>
#include <initializer_list>
#include <new>
#include <string_view>

#include "debug/dump.hpp"
#include "debug/mapped.hpp"
#include "debug/text_out.hpp"

namespace weft::detail {
namespace {

// Mangled: that is certain where demangled text is not.
bool begins_with_any(std::string_view name, std::initializer_list<std::string_view> beginnings) {
  for (const std::string_view b : beginnings) {
    if (name.starts_with(b)) {
      return true;
    }
  }
  return false;
}

// What stands between run_here() and the function that the user gave to go() or run(). In optimised
// programs that function is a part of it.
bool is_way_in(std::string_view name) {
  return begins_with_any(name,
                         {"_ZZN4weft6detail6submit", "_ZZN4weft6detail8run_main", "_ZZN4weft3run"});
}

bool is_invoke(std::string_view name) {
  return begins_with_any(name, {"_ZSt6invoke", "_ZSt8__invoke", "_ZSt13__invoke_impl"});
}

// How a goroutine comes to wait: weft::detail and what it is switched with.
bool is_way_to_park(std::string_view name) {
  return begins_with_any(name, {"_ZN4weft6detail", "_ZNK4weft6detail", "_ZZN4weft6detail",
                                "_ZN4weft12_GLOBAL__N_1", "weft_walk_as_if_from", "ontop_fcontext",
                                "jump_fcontext"}) &&
         !is_way_in(name);
}

}  // namespace

void trim_frames(frame_list& f, symbol_reader& symbols) noexcept {
  if (traceback_level() == traceback::system) {
    return;
  }
  const auto name = [&](std::uint32_t i) { return symbols.find(f.at[i]).mangled; };
  std::uint32_t first = 0;
  while (first < f.count && is_way_to_park(name(first))) {
    ++first;
  }
  std::uint32_t last = f.count;
  for (std::uint32_t i = f.count; i > first; --i) {
    if (name(i - 1).starts_with("_ZN4weft6detail6worker8run_here")) {
      last = i - 1;
      break;
    }
  }
  // Without an invoke between them the user's function may be inside of the last one.
  std::uint32_t inner = last;
  while (inner > first && last != f.count && is_way_in(name(inner - 1))) {
    --inner;
  }
  if (inner > first && inner != last && is_invoke(name(inner - 1))) {
    for (last = inner; last > first && is_invoke(name(last - 1));) {
      --last;
    }
  }
  if (first < last) {
    std::copy(f.at + first, f.at + last, f.at);
    f.count = last - first;
    f.split -= std::min(first, f.split);
  }
}

void write_symbol(text_out& out, const void* return_address, symbol_reader& symbols,
                  demangler& name) {
  const symbol s = symbols.find(return_address);
  if (s.mangled.empty()) {
    out << return_address;
  } else {
    out << name(s.mangled) << "+" << reinterpret_cast<const void*>(s.offset);
  }
  if (!s.module.empty()) {
    out << " (" << s.module << " " << reinterpret_cast<const void*>(s.module_offset) << ")";
  }
}

void write_frames(text_out& out, const frame_list& f, symbol_reader& symbols, demangler& name) {
  for (std::uint32_t i = 0; i < f.count; ++i) {
    if (f.elided != 0 && i == f.split) {
      out << "\t  ...and " << std::uint64_t{f.elided} << " more frames...\n";
    }
    out << "\t  ";
    write_symbol(out, f.at[i], symbols, name);
    out << "\n";
  }
}

void write_trace(text_out& out, frame_list& f) {
  const mapped<symbol_reader> symbols;
  if (!symbols) {
    throw std::bad_alloc();
  }
  demangler name(true);
  trim_frames(f, *symbols);
  write_frames(out, f, *symbols, name);
}

}  // namespace weft::detail
