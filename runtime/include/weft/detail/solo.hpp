#pragma once
// While only one thread runs weft code, its locks need no locked instructions. On the machines
// at hand a locked instruction is most of what an uncontended channel operation costs, and one
// awake worker is a common state: max_procs 1, or too little work for two.
//
// Protocol [solo] in docs/protocols.md. The owner brackets a few plain instructions with
// `busy`; whoever wants to run weft code beside it takes the ownership away first: it clears
// `owner`, makes every running thread of the process pass a barrier (membarrier(2)), and waits
// until the owner is not busy. All the cost is on the side that comes rarely.
//
// Off in builds for race detectors and model checkers (but for the model of this), and where
// membarrier is missing: then owner stays null and everybody takes the ordinary way.
#include <weft/detail/atomic.hpp>

#include <cstdint>

#if !defined(WEFT_SOLO)
#if WEFT_MODEL || defined(__SANITIZE_THREAD__) || !(defined(__x86_64__) || defined(__aarch64__))
#define WEFT_SOLO 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_SOLO 0
#else
#define WEFT_SOLO 1
#endif
#else
#define WEFT_SOLO 1
#endif
#endif

namespace weft::detail {

struct solo_state {
  // [solo] thread pointer of the only thread that runs weft code, or null. Set by that thread or
  // the monitor under the idle lock, cleared by anybody under it.
  alignas(cache_line) atomic<const void*> owner;
  // [solo] 1 while the owner is between solo.2 and solo.3. Written by the owner only.
  atomic<std::uint32_t> busy;
};
extern constinit solo_state solo;

/// Identifies the running thread. Volatile: after a switch the same code runs on another one.
inline const void* thread_pointer() noexcept {
  const void* p;
#if WEFT_MODEL
  p = model_thread();
#elif defined(__x86_64__)
  asm volatile("movq %%fs:0, %0" : "=r"(p));
#elif defined(__aarch64__)
  asm volatile("mrs %0, tpidr_el0" : "=r"(p));
#else
  p = nullptr;
#endif
  return p;
}

/// A few instructions that the owner may do without locked instructions. While one is open its
/// thread must not wake, start or wait for another thread, nor park.
class solo_section {
 public:
  solo_section() noexcept {
#if WEFT_SOLO
    const void* me = thread_pointer();
    // [solo.1] acquire: pairs with solo_claim(), which may be the monitor's: what those who sleep
    // now have done is seen.
    if (solo.owner.load(acquire) == me) [[likely]] {
      solo.busy.store(1, relaxed);  // [solo.2] relaxed: ordered by [solo.5]'s membarrier
      asm volatile("" ::: "memory");
      // [solo.2] After busy in program order; [solo.5] makes that everybody's order. acquire: since
      // the first look the ownership may have been taken away, used against, and given back.
      alone_ = solo.owner.load(acquire) == me;
      if (!alone_) [[unlikely]] {
        solo.busy.store(0, release);  // [solo.3] release: as in the destructor
      }
    }
#endif
  }
  ~solo_section() {
#if WEFT_SOLO
    if (alone_) {
      solo.busy.store(0, release);  // [solo.3] release: what was done here is seen after [solo.6]
    }
#endif
  }
  solo_section(const solo_section&) = delete;
  solo_section& operator=(const solo_section&) = delete;

  explicit operator bool() const noexcept { return alone_; }

 private:
  bool alone_ = false;
};

/// `busy` marks the sections of a thread, as solo.busy does; what they look at has been closed, and
/// the barrier passed since. True: that thread is in none, and what it did in them is seen. Waits
/// for the end of one for 5 us: false, if it does not run on so soon.
bool has_left_section(const atomic<std::uint32_t>& busy) noexcept;

/// Takes the ownership away, whoever has it. The caller holds the idle lock.
void solo_revoke() noexcept;
/// Makes the thread with this thread pointer the owner. The caller holds the idle lock and has made
/// sure that no other thread runs weft code.
void solo_claim(const void* thread) noexcept;

/// Before a word that the owner treats with plain instructions is touched the ordinary way, outside
/// of a section: a thread that is no worker makes itself known [solo.7]. For others it does
/// nothing.
void solo_meet() noexcept;

/// No owner any more in this process: a thread that is not a worker, and comes and goes
/// unannounced, uses weft.
void solo_forbid() noexcept;
bool solo_forbidden() noexcept;

/// While it lives this thread, which is no worker, need not make itself known: there is no owner
/// and nobody can become it. For run() after its last worker.
class solo_exempt {
 public:
  solo_exempt() noexcept;
  ~solo_exempt();
  solo_exempt(const solo_exempt&) = delete;
  solo_exempt& operator=(const solo_exempt&) = delete;

 private:
  [[maybe_unused]] bool before_ = false;
};

}  // namespace weft::detail
