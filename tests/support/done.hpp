#pragma once
// Looking at done channels.
#include <weft/context.hpp>

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

}  // namespace weft::testing
