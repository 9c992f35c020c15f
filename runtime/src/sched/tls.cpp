// The only thread_local of the scheduler, behind functions that the compiler cannot inline or
// see through: after a switch the same code runs on another thread.
#include "sched/worker.hpp"

#if defined(__clang__)
#define WEFT_OPAQUE __attribute__((noinline, optnone))
#else
#define WEFT_OPAQUE __attribute__((noinline, noipa))
#endif

namespace weft::detail {
namespace {
constinit thread_local worker* mine = nullptr;
}

WEFT_OPAQUE worker* this_worker() noexcept { return mine; }

WEFT_OPAQUE void set_this_worker(worker* w) noexcept { mine = w; }

}  // namespace weft::detail
