// The JSON form of dumps: one object with what the head says, an array of goroutines in the order
// of ids, and an array of stacks that they name by their number.
#include <algorithm>
#include <string_view>

#include "debug/dump.hpp"
#include "debug/frames.hpp"
#include "debug/mapped.hpp"
#include "debug/outline.hpp"
#include "debug/snapshot.hpp"
#include "debug/text_out.hpp"
#include "sched/scheduler.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

class json_form {
 public:
  json_form(text_out& out, const snapshot& shot) noexcept
      : out_(out),
        shot_(shot),
        name_(true),
        now_(coarse_now.load(relaxed)) {}  // relaxed: ages are rough

  symbol_reader& symbols() noexcept { return symbols_; }

  void write(const outline& o) {
    out_ << "{\"running\":" << o.running << ",\"runnable\":" << o.runnable
         << ",\"waiting\":" << o.parked << ",\"workers\":" << std::uint64_t{o.workers}
         << ",\"max_procs\":" << std::uint64_t{o.max_procs} << ",\"next_timer_ns\":";
    if (o.next_timer >= 0) {
      out_ << o.next_timer;
    } else {
      out_ << "null";
    }
    out_ << ",\"foreign_threads\":" << std::uint64_t{o.foreign} << ",\"goroutines\":[";
    for (std::size_t i = 0; i < shot_.count(); ++i) {
      out_ << (i == 0 ? "\n" : ",\n");
      write_goroutine(shot_.at(i));
    }
    out_ << "],\"left_out\":" << std::uint64_t{shot_.left_out()} << ",\"stacks\":[";
    for (std::uint32_t i = 0; i < shot_.stack_count(); ++i) {
      out_ << (i == 0 ? "\n" : ",\n");
      write_frames(shot_.stack(i));
    }
    out_ << "]}\n";
  }

 private:
  void write_goroutine(const snapshot::entry& e) {
    const goroutine_sight& g = e.seen;
    out_ << "{\"id\":" << g.id << ",\"name\":";
    out_.quoted({g.name, g.name_size});
    out_ << ",\"state\":";
    switch (g.state) {
      case goroutine_state::running:
        out_ << (g.blocking ? "\"blocking call\"" : "\"running\"");
        break;
      case goroutine_state::parked:
        out_ << "\"waiting\",\"wait_reason\":";
        out_.quoted(to_string(g.reason));
        break;
      default:
        out_ << "\"runnable\"";
        break;
    }
    if (g.state != goroutine_state::running) {
      const auto ticks = static_cast<std::int32_t>(now_ - g.since);
      out_ << ",\"since_ns\":" << (std::int64_t{std::max(ticks, 0)} << coarse_shift);
    }
    if (g.thread != 0) {
      out_ << ",\"thread\":" << std::int64_t{g.thread};
    }
    out_ << ",\"locked_to_thread\":" << (g.locked ? "true" : "false")
         << ",\"main\":" << (g.main ? "true" : "false") << ",\"parent\":" << g.parent
         << ",\"created_at\":{\"file\":";
    out_.quoted(g.site.file_name())
        << ",\"line\":" << std::uint64_t{g.site.line()} << ",\"function\":";
    out_.quoted(g.site.function_name()) << "}";
    write_objects(g.waits_for);
    out_ << ",\"stack\":";
    if (e.stack != snapshot::no_stack) {
      out_ << std::uint64_t{e.stack};
    } else {
      out_ << "null";
    }
    out_ << "}";
  }

  void write_objects(const wait_description& d) {
    if (d.total == 0) {
      return;
    }
    const std::uint32_t shown = std::min<std::uint32_t>(d.total, wait_description::room);
    out_ << ",\"waits_for\":[";
    for (std::uint32_t i = 0; i < shown; ++i) {
      const waited_object& o = d.objects[i];
      out_ << (i == 0 ? "" : ",") << "{\"kind\":";
      out_.quoted(o.kind) << ",\"address\":\"" << o.at << "\"";
      for (const object_fact& f : o.facts) {
        if (f.name != nullptr) {
          out_ << ",";
          out_.quoted(f.name) << ":" << f.value;
        }
      }
      out_ << "}";
    }
    out_ << "],\"waits_for_total\":" << std::uint64_t{d.total};
  }

  void write_frames(const frame_list& f) {
    out_ << "{\"elided\":" << std::uint64_t{f.elided} << ",\"before\":" << std::uint64_t{f.split}
         << ",\"frames\":[";
    for (std::uint32_t i = 0; i < f.count; ++i) {
      const symbol s = symbols_.find(f.at[i]);
      out_ << (i == 0 ? "" : ",") << "{\"pc\":\"" << f.at[i] << "\",\"function\":";
      out_.quoted(name_(s.mangled)) << ",\"offset\":" << s.offset << ",\"module\":";
      out_.quoted(s.module) << ",\"module_offset\":" << s.module_offset << "}";
    }
    out_ << "]}";
  }

  text_out& out_;
  const snapshot& shot_;
  symbol_reader symbols_;
  demangler name_;
  const std::uint32_t now_;
};

}  // namespace

bool write_json_dump(scheduler* s, text_out& out) {
  const mapped<snapshot> shot;
  const mapped<json_form> form(out, *shot);
  worker* w = this_worker();
  if (!shot || !form ||
      !shot->take(s, visit_patience::endless, w != nullptr ? w->current() : nullptr)) {
    return false;
  }
  shot->trim(form->symbols());
  shot->sort_by_id();
  form->write(outline_of(*shot, s));
  return true;
}

}  // namespace weft::detail
