#pragma once
// Moving the calling goroutine to another worker thread, for certain.
#include <weft/chan.hpp>
#include <weft/go.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <memory>

namespace weft::testing {

/// The kernel's name for the thread that runs this now; never cached.
inline long thread_id() { return ::syscall(SYS_gettid); }

/// Parks and returns on another thread than before: whoever wakes the caller keeps the thread that
/// the caller was on busy until the caller has been resumed elsewhere. From a goroutine.
inline void migrate() {
  struct meeting {
    long from = thread_id();
    weft::chan<int> wake = weft::make_chan<int>();
    std::atomic<bool> resumed{false};
  };
  for (;;) {
    auto m = std::make_shared<meeting>();
    weft::go([m] {
      const bool occupies = thread_id() == m->from;
      m->wake.send(0);
      while (occupies && !m->resumed.load()) {
      }
    });
    m->wake.recv();
    const bool moved = thread_id() != m->from;
    m->resumed.store(true);
    if (moved) {
      return;
    }
  }
}

}  // namespace weft::testing
