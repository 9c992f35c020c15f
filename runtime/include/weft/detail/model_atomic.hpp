#pragma once
// The atomic of model builds (WEFT_MODEL=1): included by atomic.hpp only. Every access is a step of
// the explorer, which is told the order, and where in the sources it stands.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace weft::detail {

// Defined by tests/model.
/// A scheduling point.
void model_step() noexcept;
/// The same in a spin loop: nothing will change until another thread has run.
void model_yield() noexcept;
/// Identifies the running thread.
const void* model_thread() noexcept;
/// An atomic object begins its life here, with a value that nobody has seen.
void model_begin(const void* at) noexcept;
/// Which value a load returns, of those that were stored here: `newest` or, if it may be stale, an
/// older one.
std::uint64_t model_load(const void* at, std::uint64_t newest, std::memory_order order,
                         bool may_be_stale, const std::source_location& site) noexcept;
/// `before` is replaced by `after`. `read`: by an access that also reads, and so reads `before`.
void model_store(const void* at, std::uint64_t before, std::uint64_t after, std::memory_order order,
                 bool read, const std::source_location& site) noexcept;

template <class T>
class atomic {
  using where = std::source_location;
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);

 public:
  constexpr atomic() noexcept : value_{} { begin(); }
  constexpr explicit atomic(T v) noexcept : value_(v) { begin(); }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order order, where site = where::current()) const noexcept {
    model_step();
    return value_of(model_load(this, bits_of(value_), order, true, site));
  }
  void store(T v, std::memory_order order, where site = where::current()) noexcept {
    model_step();
    replace(v, order, false, site);
  }
  T exchange(T v, std::memory_order order, where site = where::current()) noexcept {
    model_step();
    return replace(v, order, true, site);
  }
  /// One attempt that fails only when the value differs.
  bool compare_exchange(T& expected, T desired, std::memory_order ok, std::memory_order failed,
                        where site = where::current()) noexcept {
    model_step();
    if (value_ == expected) {
      replace(desired, ok, true, site);
      return true;
    }
    // It has looked at the newest value; what that says of others depends on `failed`.
    model_load(this, bits_of(value_), failed, false, site);
    expected = value_;
    return false;
  }
  T fetch_add(T v, std::memory_order order, where site = where::current()) noexcept {
    model_step();
    return replace(static_cast<T>(value_ + v), order, true, site);
  }
  T fetch_sub(T v, std::memory_order order, where site = where::current()) noexcept {
    model_step();
    return replace(static_cast<T>(value_ - v), order, true, site);
  }
  T fetch_or(T v, std::memory_order order, where site = where::current()) noexcept {
    model_step();
    return replace(static_cast<T>(value_ | v), order, true, site);
  }
  T fetch_and(T v, std::memory_order order, where site = where::current()) noexcept {
    model_step();
    return replace(static_cast<T>(value_ & v), order, true, site);
  }
  /// No step: nobody waits for it.
  void bump(T by = 1, where site = where::current()) noexcept {
    replace(static_cast<T>(value_ + by), relaxed, false, site);  // relaxed: as the real one
  }

  const void* address() const noexcept { return this; }

 private:
  static std::uint64_t bits_of(const T& v) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &v, sizeof v);
    return bits;
  }
  static T value_of(std::uint64_t bits) noexcept {
    T v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
  }
  constexpr void begin() noexcept {
    if (!std::is_constant_evaluated()) {
      model_begin(this);
    }
  }
  T replace(T v, std::memory_order order, bool read, const where& site) noexcept {
    const T before = value_;
    value_ = v;
    model_store(this, bits_of(before), bits_of(v), order, read, site);
    return before;
  }

  T value_;
};

}  // namespace weft::detail
