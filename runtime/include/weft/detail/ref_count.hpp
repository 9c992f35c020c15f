#pragma once
// A count of references that costs no locked instruction while only one thread runs weft code.
// Unlike with a lock, a thread that is no worker does not end that state for good by copying a
// handle while no runtime runs: see [solo.8] in docs/protocols.md.
#include <weft/detail/atomic.hpp>
#include <weft/detail/solo.hpp>

#include <cstdint>

namespace weft::detail {

class ref_count {
 public:
  constexpr ref_count() noexcept : count_(1) {}

  /// The caller holds a reference.
  void add() noexcept {
    if (solo_section alone; alone) {
      count_.store(count_.load(relaxed) + 1, relaxed);  // relaxed: see [solo]
      return;
    }
    add_shared();
  }
  /// True: that was the last one; all that the others did is seen.
  [[nodiscard]] bool drop() noexcept {
    if (solo_section alone; alone) {
      const std::uint32_t left = count_.load(relaxed) - 1;  // relaxed: see [solo]
      count_.store(left, relaxed);                          // relaxed: [solo.3] publishes it
      return left == 0;
    }
    return drop_shared();
  }
  /// For who holds none but keeps the object from being destroyed. False: the count is zero.
  [[nodiscard]] bool try_add() noexcept {
    if (solo_section alone; alone) {
      const std::uint32_t seen = count_.load(relaxed);  // relaxed: see [solo]
      count_.store(seen != 0 ? seen + 1 : 0, relaxed);  // relaxed: [solo.3] publishes it
      return seen != 0;
    }
    return try_add_shared();
  }

  /// How many there are; exact for who keeps references from being dropped meanwhile.
  std::uint32_t get() const noexcept { return count_.load(relaxed); }  // relaxed: see above

 private:
  void add_shared() noexcept;
  bool try_add_shared() noexcept;
  bool drop_shared() noexcept;
  // References; zero for ever after the last one. RMW, or plain by solo's owner.
  atomic<std::uint32_t> count_;
};

}  // namespace weft::detail
