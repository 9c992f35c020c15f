#pragma once
// What the workloads of the C++ programs compute: the same sizes and the same machine code in all.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness.hpp"

namespace bench {

/// The same random times in all languages: 100 000 of them spread over a second, fewer over less.
class random_sleeps {
 public:
  explicit random_sleeps(std::int64_t count) : below_us_(std::max<std::int64_t>(count, 1) * 10) {}

  std::int64_t next_us() {
    state_ = state_ * 1'103'515'245 + 12'345;
    return (state_ >> 8) % below_us_;
  }

 private:
  std::int64_t below_us_;
  std::uint32_t state_ = 1;
};

/// The largest tree of skynet with at most `count` leaves.
struct skynet_size {
  std::int64_t leaves = 10;
  std::int64_t nodes = 11;

  explicit skynet_size(std::int64_t count) {
    while (leaves * 10 <= count) {
      leaves *= 10;
      nodes += leaves;
    }
  }
};

/// The largest n whose fib(n) spawns at most `count` goroutines; it spawns fib(n+1) - 1.
struct fib_size {
  int n = 2;
  std::int64_t value = 1;
  std::int64_t spawned = 1;

  explicit fib_size(std::int64_t count) {
    while (value + spawned <= count) {
      const std::int64_t next = spawned + 1;
      ++n;
      spawned += value;
      value = next;
    }
  }
};

/// Computes until told to stop, and never waits. Not 0.
inline std::uint64_t compute_until(const std::atomic<bool>& stop) {
  std::uint64_t x = 1;
  while (!stop.load(std::memory_order_relaxed)) {
    for (int i = 0; i < 1000; ++i) {
      x = x * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    }
  }
  return x | 1;
}

/// Queens that do not attack each other, one in each of the first rows of a board. Bits are
/// columns.
struct queens {
  int size = 0;
  int rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t falling = 0;  // attacked in the next row along a diagonal
  std::uint32_t rising = 0;

  std::uint32_t free() const { return ~(columns | falling | rising) & ((1U << size) - 1); }

  queens with(std::uint32_t column) const {
    return {size, rows + 1, columns | column, (falling | column) << 1, (rising | column) >> 1};
  }

  /// In how many ways the other rows can be filled.
  std::int64_t solutions() const {
    if (rows == size) {
      return 1;
    }
    std::int64_t sum = 0;
    for (std::uint32_t left = free(); left != 0; left &= left - 1) {
      sum += with(left & -left).solutions();
    }
    return sum;
  }
};

/// The largest board, 12 at most, on which the first rows take at most `count` placements: a
/// goroutine for each.
struct queens_size {
  static constexpr int spawned_rows = 5;
  int n = spawned_rows;
  std::int64_t placements = 0;
  std::int64_t solutions = 0;

  explicit queens_size(std::int64_t count) {
    constexpr std::array<std::int64_t, 8> known = {10, 4, 40, 92, 352, 724, 2680, 14'200};
    for (std::size_t i = 0; i < known.size(); ++i) {
      const int size = spawned_rows + static_cast<int>(i);
      const std::int64_t wanted = placements_from({.size = size});
      if (i > 0 && wanted > count) {
        return;
      }
      n = size;
      placements = wanted;
      solutions = known[i];
    }
  }

 private:
  static std::int64_t placements_from(const queens& board) {
    if (board.rows == spawned_rows) {
      return 0;
    }
    std::int64_t sum = 0;
    for (std::uint32_t left = board.free(); left != 0; left &= left - 1) {
      sum += 1 + placements_from(board.with(left & -left));
    }
    return sum;
  }
};

/// c += a * b on squares of matrices that are stored row by row.
struct square_product {
  static constexpr int leaf = 32;
  double* c;
  const double* a;
  const double* b;
  int size;    // of these squares
  int stride;  // of the matrices

  /// For quarter i, k of c: one of the two products that it is the sum of.
  square_product quarter(int row, int column, int k) const {
    const int h = size / 2;
    return {c + (row * stride + column) * h, a + (row * stride + k) * h,
            b + (k * stride + column) * h, h, stride};
  }

  void compute() const {
    for (int i = 0; i < size; ++i) {
      double* const to = c + i * stride;
      for (int k = 0; k < size; ++k) {
        const double factor = a[i * stride + k];
        const double* const from = b + k * stride;
        for (int j = 0; j < size; ++j) {
          to[j] += factor * from[j];
        }
      }
    }
  }
};

/// Two square matrices of small whole numbers, so that sums are exact, and room for their product.
/// The largest that split into at most `count` products of leaves.
class matrices {
 public:
  explicit matrices(std::int64_t count) {
    while (leaves_ * 8 <= count) {
      leaves_ *= 8;
      n_ *= 2;
    }
    const auto n = static_cast<std::size_t>(n_);
    for (std::vector<double>* m : {&a_, &b_, &c_}) {
      m->resize(n * n);
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        a_[i * n + j] = static_cast<double>((i + j) % 7);
        b_[i * n + j] = static_cast<double>((i * 3 + j) % 5);
      }
    }
  }

  std::int64_t leaves() const { return leaves_; }
  square_product whole() { return {c_.data(), a_.data(), b_.data(), n_, n_}; }

  /// c x = a (b x), for x = 1, 2, 3, 1, 2, 3, ...
  void check_product() const {
    std::vector<double> x(static_cast<std::size_t>(n_));
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<double>(i % 3 + 1);
    }
    const std::vector<double> want = times(a_, times(b_, x));
    const std::vector<double> got = times(c_, x);
    for (std::size_t i = 0; i < got.size(); ++i) {
      check(got[i] == want[i], "row of the product", static_cast<std::int64_t>(i));
    }
  }

 private:
  static std::vector<double> times(const std::vector<double>& m, const std::vector<double>& x) {
    std::vector<double> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t j = 0; j < x.size(); ++j) {
        y[i] += m[i * x.size() + j] * x[j];
      }
    }
    return y;
  }

  int n_ = square_product::leaf;
  std::int64_t leaves_ = 1;
  std::vector<double> a_, b_, c_;
};

/// The colours of chameneos are 0, 1 and 2. Two that are alike stay so; others become the third.
inline int complement(int mine, int others) { return mine == others ? mine : 3 - mine - others; }

/// The n-th prime, for checks.
inline std::int64_t nth_prime(std::int64_t n) {
  for (std::int64_t candidate = 2;; ++candidate) {
    bool prime = true;
    for (std::int64_t d = 2; d * d <= candidate && prime; ++d) {
      prime = candidate % d != 0;
    }
    if (prime && --n == 0) {
      return candidate;
    }
  }
}

}  // namespace bench
