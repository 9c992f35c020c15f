#pragma once
// Elements for channel tests that keep account of themselves.
#include <atomic>
#include <cstdint>
#include <utility>

namespace weft::testing {

/// Counts its living objects. A moved-from one holds nothing: a value that is delivered twice
/// arrives empty the second time.
class counted {
 public:
  static constexpr std::uint64_t nothing = ~std::uint64_t{0};

  explicit counted(std::uint64_t v) noexcept : value_(v) { ++alive_; }
  counted(const counted& o) noexcept : value_(o.value_) { ++alive_; }
  counted(counted&& o) noexcept : value_(std::exchange(o.value_, nothing)) { ++alive_; }
  counted& operator=(const counted&) noexcept = default;
  counted& operator=(counted&& o) noexcept {
    value_ = std::exchange(o.value_, nothing);
    return *this;
  }
  ~counted() { --alive_; }

  std::uint64_t value() const noexcept { return value_; }
  static std::int64_t alive() noexcept { return alive_; }

 private:
  std::uint64_t value_;
  static inline std::atomic<std::int64_t> alive_{0};
};

}  // namespace weft::testing
