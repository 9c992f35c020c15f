#include "debug/outline.hpp"

#include <weft/detail/wait_limit.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "debug/snapshot.hpp"
#include "debug/text_out.hpp"
#include "sched/block_thread.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {

std::uint32_t count_process_threads() noexcept {
  char room[4096];
  const int fd = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return 0;
  }
  const ssize_t n = ::read(fd, room, sizeof room);
  ::close(fd);
  const std::string_view text(room, n > 0 ? static_cast<std::size_t>(n) : 0);
  constexpr std::string_view key = "\nThreads:\t";
  const auto at = text.find(key);
  std::uint32_t count = 0;
  if (at != std::string_view::npos) {
    std::from_chars(text.data() + at + key.size(), text.data() + text.size(), count);
  }
  return count;
}

outline outline_of(const snapshot& shot, scheduler* s) noexcept {
  outline o;
  for (std::size_t i = 0; i < shot.count(); ++i) {
    switch (shot.at(i).seen.state) {
      case goroutine_state::running:
        ++o.running;
        break;
      case goroutine_state::runnable:
        ++o.runnable;
        break;
      default:
        ++o.parked;
        break;
    }
  }
  if (s == nullptr) {
    return o;
  }
  o.workers = s->thread_count();
  o.max_procs = s->max_procs();
  if (const std::int64_t first = s->timers.earliest(); first != never) {
    o.next_timer = std::max<std::int64_t>(first - clock.now(), 0);
  }
  // [outside.3] acquire: as the deadlock report reads it
  const auto waiting = static_cast<std::uint32_t>(blocked_threads.load(acquire));
  const std::uint32_t ours = o.workers + 1 + waiting;  // the monitor; those that wait for weft
  const std::uint32_t all = count_process_threads();
  o.foreign = all > ours ? all - ours : 0;
  return o;
}

void write_duration(text_out& out, std::int64_t ns) {
  constexpr struct {
    std::int64_t ns;
    const char* unit;
  } units[] = {{3'600'000'000'000, " h"}, {60'000'000'000, " min"}, {1'000'000'000, " s"},
               {1'000'000, " ms"},        {1'000, " us"},           {1, " ns"}};
  for (const auto& u : units) {
    if (ns >= u.ns || u.ns == 1) {
      out << ns / u.ns << u.unit;
      return;
    }
  }
}

void write_outline(text_out& out, const outline& o) {
  out << "weft: " << o.running + o.runnable + o.parked << " goroutines: " << o.running
      << " running, " << o.runnable << " runnable, " << o.parked << " waiting; "
      << std::uint64_t{o.workers} << " worker threads, max_procs " << std::uint64_t{o.max_procs}
      << "\n";
  out << "weft: what may go on: " << o.running + o.runnable << " goroutines, ";
  if (o.next_timer >= 0) {
    out << "a timer due in ";
    write_duration(out, o.next_timer);
  } else {
    out << "no timer";
  }
  out << ", " << std::uint64_t{o.foreign} << " foreign threads\n";
}

}  // namespace weft::detail
