#include <weft/detail/wait_reason.hpp>

namespace weft::detail {

const char* to_string(wait_reason r) noexcept {
  switch (r) {
    case wait_reason::none:
      return "running";
    case wait_reason::chan_send:
      return "chan send";
    case wait_reason::chan_recv:
      return "chan receive";
    case wait_reason::chan_send_nil:
      return "chan send (nil chan)";
    case wait_reason::chan_recv_nil:
      return "chan receive (nil chan)";
    case wait_reason::select:
      return "select";
    case wait_reason::select_no_cases:
      return "select (no cases)";
    case wait_reason::wait_group:
      return "sync.WaitGroup.Wait";
    case wait_reason::mutex:
      return "sync.Mutex.Lock";
    case wait_reason::cond:
      return "sync.Cond.Wait";
    case wait_reason::once:
      return "sync.Once.Do";
    case wait_reason::sleep:
      return "sleep";
    case wait_reason::rwmutex_read:
      return "sync.RWMutex.RLock";
    case wait_reason::rwmutex_write:
      return "sync.RWMutex.Lock";
    case wait_reason::semaphore:
      return "semaphore";
    case wait_reason::bubble:
      return "testing.wait";
  }
  return "unknown";
}

}  // namespace weft::detail
