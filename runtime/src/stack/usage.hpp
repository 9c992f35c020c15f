#pragma once
// Which pages of a stack were touched.
#include <cstddef>

namespace weft::detail {

/// Bytes from the lowest touched page of [low, top) to top. `touched`: how many bytes of pages in
/// it are resident. Throws std::system_error.
std::size_t high_water(const char* low, const char* top, std::size_t& touched);

}  // namespace weft::detail
