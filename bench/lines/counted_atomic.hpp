#pragma once
// The atomic of weft_lines: as the real one, and each write is noted. Included by
// weft/detail/atomic.hpp in the place of its own class (WEFT_ATOMIC_HEADER).
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weft::detail {

inline void model_yield() noexcept {}

/// Defined by lines.cpp. Not inline: its return address says where in the sources the write is.
[[gnu::noinline]] void note_write(const void* at) noexcept;

template <class T>
class atomic {
 public:
  constexpr atomic() noexcept : value_{} {}
  constexpr explicit atomic(T v) noexcept : value_(v) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order order) const noexcept { return value_.load(order); }
  [[gnu::always_inline]] void store(T v, std::memory_order order) noexcept {
    note_write(this);
    value_.store(v, order);
  }
  [[gnu::always_inline]] T exchange(T v, std::memory_order order) noexcept {
    note_write(this);
    return value_.exchange(v, order);
  }
  // One that fails has fetched the line all the same.
  [[gnu::always_inline]] bool compare_exchange(T& expected, T desired, std::memory_order ok,
                                               std::memory_order failed) noexcept {
    note_write(this);
    return value_.compare_exchange_strong(expected, desired, ok, failed);
  }
  [[gnu::always_inline]] T fetch_add(T v, std::memory_order order) noexcept {
    note_write(this);
    return value_.fetch_add(v, order);
  }
  [[gnu::always_inline]] T fetch_sub(T v, std::memory_order order) noexcept {
    note_write(this);
    return value_.fetch_sub(v, order);
  }
  [[gnu::always_inline]] T fetch_or(T v, std::memory_order order) noexcept {
    note_write(this);
    return value_.fetch_or(v, order);
  }
  [[gnu::always_inline]] T fetch_and(T v, std::memory_order order) noexcept {
    note_write(this);
    return value_.fetch_and(v, order);
  }
  [[gnu::always_inline]] void bump(T by = 1) noexcept {
    note_write(this);
    value_.store(static_cast<T>(value_.load(std::memory_order_relaxed) + by),
                 std::memory_order_relaxed);
  }

  const void* address() const noexcept { return &value_; }

 private:
  std::atomic<T> value_;
};

}  // namespace weft::detail
