#pragma once
// Goroutines that wait for each other's mutexes: [lock_cycle] in docs/protocols.md. Only in a run
// that watches for lost waits; then every lock and unlock notes who has the mutex.
#include <weft/detail/atomic.hpp>
#include <weft/detail/lost_wait.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

/// Who has a mutex: lock_owner() of whoever locked it, or one of these.
inline constexpr std::uint64_t no_owner = 0;                     ///< free, or not known
inline constexpr std::uint64_t handed_over = ~std::uint64_t{0};  ///< unlocked by others: for good
using owner_word = atomic<std::uint64_t>;

/// By who has just locked, or is about to unlock, the mutex.
void note_locked(owner_word& owner) noexcept;
void note_unlocking(owner_word& owner) noexcept;

/// How long a circle must last before it is reported; see lost_wait_action. Changed by tests only.
extern std::int64_t lock_cycle_patience_ns;

/// While it lives, a goroutine waits for a mutex without a limit. On that goroutine's stack.
class lock_wait {
 public:
  /// By `who`, which calls. A thread that runs no goroutine is not entered.
  lock_wait(const goroutine* who, const void* wanted, const owner_word& owner) noexcept;
  ~lock_wait();
  lock_wait(const lock_wait&) = delete;
  lock_wait& operator=(const lock_wait&) = delete;

  /// Did it close a circle when it began? Exact, if mutexes are unlocked by who locked them. Of
  /// those in a circle one only says so.
  bool closed_circle() const noexcept { return closed_circle_; }
  /// After the patience: if it is in a circle still, that is reported.
  void report_circle() const noexcept;

 private:
  static constexpr std::size_t most = 64;  // longer circles are not found
  std::size_t walk(const lock_wait** path) const noexcept;
  static lock_wait*& bucket(std::uint64_t number) noexcept;

  const goroutine* const who_;
  const std::uint64_t number_;  // lock_owner() of who_
  const void* const wanted_;
  const owner_word& owner_;  // of what it waits for
  lock_wait* next_ = nullptr;
  lock_wait** at_ = nullptr;  // what points here; null: not entered
  bool closed_circle_ = false;
};

}  // namespace weft::detail
