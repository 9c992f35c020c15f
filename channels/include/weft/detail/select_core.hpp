#pragma once
// The untyped core of select: [select] in docs/protocols.md.
#include <weft/detail/chan_core.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

/// Those that name a time come last.
enum class select_op : std::uint8_t { none, send, recv, timeout_after, timeout_at };

/// One case as the core sees it. `core` nil: never ready.
struct select_entry {
  chan_core* core = nullptr;
  void* value = nullptr;  ///< where to receive to, or to send from
  select_op op = select_op::none;
  std::int64_t time = 0;  ///< of the timeouts: nanoseconds from now, or a time as now_ns() gives it
  const chan_core* const* through = nullptr;  ///< [lost] see handle_place
};

/// Room that the caller provides, so that a static select allocates nothing.
struct select_scratch {
  std::uint32_t* poll;   ///< n entries: the order in which cases are tried
  std::uint32_t* locks;  ///< n entries: cases in the order of their channels' addresses
  waiter* waiters;       ///< n entries
};

struct select_options {
  bool biased = false;       ///< try in source order
  bool has_default = false;  ///< do not wait
};

struct select_result {
  static constexpr std::uint32_t took_default = UINT32_MAX;
  std::uint32_t index = took_default;
  bool closed = false;  ///< the case went because its channel is closed
};

inline constexpr std::size_t max_select_cases = 65536;  // SE-12

select_result select_core(const select_entry* entries, std::uint32_t n, select_options options,
                          const select_scratch& scratch);

}  // namespace weft::detail
