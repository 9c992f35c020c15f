#include "stack/usage.hpp"

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "detail/sys.hpp"

namespace weft::detail {

std::size_t high_water(const char* low, const char* top, std::size_t& touched) {
  constexpr std::size_t page = 4096;
  constexpr std::size_t at_once = 256;
  unsigned char resident[at_once];
  // The top of a stack is that of a page; low follows the guard.
  std::size_t pages = static_cast<std::size_t>(top - low) / page;
  std::size_t lowest = pages;
  touched = 0;
  for (std::size_t first = 0; first < pages; first += at_once) {
    const std::size_t n = pages - first < at_once ? pages - first : at_once;
    if (sys.resident(low + first * page, n * page, resident) != 0) {
      throw std::system_error(errno, std::generic_category(), "weft: cannot look at a stack");
    }
    for (std::size_t i = 0; i < n; ++i) {
      if ((resident[i] & 1) != 0) {
        touched += page;
        lowest = first + i < lowest ? first + i : lowest;
      }
    }
  }
  return (pages - lowest) * page;
}

}  // namespace weft::detail
