#pragma once
// The stack of a goroutine that runs on another thread: that thread is asked by a signal, and walks
// its own stack in the handler: [ask] in docs/protocols.md.
#include <cstdint>

namespace weft::detail {

class goroutine;
struct frame_list;

/// SIGURG, as in Go: what nobody handles it does nothing, and debuggers let it pass. False, and
/// nobody is ever asked: the program has a handler for it.
bool install_ask_handler() noexcept;

/// By a worker's thread when it begins: whoever made it may have blocked all signals.
void let_thread_be_asked() noexcept;

/// How long a dump waits for a thread that has to get a CPU first. Changed by tests only.
extern std::int64_t ask_patience_ns;

/// The stack of g, which has this id and runs on this thread. False: it does not, or the thread did
/// not begin to answer in time. Not for the caller's own thread.
bool ask_for_trace(std::int32_t tid, const goroutine* g, std::uint64_t id, std::int64_t patience_ns,
                   frame_list& out) noexcept;

/// By the handler of memory faults: if this thread is walking its stack for somebody, it goes on
/// there, without a trace.
void leave_answer() noexcept;

}  // namespace weft::detail
