#pragma once
// The search for waits that nobody can end any more: [lost] in docs/protocols.md. Only for channels
// that were made in a run which watches.
#include <weft/detail/chan_core.hpp>
#include <weft/detail/lost_wait.hpp>
#include <weft/detail/select_core.hpp>
#include <weft/detail/spinlock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::detail {

/// Where a waiting select's cases are; on its stack, as its waiters are.
struct select_wait {
  const select_entry* entries;
  const std::uint32_t* which;  ///< the indices of those that wait
  std::uint32_t count;
};

/// [lost.1] Held by who drops a handle of a watched channel, who begins to wait on one, and during
/// the search. So no watched channel dies and no wait on one begins meanwhile.
extern constinit spinlock lost_lock;

/// How many handles the wait at w owns for certain; sets w->handles.
void count_handles(waiter& w, const chan_core* c, handle_place place) noexcept;

/// The channels that a goroutine holds the locks of already.
struct locked_channels {
  const chan_core* const* first = nullptr;
  std::size_t count = 0;
};

/// With lost_lock held: looks whether all who wait on `start` wait for ever. If so, reports it, and
/// in lost_waits::woken takes them out: those to be made ready, when lost_lock is free again, are
/// returned as a chain; `me` is not among them, only its waiter has been taken out.
class lost_search {
 public:
  lost_search(const locked_channels& mine, const goroutine* me, lost_by how) noexcept
      : mine_(mine), me_(me), how_(how) {}
  waiter* look(chan_core* start) noexcept;

 private:
  // More channels than that, joined by selects, are not looked at.
  static constexpr std::size_t most = 64;

  bool add(chan_core* c) noexcept;
  bool all_lost(chan_core* c) noexcept;
  bool count_queue(const waiter_queue& q, std::uint32_t& handles) noexcept;
  bool locked_by_me(const chan_core* c) const noexcept;
  template <class F>
  auto with_lock(chan_core* c, F f) noexcept;

  const locked_channels mine_;
  const goroutine* const me_;
  const lost_by how_;
  std::array<chan_core*, most> found_{};
  std::size_t count_ = 0;
};

}  // namespace weft::detail
