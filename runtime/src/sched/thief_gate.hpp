#pragma once
// A worker's queues are its own until a thief comes: as long as the gate is open the owner takes
// from them with plain instructions. A thief closes it, by the means of [solo]: it makes every
// running thread pass a barrier, and waits until the owner is outside of a section. Then both keep
// to [next], [deque] and [ring]. The owner opens it again when nobody has come for a while. All the
// cost is on the side that comes rarely. Protocol [gate] in docs/protocols.md.
#include <weft/detail/atomic.hpp>
#include <weft/detail/solo.hpp>

#include <cstdint>

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
    explicit section(thief_gate& gate) noexcept : gate_(gate), alone_(gate.begin()) {}
    ~section() {
      if (alone_) {
        gate_.end();
      }
    }
    section(const section&) = delete;
    section& operator=(const section&) = delete;
    explicit operator bool() const noexcept { return alone_; }

   private:
    thief_gate& gate_;
    const bool alone_;
  };

  /// To be called now and then, outside of sections: opens the gate if nobody has come since the
  /// last `calls` of these calls.
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
      state_.compare_exchange(now, 0, acquire, relaxed);
    }
  }

  // ---- by thieves ----

  /// While it lives, the owner keeps to [next], [deque] and [ring], too. Waits for the end of a
  /// section, some instructions; or milliseconds, if the owner's thread lost its CPU there.
  class visit {
   public:
    explicit visit(thief_gate& gate) noexcept : gate_(gate) { gate.enter(); }
    ~visit() { gate_.leave(); }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;

   private:
    thief_gate& gate_;
  };

 private:
  static constexpr std::uint64_t closed = 1;
  static constexpr std::uint64_t inside_one = 2;
  static constexpr std::uint64_t inside_mask = 0x1fffe;  // 65535 thieves, more than workers
  static constexpr std::uint64_t visit_one = 0x20000;    // visits until now; never comes round

  bool begin() noexcept {
#if WEFT_SOLO
    busy_.store(1, relaxed);  // [gate.1] relaxed: ordered by [gate.4]'s membarrier
    asm volatile("" ::: "memory");
    // [gate.1] After busy in program order; [gate.4] makes that everybody's order. relaxed: zero is
    // what this thread has written [gate.7], or the beginning.
    if (state_.load(relaxed) == 0) [[likely]] {
      return true;
    }
    busy_.store(0, release);  // [gate.2] release: as in end()
#endif
    return false;
  }
  void end() noexcept {
    busy_.store(0, release);  // [gate.2] release: what was done is seen after [gate.5]
  }
  void enter() noexcept {
    if (may_open_ == may_open::no) {
      return;
    }
    // [gate.3] acquire: who finds it closed sees what the sections before did, through who closed
    // it [gate.5]. Not closed yet, though another thief is inside: that one may wait still.
    if ((state_.fetch_add(inside_one + visit_one, acquire) & closed) == 0) {
      outlast_section(busy_);            // [gate.4] [gate.5]
      state_.fetch_or(closed, release);  // [gate.5] release: see [gate.3]
    }
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
