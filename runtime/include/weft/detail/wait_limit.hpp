#pragma once
// What may end a wait besides the event that is waited for: a deadline, and the cancellation of a
// context. Protocol [limit] in docs/protocols.md: all of them race for the waiting goroutine's
// claim word, so that each wait ends exactly once.
#include <weft/detail/park.hpp>
#include <weft/detail/waiter.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

namespace weft::detail {

class done_signal;

/// A time that never comes. Times are nanoseconds of std::chrono::steady_clock.
inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

struct wait_limit {
  std::int64_t deadline = never;
  done_signal* cancel = nullptr;
  bool none() const noexcept { return deadline == never && cancel == nullptr; }
};

/// How a limited wait ended.
enum class wait_end : std::uint8_t { woken, timeout, cancel };

/// Indices in the claim word that are no case of a select (SE-12: those end at 65535).
inline constexpr std::uint32_t claim_timeout = 0x10000;
inline constexpr std::uint32_t claim_canceled = 0x10001;

inline wait_end end_of(std::uint32_t claimed) noexcept {
  return claimed == claim_timeout    ? wait_end::timeout
         : claimed == claim_canceled ? wait_end::cancel
                                     : wait_end::woken;
}

/// park() for a wait that the limit may end, too. `ticket` comes from open_claim(); every waiter
/// that the caller has queued carries it. Returns the index that won: that of a queued waiter,
/// `timeout_index` or claim_canceled. In the last two cases the caller's waiters may still be
/// linked: it must take each out of its queue under that queue's lock. Registering the limit
/// happens after the goroutine has left its stack, before commit(arg).
std::uint32_t park_limited(wait_cause why, std::uint64_t ticket, const wait_limit& limit,
                           park_commit commit, void* arg,
                           std::uint32_t timeout_index = claim_timeout) noexcept;

/// The clock that deadlines refer to: nanoseconds of std::chrono::steady_clock.
std::int64_t now_ns() noexcept;

/// Nanoseconds, at least d, at most `never`; 0 for a duration that is not positive or not a number.
template <class Rep, class Period>
constexpr std::int64_t to_ns(const std::chrono::duration<Rep, Period>& d) noexcept {
  // The mantissa of a long double holds 64 bits here, and comparing first avoids the overflow that
  // a cast between integers would run into (hours::max() and the like).
  const auto wide = std::chrono::duration<long double, std::nano>(d).count();
  if (!(wide > 0)) {
    return 0;
  }
  if (wide >= static_cast<long double>(never)) {
    return never;
  }
  const auto ns = static_cast<std::int64_t>(wide);
  return static_cast<long double>(ns) < wide ? ns + 1 : ns;
}

/// now + d, or `never` if that cannot be represented (TM-1).
inline std::int64_t deadline_after_ns(std::int64_t ns) noexcept {
  const std::int64_t now = now_ns();
  return ns >= never - now ? never : now + ns;
}
template <class Rep, class Period>
std::int64_t deadline_after(const std::chrono::duration<Rep, Period>& d) noexcept {
  return deadline_after_ns(to_ns(d));
}

/// Only the monotonic clock: a wait must not change its length when somebody sets the date (TM-2).
template <class Clock>
inline constexpr bool is_wait_clock = std::is_same_v<Clock, std::chrono::steady_clock>;

template <class Clock, class Duration>
constexpr std::int64_t deadline_at(const std::chrono::time_point<Clock, Duration>& t) noexcept {
  static_assert(
      is_wait_clock<Clock>,
      "weft: times to wait for are points of std::chrono::steady_clock; other clocks may be "
      "set while somebody waits");
  return to_ns(t.time_since_epoch());
}

}  // namespace weft::detail
