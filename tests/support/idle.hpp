#pragma once
// Waiting, without sleeping, until goroutines are where a test wants them.
#include <weft/go.hpp>

#include <atomic>
#include <cstddef>
#include <string_view>

namespace weft::testing {

/// Goroutines that are parked; with a reason as in dumps ("chan send", "select", ...), only those.
std::size_t parked_goroutines(std::string_view reason = {});

/// Yields until at least n goroutines are parked (for this reason). From a goroutine.
void wait_until_parked(std::size_t n, std::string_view reason = {});

/// The same for goroutines whose wait is a short one, so that on a busy machine it may be over
/// before anybody sees it: each adds one to over when it is.
void wait_until_parked_or_over(std::size_t n, std::string_view reason,
                               const std::atomic<std::size_t>& over);

/// Yields until num_goroutines() is n. From a goroutine.
void wait_until_goroutines(std::size_t n);

/// Bytes of stacks in use and spare, counted in stacks: to see that nothing leaks.
std::size_t carved_stacks();

}  // namespace weft::testing
