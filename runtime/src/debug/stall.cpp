#include "debug/stall.hpp"

#include <unistd.h>

#include <utility>

#include "debug/ask.hpp"
#include "debug/dump.hpp"
#include "debug/outline.hpp"
#include "debug/text_out.hpp"
#include "debug/visit.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// Of each kind so many in a second; what is beyond is counted. The monitor's own.
class rate {
 public:
  bool may_report() noexcept {
    constexpr std::int64_t second_ns = 1'000'000'000;
    constexpr int most = 10;
    const std::int64_t now = clock.now();
    if (now - begin_ >= second_ns) {
      begin_ = now;
      reports_ = 0;
    }
    if (reports_ == most) {
      ++left_out_;
      return false;
    }
    ++reports_;
    return true;
  }
  void leave_out(std::uint64_t n) noexcept { left_out_ += n; }
  std::uint64_t take_left_out() noexcept { return std::exchange(left_out_, 0); }

 private:
  std::int64_t begin_ = 0;
  int reports_ = 0;
  std::uint64_t left_out_ = 0;
};

constinit rate hogs, starved, late;

void write_left_out(text_out& out, rate& r) {
  if (const std::uint64_t n = r.take_left_out(); n != 0) {
    out << " (" << n << " more like it were not reported)";
  }
  out << "\n";
}

// A late timer that was not reported yet; of several the first, the others are counted. Written by
// workers, taken by the monitor.
struct noted {
  spinlock lock;
  bool any = false;  // all under lock
  bool has_goroutine = false;
  std::uint64_t missed = 0;
  std::int64_t late_ns = 0;
  goroutine_sight who{};
  frame_list trace{};
};
constinit noted note;

}  // namespace

bool report_hog(const worker& w, std::int64_t ns) noexcept {
  const goroutine* g = w.running();
  goroutine_sight s;
  if (g == nullptr || !see_record(*g, s) || w.visited_current() != g) {
    return false;
  }
  s.state = goroutine_state::running;
  s.has_stack = true;
  s.thread = w.tid();
  if (!hogs.may_report()) {
    return true;
  }
  int fd = STDERR_FILENO;
  text_out out(write_to_fd, &fd);
  out << "weft: stall: a goroutine has kept its worker for ";
  write_duration(out, ns);
  out << " without a wait, a yield or blocking()";
  write_left_out(out, hogs);
  constexpr std::int64_t patience_ns = 20'000'000;  // the monitor has other things to do
  frame_list trace;
  ask_for_trace(s.thread, g, s.id, patience_ns, trace);
  write_goroutine(out, s, trace);
  return true;
}

void report_starved(const goroutine& first, std::size_t count, std::int64_t ns) noexcept {
  goroutine_sight s;
  const bool there = see_record(first, s) && s.state == goroutine_state::runnable;
  if (!starved.may_report()) {
    return;
  }
  int fd = STDERR_FILENO;
  text_out out(write_to_fd, &fd);
  out << "weft: stall: " << std::uint64_t{count}
      << (count == 1 ? " goroutine could run and was" : " goroutines could run and were")
      << " not run, the longest for ";
  write_duration(out, ns);
  write_left_out(out, starved);
  if (there) {
    frame_list none;
    write_goroutine(out, s, none);
  } else {
    out << "it runs now\n\n";
  }
}

void note_late_timer(const goroutine* who, std::int64_t late_ns) noexcept {
  spin_guard hold(note.lock);
  if (note.any) {
    ++note.missed;
    return;
  }
  note.any = true;
  note.late_ns = late_ns;
  note.trace.count = note.trace.elided = 0;
  note.has_goroutine = who != nullptr && see_waiting(*who, note.who, note.trace);
}

void report_late_timers() noexcept {
  goroutine_sight who;
  frame_list trace;
  std::int64_t late_ns = 0;
  bool has_goroutine = false;
  {
    spin_guard hold(note.lock);
    if (!note.any) {
      return;
    }
    note.any = false;
    late.leave_out(std::exchange(note.missed, 0));
    has_goroutine = note.has_goroutine;
    who = note.who;
    trace = note.trace;
    late_ns = note.late_ns;
  }
  if (!late.may_report()) {
    return;
  }
  int fd = STDERR_FILENO;
  text_out out(write_to_fd, &fd);
  out << "weft: stall: a timer came ";
  write_duration(out, late_ns);
  out << " late";
  write_left_out(out, late);
  if (has_goroutine) {
    write_goroutine(out, who, trace);
  } else {
    out << "it called a function (after_func, or the deadline of a context)\n\n";
  }
}

}  // namespace weft::detail
