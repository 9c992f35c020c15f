// The text form of dumps, and crash reports.
#include "debug/dump.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "debug/frames.hpp"
#include "debug/mapped.hpp"
#include "debug/outline.hpp"
#include "debug/snapshot.hpp"
#include "debug/text_out.hpp"
#include "sched/scheduler.hpp"
#include "stack/race.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

// Written by run(), read by reports.
constinit atomic<traceback> level{traceback::all};

constexpr std::size_t most_ids = 100;  // of a group

class text_form {
 public:
  text_form(text_out& out, const snapshot& shot, heap h) noexcept
      : out_(out),
        shot_(shot),
        name_(h == heap::sound),
        now_(coarse_now.load(relaxed)) {}  // relaxed: ages are rough

  symbol_reader& symbols() noexcept { return symbols_; }

  /// Those at [first, last) are alike.
  void write(std::size_t first, std::size_t last) {
    const snapshot::entry& e = shot_.at(first);
    const goroutine_sight& g = e.seen;
    if (last - first == 1) {
      out_ << "goroutine " << g.id << " [";
    } else {
      out_ << std::uint64_t{last - first} << " goroutines [";
    }
    write_state(g);
    write_age(first, last);
    out_ << (g.locked ? ", locked to thread]" : "]");
    if (g.name_size != 0) {
      out_ << " \"" << std::string_view(g.name, g.name_size) << "\"";
    }
    out_ << ":";
    if (last - first != 1) {
      write_ids(first, last);
    }
    out_ << (g.main ? "\n\tmain, started at " : "\n\tcreated at ") << g.site.file_name() << ":"
         << std::uint64_t{g.site.line()} << " in " << g.site.function_name();
    if (!g.main) {
      write_parents(first, last);
    }
    out_ << "\n";
    write_objects(first, last);
    write_stack(e);
  }

  void write_frames(const frame_list& f) { detail::write_frames(out_, f, symbols_, name_); }

 private:
  void write_state(const goroutine_sight& g) {
    switch (g.state) {
      case goroutine_state::running:
        out_ << (g.blocking ? "blocking call" : "running");
        break;
      case goroutine_state::parked:
        out_ << to_string(g.reason);
        break;
      default:
        out_ << "runnable";
        break;
    }
  }

  // As in Go: whole minutes, from one on; of several, the longest.
  void write_age(std::size_t first, std::size_t last) {
    std::uint32_t ticks = 0;
    for (std::size_t i = first; i < last; ++i) {
      const goroutine_sight& g = shot_.at(i).seen;
      if (g.state != goroutine_state::running) {
        ticks = std::max(ticks, now_ - g.since);
      }
    }
    constexpr std::uint64_t minute_ns = 60'000'000'000;
    const std::uint64_t minutes = (std::uint64_t{ticks} << coarse_shift) / minute_ns;
    if (minutes != 0 && static_cast<std::int32_t>(ticks) > 0) {
      out_ << (last - first == 1 ? ", " : ", up to ") << minutes << " minutes";
    }
  }

  void write_ids(std::size_t first, std::size_t last) {
    const std::size_t shown = std::min(last, first + most_ids);
    for (std::size_t i = first; i < shown; ++i) {
      out_ << (i == first ? " " : ", ") << shot_.at(i).seen.id;
    }
    if (shown != last) {
      out_ << ", and " << std::uint64_t{last - shown} << " more";
    }
  }

  void write_parents(std::size_t first, std::size_t last) {
    const std::uint64_t parent = shot_.at(first).seen.parent;
    for (std::size_t i = first; i < last; ++i) {
      if (shot_.at(i).seen.parent != parent) {
        out_ << ", by several goroutines";
        return;
      }
    }
    if (parent != 0) {
      out_ << ", by goroutine " << parent;
    } else {
      out_ << ", by a thread";
    }
  }

  void write_objects(std::size_t first, std::size_t last) {
    const wait_description& d = shot_.at(first).seen.waits_for;
    if (d.total == 0) {
      return;
    }
    const std::uint32_t shown = std::min<std::uint32_t>(d.total, wait_description::room);
    out_ << "\twaits for ";
    for (std::uint32_t i = 0; i < shown; ++i) {
      const waited_object& o = d.objects[i];
      out_ << (i == 0 ? "" : ", or ") << o.kind << " " << o.at;
      if (o.facts[0].name != nullptr) {
        out_ << " (";
        for (const object_fact& f : o.facts) {
          if (f.name != nullptr) {
            out_ << (&f == o.facts ? "" : ", ") << f.name << " " << f.value;
          }
        }
        out_ << ")";
      }
    }
    if (shown != d.total) {
      out_ << ", or one of " << std::uint64_t{d.total - shown} << " more";
    }
    for (std::size_t i = first; i < last; ++i) {
      if (shot_.at(i).seen.waits_for.objects[0].at != d.objects[0].at) {
        out_ << "; the others for others like it";
        break;
      }
    }
    out_ << "\n";
  }

  void write_stack(const snapshot::entry& e) {
    if (e.stack != snapshot::no_stack) {
      write_frames(shot_.stack(e.stack));
    } else if (!e.seen.has_stack) {
      out_ << "\t  not started yet\n";
    } else if (e.seen.thread != 0) {
      out_ << "\t  running on thread " << std::int64_t{e.seen.thread} << ", no trace\n";
    } else {
      out_ << "\t  no trace\n";
    }
  }

  text_out& out_;
  const snapshot& shot_;
  symbol_reader symbols_;
  demangler name_;
  const std::uint32_t now_;
};

// All but `except`, grouped.
void write_groups(text_form& form, text_out& out, snapshot& shot, const goroutine* except) {
  shot.group();
  for (std::size_t first = 0; first < shot.count();) {
    std::size_t last = first + 1;
    if (shot.at(first).seen.record != except) {
      while (last < shot.count() && shot.at(last).group == shot.at(first).group &&
             shot.at(last).seen.record != except) {
        ++last;
      }
      out << "\n";
      form.write(first, last);
    }
    first = last;
  }
  if (shot.left_out() != 0) {
    out << "\n" << std::uint64_t{shot.left_out()} << " more, started meanwhile\n";
  }
}

const goroutine* current_goroutine() noexcept {
  worker* w = this_worker();
  return w != nullptr ? w->current() : nullptr;
}

int standard_error = STDERR_FILENO;

// So that what a seed has found can be had again.
void print_seed(const scheduler* s) noexcept {
  if (s == nullptr || s->options().seed == 0) {
    return;
  }
  print("weft: the choices of this run came from seed ");
  print(s->options().seed);
  if (s->options().deterministic) {
    print(" (again: WEFT_SEED=");
    print(s->options().seed);
    print(")");
  }
  print("\n\n");
}

}  // namespace

void print(std::string_view text) noexcept { write_to_fd(&standard_error, text); }

void print(std::uint64_t number) noexcept {
  text_out out(write_to_fd, &standard_error);
  out << number;
}

void set_traceback(traceback t) noexcept { level.store(t, relaxed); }  // relaxed: a setting
traceback traceback_level() noexcept { return level.load(relaxed); }   // relaxed: a setting

void print_crash_dump(const goroutine* g, heap h, stacks which) noexcept {
  const scheduler::in_use s;
  print_seed(s ? &*s : nullptr);
  if (traceback_level() == traceback::none) {
    return;
  }
  const mapped<snapshot> shot;
  const mapped<text_out> out(write_to_fd, &standard_error);
  const mapped<text_form> form(*out, *shot, h);
  if (!shot || !out || !form ||
      !(which == stacks::none ? shot->take_without_stacks()
                              : shot->take(s ? &*s : nullptr, visit_patience::short_, g))) {
    print("no memory for a dump of the goroutines\n");
    return;
  }
  shot->trim(form->symbols());
  bool shown = false;
  for (std::size_t i = 0; g != nullptr && i < shot->count(); ++i) {
    if (shot->at(i).seen.record == g) {
      shot->at(i).seen.state = goroutine_state::running;  // it runs this
      form->write(i, i + 1);
      shown = true;
    }
  }
  if (!shown) {
    *out << "on a thread that runs no goroutine:\n";
    form->write_frames(shot->own_stack());
  }
  if (traceback_level() != traceback::single) {
    write_groups(*form, *out, *shot, g);
  }
}

bool write_text_dump(scheduler* s, text_out& out) {
  const mapped<snapshot> shot;
  const mapped<text_form> form(out, *shot, heap::sound);
  if (!shot || !form || !shot->take(s, visit_patience::endless, current_goroutine())) {
    return false;
  }
  shot->trim(form->symbols());
  write_outline(out, outline_of(*shot, s));
  write_groups(*form, out, *shot, nullptr);
  return true;
}

void write_goroutine(text_out& out, const goroutine_sight& g, const frame_list& trace) noexcept {
  const mapped<snapshot> shot;
  const mapped<text_form> form(out, *shot, heap::sound);
  if (shot && form && shot->take_one(g, trace)) {
    shot->trim(form->symbols());
    form->write(0, 1);
    out << "\n";
  }
}

void deadlock_exit(scheduler* s, std::int64_t live) noexcept {
  print(live == 0 ? "weft: fatal: no goroutines (main called goexit) - deadlock!\n"
                  : "weft: fatal: all goroutines are asleep - deadlock!\n");
  print_seed(s);
  if (traceback_level() != traceback::none) {
    const mapped<snapshot> shot;
    text_out out(write_to_fd, &standard_error);
    const mapped<text_form> form(out, *shot, heap::sound);
    if (shot && form && shot->take(s, visit_patience::short_, nullptr)) {
      shot->trim(form->symbols());
      write_groups(*form, out, *shot, nullptr);
    }
  }
  race::before_exit();
  ::_exit(2);
}

}  // namespace weft::detail
