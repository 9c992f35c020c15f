// Prints what lines.cpp counted in the measured part of a workload, for tools/lines.
#include <cstdio>
#include <cstdlib>

#include "../compare/harness.hpp"
#include "lines.hpp"

namespace bench {

void measuring_begins() {
  const char* every = std::getenv("WEFT_LINES_YIELD");
  weft::lines::yield_after(
      every != nullptr ? static_cast<std::uint32_t>(std::strtoul(every, nullptr, 10)) : 0);
  weft::lines::reset();
}

void measuring_ends(std::int64_t ops) {
  weft::lines::yield_after(0);
  std::printf("measured\t%lld\n", static_cast<long long>(ops));
  for (const weft::lines::site& s : weft::lines::collect()) {
    std::printf("site\t%#llx\t%llu\t%llu\t%llu\n", static_cast<unsigned long long>(s.address),
                static_cast<unsigned long long>(s.writes),
                static_cast<unsigned long long>(s.shared),
                static_cast<unsigned long long>(s.moved));
  }
}

}  // namespace bench
