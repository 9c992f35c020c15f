#pragma once
// One record per goroutine: header and small closure in two cache lines. Records are recycled,
// never returned to the system, so that all goroutines can be enumerated by walking the slabs
// and a stale pointer still points at a record.
//
//   idle -> runnable -> running -> parked -> runnable ... -> running -> idle
//
// Who may touch what: the spawner until the record is submitted; then the worker that runs it;
// while it is parked, the party that will call ready(). state and reason are read by anybody.
#include <weft/detail/atomic.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/wait_reason.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>

#include "sched/locals.hpp"
#include "stack/fiber.hpp"
#include "stack/race.hpp"

namespace weft::detail {

enum class goroutine_state : std::uint8_t { idle, runnable, running, parked };

enum class goroutine_kind : std::uint8_t {
  ordinary,
  foreign,    ///< the stand-in of a thread that is not a worker
  abandoned,  ///< its run has ended: it never runs again
};

class worker;

/// What few goroutines have.
struct goroutine_extra {
  std::string name;
  fiber* own_fiber = nullptr;            ///< set for a goroutine with its own stack size
  std::unique_ptr<local_values> locals;  ///< its goroutine_locals; gone before it counts as ended
  // [pinned]
  std::uint32_t thread_locks = 0;  ///< calls of lock_os_thread() not yet undone
  worker* pinned_to = nullptr;     ///< the only worker that runs it
  fiber* pinned_stack = nullptr;   ///< where it is parked; goroutine::stack is null then
};

class goroutine {
 public:
  union {
    goroutine* next = nullptr;  ///< of a free record: link in a free list
    std::uint64_t parent;       ///< of one in use: the id of who started it, 0 for a thread
  };
  fiber* stack = nullptr;  ///< where it is parked; nullptr: not started, runs as a call
  union {
    void (*run)(void*) = nullptr;  ///< until it has started
    const void* object;            ///< from its first wait on: what it waits, or waited, for
  };
  std::uint64_t id = 0;
  // [claim] ticket while a wait is open, ticket + 1 + index once won. Written by the owner while
  // it runs, by CAS while it waits.
  atomic<std::uint64_t> claim{0};
  std::source_location site;
  goroutine_extra* extra = nullptr;
  // Statistics for dumps and idle tests: relaxed, publishes nothing.
  atomic<goroutine_state> state{goroutine_state::idle};
  atomic<wait_reason> reason{wait_reason::none};
  bool main : 1 = false;     ///< the function given to run()
  bool leaving : 1 = false;  ///< goexit is unwinding it
  // What ready() has to do. `abandoned` is set when its run has ended (GR-2), else constant.
  atomic<goroutine_kind> kind{goroutine_kind::ordinary};
  // A foreign thread's: [park] 1 once woken; written by ready(), reset by the owner.
  // A goroutine's: see since().
  atomic<std::uint32_t> woken{0};
#if WEFT_RACE
  // Memory that is used again would carry edges and accesses of its former users: the closure is in
  // the actor, whose memory TSan sees allocated and freed.
  alignas(16) unsigned char closure[inline_closure_bytes - 16];  // links of free records
  race::actor* actor = nullptr;
  void* room() noexcept { return actor->closure; }
#else
  alignas(16) unsigned char closure[inline_closure_bytes];
  void* room() noexcept { return closure; }
#endif

  /// For dumps: when it was last parked or made ready, as coarse_now.
  atomic<std::uint32_t>& since() noexcept { return woken; }
  const atomic<std::uint32_t>& since() const noexcept { return woken; }
};

/// [visit.7] Frees what few goroutines have, when nobody looks at it. Not its own fiber.
void drop_extra(goroutine* g) noexcept;

static_assert(sizeof(goroutine) == 2 * cache_line, "a goroutine record is two cache lines");
static_assert(offsetof(goroutine, closure) == cache_line);

}  // namespace weft::detail
