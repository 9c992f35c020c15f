#pragma once
// What weft throws when a caller makes a mistake. All derive from weft::misuse. No lock is held
// and nothing has changed when one of them is thrown (PN-3). Lack of memory, address space or
// threads is std::bad_alloc or std::system_error. A broken invariant does not throw: it aborts.
#include <stdexcept>
#include <string>

namespace weft {

/// A rule of the library was broken by the caller.
class misuse : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Needs a running runtime: call it from within weft::run().
class no_runtime : public misuse {
 public:
  using misuse::misuse;
};

/// An empty std::function or a null function pointer was given (GR-5).
class null_function : public misuse {
 public:
  using misuse::misuse;
};

/// Any misuse of a channel (PN-3).
class channel_error : public misuse {
 public:
  using misuse::misuse;
};

/// Send on a closed channel, or close of a closed channel (CH-8, CH-9).
class closed_channel : public channel_error {
 public:
  using channel_error::channel_error;
};

/// Close of a nil channel (CH-7).
class nil_channel : public channel_error {
 public:
  using channel_error::channel_error;
};

/// An operation waits on channels that nobody else has a handle of, in a run with
/// lost_wait_action::wake. The value of a send is unchanged (CH-23).
class abandoned_channel : public channel_error {
 public:
  using channel_error::channel_error;
};

/// A capacity that is negative, or too large to be stored (CH-1).
class bad_capacity : public channel_error {
 public:
  using channel_error::channel_error;
};

/// The period of a ticker is not positive (TM-9, TM-10).
class bad_period : public misuse {
 public:
  using misuse::misuse;
};

/// A context that refers to none, default-made or moved from, was used (CX-17).
class nil_context : public misuse {
 public:
  using misuse::misuse;
};

/// A wait_group's counter went below zero (WG-1).
class negative_counter : public misuse {
 public:
  using misuse::misuse;
};

/// A semaphore was asked for more tokens than it has at all without a limit to the wait, or given
/// back more than are held; or a number was negative (SW-3, SW-6).
class semaphore_error : public misuse {
 public:
  using misuse::misuse;
};

/// The function of a once_value or once_func ended by goexit: there is no result (ON-2).
class no_result : public misuse {
 public:
  using misuse::misuse;
};

}  // namespace weft
