#pragma once
// Why a goroutine does not run. One value per cause; a value is never used for two (OB-2).
#include <cstdint>

namespace weft::detail {

enum class wait_reason : std::uint8_t {
  none,
  chan_send,
  chan_recv,
  chan_send_nil,
  chan_recv_nil,
  select,
  select_no_cases,
  wait_group,
  mutex,
  cond,
  once,
  sleep,
  rwmutex_read,
  rwmutex_write,
  semaphore,
  bubble,
};

/// Dumps' access to what is waited for.
struct describer;

/// A wait reason and, for dumps, the address of what is waited for. That must live at least until
/// the wait is over; how it is described is decided by the reason.
struct wait_cause {
  constexpr wait_cause(wait_reason r, const void* what = nullptr) noexcept
      : reason(r), object(what) {}
  wait_reason reason;
  const void* object;
};

/// The text that dumps show, in Go's words.
const char* to_string(wait_reason r) noexcept;

}  // namespace weft::detail
