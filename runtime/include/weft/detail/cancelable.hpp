#pragma once
// What a wait asks of a context: the runtime does not know weft::context, which lies above it.
#include <weft/detail/done_signal.hpp>
#include <weft/error.hpp>

#include <concepts>

namespace weft::detail {

/// A context: err() is null until it is done; wake_source() is what fires when it is done, or null
/// if that never happens, and lives as long as the context.
template <class C>
concept cancelable = requires(const C& c) {
  { c.err() } -> std::same_as<error>;
  { c.wake_source() } -> std::same_as<done_signal*>;
};

template <cancelable C>
done_signal* signal_of(const C& ctx) {
  return ctx.wake_source();
}

}  // namespace weft::detail
