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
  std::uint32_t* order;  ///< n entries: the cases on channels, as they join the queues
  chan_core** locks;     ///< n entries: the channels in the order of their addresses, each once
  waiter* waiters;       ///< n entries
};

struct select_options {
  bool biased = false;       ///< try in source order
  bool has_default = false;  ///< do not wait
};

/// Which case went. One word: stored in parts and loaded as a whole it would wait for the stores.
class select_result {
 public:
  static constexpr std::uint32_t took_default = UINT32_MAX;
  static constexpr std::uint32_t look_again = UINT32_MAX - 1;  ///< select_core() returns it never

  explicit select_result(std::uint32_t index, bool closed = false) noexcept
      : word_(index | std::uint64_t{closed} << 32) {}
  std::uint32_t index() const noexcept { return static_cast<std::uint32_t>(word_); }
  /// It went since its channel is closed.
  bool closed() const noexcept { return word_ >> 32 != 0; }

 private:
  std::uint64_t word_;
};

inline constexpr std::size_t max_select_cases = 65536;  // SE-12

/// [chan.8] True: no case can go, all seen at one instant, since this worker is alone. Others wait
/// for the end of the section: for at most 64 cases. Static selects look at their own cases.
bool no_entry_can_go(const select_entry* entries, std::uint32_t n) noexcept;

select_result select_core(const select_entry* entries, std::uint32_t n, select_options options,
                          const select_scratch& scratch);

}  // namespace weft::detail
