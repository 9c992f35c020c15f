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
};

/// The text that dumps show, in Go's words.
const char* to_string(wait_reason r) noexcept;

}  // namespace weft::detail
