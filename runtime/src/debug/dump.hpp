#pragma once
// What all goroutines do, written for people and for programs, and the level of detail of it. What
// crashed processes use neither allocates nor waits for long.
#include <weft/runtime.hpp>

#include <cstdint>
#include <string_view>

namespace weft::detail {

class goroutine;
class scheduler;
class text_out;
struct frame_list;
struct goroutine_sight;

/// Text to stderr, unbuffered, from any context.
void print(std::string_view text) noexcept;
void print(std::uint64_t number) noexcept;

/// WEFT_TRACEBACK, or runtime_options.traceback, of the run that began last.
void set_traceback(traceback level) noexcept;
traceback traceback_level() noexcept;

/// Is the heap known to be sound and nobody stopped in the middle of malloc? Then names are
/// demangled.
enum class heap { sound, doubtful };

/// After the first lines of a crash report: `g` with the calling thread's stack, then the others,
/// as far as the level allows. g null: the thread runs no goroutine. Without stacks: after one of
/// them could not be walked.
enum class stacks { all, none };
void print_crash_dump(const goroutine* g, heap h, stacks which = stacks::all) noexcept;

/// The dump that programs ask for, and SIGQUIT: a head, which also says what keeps this from being
/// a deadlock, and all goroutines. False: the system gave no memory.
bool write_text_dump(scheduler* s, text_out& out);
bool write_json_dump(scheduler* s, text_out& out);

/// One goroutine as in a dump, and an empty line. Without memory for it: nothing.
void write_goroutine(text_out& out, const goroutine_sight& g, const frame_list& trace) noexcept;

/// Reports that no goroutine can ever run again, as Go does, and exits with status 2.
[[noreturn]] void deadlock_exit(scheduler* s, std::int64_t live) noexcept;

}  // namespace weft::detail
