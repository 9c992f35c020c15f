#pragma once
// Which cache lines more than one thread writes, how often, and from where: the words at which a
// scheduler bends on many cores, counted on a machine that has few. Only writes of atomics are
// seen; what a lock guards moves with its lock.
#include <cstdint>
#include <vector>

namespace weft::lines {

/// The writes of one place in the sources.
struct site {
  std::uintptr_t address = 0;  // in the program's file, for addr2line
  std::uint64_t writes = 0;
  std::uint64_t shared = 0;  // of these, to lines that some other thread has written, too
  std::uint64_t moved = 0;   // of these, to lines that another thread wrote last
};

/// Forgets what was counted; no line is shared any more. Others may go on writing meanwhile.
void reset();

/// What was counted since then, most moved first.
std::vector<site> collect();

/// A thread gives up its CPU after so many writes; 0: never. Few CPUs change hands so seldom that
/// nearly every write would find its own line.
void yield_after(std::uint32_t writes);

}  // namespace weft::lines
