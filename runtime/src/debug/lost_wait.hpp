#pragma once
// Reports of waits that can never end, written for people; see dump.hpp. What is found is found by
// channels/src/lost_wait.cpp and sync/lock_cycle.cpp.
#include <cstddef>
#include <cstdint>

namespace weft::detail {

class goroutine;

/// `who` waits for `wanted`, which the next one in the circle holds.
struct lock_edge {
  const goroutine* who;
  const void* wanted;
};

/// A circle of n goroutines, each of which waits for a mutex that the next one holds.
void report_lock_cycle(const lock_edge* edges, std::size_t n) noexcept;

}  // namespace weft::detail
