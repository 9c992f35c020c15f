#pragma once
// SIGQUIT (Ctrl-\): a dump of all goroutines. Only where the program has no handler of its own.
#include <weft/runtime.hpp>

namespace weft::detail {

class scheduler;

/// At the beginning of a run, if nobody has anything else in mind for the signal.
void install_quit_handler(sigquit_action action) noexcept;
/// At its end: what was there before, unless the program has set a handler since.
void remove_quit_handler() noexcept;

/// By the monitor, which the signal's handler has woken: false if there was no signal.
bool quit_requested() noexcept;
void answer_quit(scheduler* s) noexcept;

}  // namespace weft::detail
