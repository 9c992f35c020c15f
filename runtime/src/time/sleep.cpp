#include <weft/sleep.hpp>

namespace weft::detail {

wait_end sleep_limited(const wait_limit& limit) {
  const std::uint64_t ticket = open_claim(self());
  return end_of(park_limited(
      wait_reason::sleep, ticket, limit, [](void*) noexcept {}, nullptr));
}

}  // namespace weft::detail
