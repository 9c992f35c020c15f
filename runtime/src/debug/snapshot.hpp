#pragma once
// All goroutines as they were seen, and their stacks, each kept once however many goroutines share
// it: names are looked up and text is written after everybody goes on. The memory comes from the
// system, so that a crashed process can take a snapshot, too.
#include <cstddef>
#include <cstdint>

#include "debug/symbols.hpp"
#include "debug/visit.hpp"

namespace weft::detail {

class snapshot {
 public:
  static constexpr std::uint32_t no_stack = UINT32_MAX;

  struct entry {
    goroutine_sight seen;
    std::uint32_t stack = no_stack;
    std::uint64_t group = 0;  ///< after group(): the id of its first
  };

  snapshot() noexcept = default;
  ~snapshot();
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;

  /// False: the system gave no memory. `mine`: the caller's own goroutine, or null; it gets the
  /// caller's stack.
  bool take(scheduler* s, visit_patience patience, const goroutine* mine) noexcept;
  /// The same without any stack: after one of them could not be walked.
  bool take_without_stacks() noexcept;

  /// One goroutine that was seen already.
  bool take_one(const goroutine_sight& g, const frame_list& trace) noexcept;

  std::size_t count() const noexcept { return count_; }
  entry& at(std::size_t i) noexcept { return entries_[i]; }
  const entry& at(std::size_t i) const noexcept { return entries_[i]; }
  /// How many there were beyond those that are here.
  std::size_t left_out() const noexcept { return left_out_; }

  std::size_t stack_count() const noexcept { return stack_count_; }
  const frame_list& stack(std::uint32_t i) const noexcept { return stacks_[i]; }
  /// The caller's, for a caller that is no goroutine.
  const frame_list& own_stack() const noexcept { return own_; }

  /// Takes the runtime's own frames out of all stacks; those that are equal then become one.
  void trim(symbol_reader& symbols) noexcept;

  void sort_by_id() noexcept;
  /// Puts those next to each other that differ in nothing but id, object and age; each such group
  /// in the order of ids, groups in the order of their first.
  void group() noexcept;
  /// Are these two of one group?
  static bool alike(const entry& a, const entry& b) noexcept;

  void add(const goroutine_sight& g, const frame_list& trace) noexcept;

 private:
  bool prepare() noexcept;
  bool look(scheduler* s, visit_patience patience) noexcept;
  void ask_running() noexcept;
  std::uint32_t keep(const frame_list& trace) noexcept;

  // Address space; pages are touched as they are filled.
  static constexpr std::size_t most_stacks = 1 << 15;
  static constexpr std::size_t index_size = most_stacks * 2;

  const goroutine* mine_ = nullptr;
  frame_list own_;
  entry* entries_ = nullptr;
  std::size_t room_ = 0;
  std::size_t count_ = 0;
  std::size_t left_out_ = 0;
  frame_list* stacks_ = nullptr;
  std::size_t stack_count_ = 0;
  std::uint32_t* index_ = nullptr;    // by hash: number of a stack + 1
  std::uint32_t* same_as_ = nullptr;  // while trimming: old numbers to new ones
};

}  // namespace weft::detail
