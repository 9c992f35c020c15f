// The only thread_local of the scheduler. The compiler cannot see through the functions that use
// it: after a switch the same code runs on another thread.
#include "sched/worker.hpp"

#if defined(__clang__)
#define WEFT_OPAQUE __attribute__((noinline, optnone))
#else
#define WEFT_OPAQUE __attribute__((noinline, noipa))
#endif

// A name that assembly can use.
extern "C" {
__attribute__((visibility("hidden"),
               used)) constinit thread_local weft::detail::worker* weft_this_worker = nullptr;
}

namespace weft::detail {

#if !defined(__x86_64__)
WEFT_OPAQUE worker* this_worker() noexcept { return weft_this_worker; }
#endif

WEFT_OPAQUE void set_this_worker(worker* w) noexcept { weft_this_worker = w; }

}  // namespace weft::detail
