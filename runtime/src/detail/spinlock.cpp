#include <weft/detail/spinlock.hpp>

#include "detail/sys.hpp"

namespace weft::detail {

void spinlock::lock_slow() noexcept {
  constexpr int spins = 100;    // a critical section is a few dozen instructions
  constexpr int give_ups = 16;  // then the holder is probably not running
  constexpr std::int64_t nap_ns = 50'000;
  for (int round = 0;; ++round) {
    for (int i = 0; i < spins; ++i) {
      // relaxed: only decides when to try; the exchange below synchronizes.
      if (held_.load(relaxed) == 0) {
        break;
      }
      cpu_relax();
    }
    // [spinlock.1] acquire: as in lock().
    if (held_.exchange(1, acquire) == 0) {
      return;
    }
    if (round < give_ups) {
      sys.give_up_processor();
    } else {
      sys.nap(nap_ns);
    }
  }
}

}  // namespace weft::detail
