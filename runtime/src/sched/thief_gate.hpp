#pragma once
// A worker's queues are its own until a thief comes: as long as the gate is open the owner takes
// from them with plain instructions. A thief closes it, by the means of [solo]: it makes every
// running thread pass a barrier, and takes only if the owner is in no section then. Both keep
// to [next], [deque] and [ring]. The owner opens it again when nobody has come for a while. All the
// cost is on the side that comes rarely. Protocol [gate] in docs/protocols.md.
#include <weft/detail/atomic.hpp>
#include <weft/detail/solo.hpp>

#include <cstdint>

#include "detail/sys.hpp"

namespace weft::detail {

class thief_gate {
 public:
  enum class may_open : bool { no, yes };
  /// `no`: closed for ever. Where [solo] is off, or the schedule is a simulation's.
  explicit thief_gate(may_open allowed) noexcept
      : state_(allowed == may_open::yes ? 0 : closed), may_open_(allowed) {}

  // ---- by the owner ----

  /// A few instructions of the owner's. True: nobody else takes from the queues meanwhile. While
  /// one is open its thread must not wake, start or wait for another thread, nor park.
  class section {
   public:
    explicit section(thief_gate& gate) noexcept : gate_(gate.begin() ? &gate : nullptr) {}
    ~section() {
      if (gate_ != nullptr) {
        gate_->end();
      }
    }
    section(const section&) = delete;
    section& operator=(const section&) = delete;
    explicit operator bool() const noexcept { return gate_ != nullptr; }

   private:
    thief_gate* const gate_;
  };

  /// To be called now and then, outside of sections: opens the gate if nobody has come during the
  /// last `calls` of these calls, one at least.
  void open_if_quiet(std::uint32_t calls) noexcept {
    if (may_open_ == may_open::no) {
      return;
    }
    std::uint64_t now = state_.load(relaxed);  // relaxed: the CAS decides
    if (now != seen_) {
      seen_ = now;
      quiet_ = 0;
    } else if (now != 0 && ++quiet_ >= calls && (now & inside_mask) == 0) {
      // [gate.7] acquire: pairs with [gate.6]: what thieves took is seen to have been taken. Fails
      // if one has come meanwhile. relaxed: nothing was done.
      if (state_.compare_exchange(now, 0, acquire, relaxed)) {
        seen_ = 0;  // the visits are counted anew
      }
    }
  }

  // ---- by thieves ----

  /// True: while it lives the owner keeps to [next], [deque] and [ring], too, and the thief may
  /// take.
  class visit {
   public:
    ~visit() { gate_.leave(); }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    explicit operator bool() const noexcept { return received_; }

   private:
    friend class thief_gate;
    explicit visit(thief_gate& gate) noexcept : gate_(gate), received_(gate.enter()) {}

    thief_gate& gate_;
    const bool received_;
  };

  /// A thief comes; it is not received while the owner is in a section and does not leave it within
  /// 5 us, since its thread does not run, or while another thief closes the gate. Does not wait for
  /// either. The first visit after a while makes every running thread of the process pass a
  /// barrier: 5 to 30 us as a rule.
  [[nodiscard]] visit receive() noexcept { return visit(*this); }

 private:
  static constexpr std::uint64_t closed = 1;
  static constexpr std::uint64_t inside_one = 2;
  static constexpr std::uint64_t inside_mask = 0x1fffe;  // 65535 thieves, more than workers
  static constexpr std::uint64_t visit_one = 0x20000;    // visits until now; never comes round

  bool begin() noexcept {
#if WEFT_SOLO
    if (state_.load(relaxed) == 0) [[likely]] {  // relaxed: the second look counts
      busy_.store(1, relaxed);  // [gate.1] relaxed: ordered by [gate.4]'s membarrier
      asm volatile("" ::: "memory");
      // [gate.1] After busy in program order; [gate.4] makes that everybody's order. relaxed: zero
      // is what this thread, or the worker's one before it, has written [gate.7], or the beginning.
      if (state_.load(relaxed) == 0) [[likely]] {
        return true;
      }
      end();
    }
#endif
    return false;
  }
  void end() noexcept {
    busy_.store(0, release);  // [gate.2] release: what was done is seen after [gate.5]
  }
  bool enter() noexcept {
    if (may_open_ == may_open::no) {
      return true;
    }
    // [gate.3] acquire: who finds it closed comes after the barrier of who closed it [gate.4].
    const std::uint64_t before = state_.fetch_add(inside_one + visit_one, acquire);
    if ((before & closed) == 0) {
      if ((before & inside_mask) != 0) {
        return false;  // one barrier is enough
      }
      sys.barrier_everywhere();          // [gate.4]
      state_.fetch_or(closed, release);  // [gate.4] release: see [gate.3]
    }
    return has_left_section(busy_);  // [gate.5]
  }
  void leave() noexcept {
    if (may_open_ == may_open::yes) {
      state_.fetch_sub(inside_one, release);  // [gate.6] release: pairs with [gate.7]
    }
  }

  // [gate] 1 while the owner is in a section. Written by the owner only.
  atomic<std::uint32_t> busy_{0};
  std::uint32_t quiet_ = 0;  // the owner's: calls since the state has changed
  // [gate] { visits:47, inside:16, closed:1 }; all zero: open. Written by thieves when they come
  // and go, and by the owner when it opens; read by the owner at each pick.
  atomic<std::uint64_t> state_;
  std::uint64_t seen_ = 0;  // the owner's: the state at the last such call
  const may_open may_open_;
};

}  // namespace weft::detail
