#pragma once
// Looking at done channels.
#include <weft/context.hpp>
#include <weft/go.hpp>

#include <cstdint>

namespace weft::testing {

/// Nothing can be received from it any more. False for nil.
inline bool closed(const recv_chan<unit>& c) {
  unit v;
  return c.try_recv(v) == chan_status::closed;
}

/// What a test of "ctx is done" means: all its ways to say so agree (CX-3, CX-5).
inline bool is_done(const context& c) {
  const bool by_err = static_cast<bool>(c.err());
  return by_err && closed(c.done()) && static_cast<bool>(cause(c));
}

/// Yields until no more than so many nodes of contexts are left: a timer that has just fired may
/// still hold one.
inline void wait_until_context_nodes(std::int64_t n) {
  while (detail::live_context_nodes() > n) {
    yield();
  }
}

}  // namespace weft::testing
