#pragma once
// The one door to atomics. Everything in the runtime that two threads touch goes through
// weft::detail::atomic, so that
//   * every access names its memory order (there are no defaults and no operators), and
//   * a model checker can take the place of the hardware: a build with WEFT_MODEL=1 has the class
//     of model_atomic.hpp instead, where the explorer of tests/model switches threads before each
//     access, and decides which of the values that the orders allow a load returns, and
//   * a build can count: one with WEFT_ATOMIC_HEADER has the class of that header (bench/lines).
// Stand-alone fences are absent on purpose: race detectors do not model them.
#include <atomic>
#include <cstdint>

namespace weft::detail {

inline constexpr std::memory_order relaxed = std::memory_order_relaxed;
inline constexpr std::memory_order acquire = std::memory_order_acquire;
inline constexpr std::memory_order release = std::memory_order_release;
inline constexpr std::memory_order acq_rel = std::memory_order_acq_rel;
inline constexpr std::memory_order seq_cst = std::memory_order_seq_cst;

}  // namespace weft::detail

#if WEFT_MODEL
#include <weft/detail/model_atomic.hpp>
#elif defined(WEFT_ATOMIC_HEADER)
#include WEFT_ATOMIC_HEADER
#else
namespace weft::detail {

inline void model_yield() noexcept {}

template <class T>
class atomic {
 public:
  constexpr atomic() noexcept : value_{} {}
  constexpr explicit atomic(T v) noexcept : value_(v) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order order) const noexcept { return value_.load(order); }
  void store(T v, std::memory_order order) noexcept { value_.store(v, order); }
  T exchange(T v, std::memory_order order) noexcept { return value_.exchange(v, order); }
  /// One attempt that fails only when the value differs.
  bool compare_exchange(T& expected, T desired, std::memory_order ok,
                        std::memory_order failed) noexcept {
    return value_.compare_exchange_strong(expected, desired, ok, failed);
  }
  T fetch_add(T v, std::memory_order order) noexcept { return value_.fetch_add(v, order); }
  T fetch_sub(T v, std::memory_order order) noexcept { return value_.fetch_sub(v, order); }
  T fetch_or(T v, std::memory_order order) noexcept { return value_.fetch_or(v, order); }
  T fetch_and(T v, std::memory_order order) noexcept { return value_.fetch_and(v, order); }

  /// A counter with one writer: no locked instruction. Readers see a recent value.
  void bump(T by = 1) noexcept {
    // relaxed: single writer; the value is statistics or a hint, it publishes nothing.
    value_.store(static_cast<T>(value_.load(std::memory_order_relaxed) + by),
                 std::memory_order_relaxed);
  }

  /// The address for futex(2).
  const void* address() const noexcept { return &value_; }

 private:
  std::atomic<T> value_;
};

}  // namespace weft::detail
#endif

namespace weft::detail {

/// Tells the processor that this is a spin loop.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
  model_yield();
}

inline constexpr std::size_t cache_line = 64;

}  // namespace weft::detail
