#include "debug/snapshot.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "debug/ask.hpp"
#include "debug/frames.hpp"
#include "debug/mapped.hpp"
#include "detail/sys.hpp"
#include "sched/arena.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

bool equal(const frame_list& a, const frame_list& b) noexcept {
  return a.count == b.count && a.elided == b.elided && std::equal(a.at, a.at + a.count, b.at);
}

std::size_t hash(const frame_list& f) noexcept {
  std::uint64_t h = f.count * std::uint64_t{0x9e3779b97f4a7c15} + f.elided;
  for (std::uint32_t i = 0; i < f.count; ++i) {
    h = (h ^ reinterpret_cast<std::uintptr_t>(f.at[i])) * 0x9e3779b97f4a7c15;
    h ^= h >> 29;
  }
  return static_cast<std::size_t>(h);
}

std::string_view name_of(const snapshot::entry& e) noexcept {
  return {e.seen.name, e.seen.name_size};
}

// What members of one group have in common, in some order.
bool before(const snapshot::entry& a, const snapshot::entry& b) noexcept {
  const goroutine_sight& x = a.seen;
  const goroutine_sight& y = b.seen;
  if (x.state != y.state) {
    return x.state < y.state;
  }
  if (x.reason != y.reason) {
    return x.reason < y.reason;
  }
  if (x.locked != y.locked) {
    return y.locked;
  }
  if (a.stack != b.stack) {
    return a.stack < b.stack;
  }
  if (x.site.file_name() != y.site.file_name()) {
    return x.site.file_name() < y.site.file_name();
  }
  if (x.site.line() != y.site.line()) {
    return x.site.line() < y.site.line();
  }
  return name_of(a) < name_of(b);
}

bool by_id(const snapshot::entry& a, const snapshot::entry& b) noexcept {
  return a.seen.id < b.seen.id;
}

template <class T>
T* map_array(std::size_t n) noexcept {
  return static_cast<T*>(sys.map(n * sizeof(T)));
}

}  // namespace

snapshot::~snapshot() {
  if (entries_ != nullptr) {
    sys.unmap(entries_, room_ * sizeof(entry));
  }
  if (stacks_ != nullptr) {
    sys.unmap(stacks_, most_stacks * sizeof(frame_list));
  }
  if (index_ != nullptr) {
    sys.unmap(index_, index_size * sizeof(std::uint32_t));
  }
  if (same_as_ != nullptr) {
    sys.unmap(same_as_, most_stacks * sizeof(std::uint32_t));
  }
}

bool snapshot::prepare() noexcept {
  std::size_t records = 0;
  arena::for_each_record([&](const goroutine& g) {
    records += g.state.load(relaxed) != goroutine_state::idle;  // relaxed: an estimate
  });
  room_ = records + records / 4 + 1024;  // some will have been started meanwhile
  entries_ = map_array<entry>(room_);
  stacks_ = map_array<frame_list>(most_stacks);
  index_ = map_array<std::uint32_t>(index_size);
  same_as_ = map_array<std::uint32_t>(most_stacks);
  return entries_ != nullptr && stacks_ != nullptr && index_ != nullptr && same_as_ != nullptr;
}

bool snapshot::look(scheduler* s, visit_patience patience) noexcept {
  return visit_goroutines(
      s, patience,
      [](void* me, const goroutine_sight& g, const frame_list& trace) {
        static_cast<snapshot*>(me)->add(g, trace);
      },
      this);
}

bool snapshot::take(scheduler* s, visit_patience patience, const goroutine* mine) noexcept {
  mine_ = mine;
  trace_here(own_);
  if (!prepare() || !look(s, patience)) {
    return false;
  }
  ask_running();
  return true;
}

// After all have been looked at: nobody is held up meanwhile.
void snapshot::ask_running() noexcept {
  constexpr int most = 4;  // that do not answer
  const std::int64_t until = real_now() + most * ask_patience_ns;
  const mapped<frame_list> trace;
  for (std::size_t i = 0; trace && i < count_ && real_now() < until; ++i) {
    const goroutine_sight& g = entries_[i].seen;
    if (g.state == goroutine_state::running && g.record != mine_ &&
        ask_for_trace(g.thread, g.record, g.id, ask_patience_ns, *trace)) {
      entries_[i].stack = keep(*trace);
    }
  }
}

bool snapshot::take_without_stacks() noexcept {
  return prepare() && look(nullptr, visit_patience::short_);
}

bool snapshot::take_one(const goroutine_sight& g, const frame_list& trace) noexcept {
  if (!prepare()) {
    return false;
  }
  add(g, trace);
  return true;
}

void snapshot::add(const goroutine_sight& g, const frame_list& trace) noexcept {
  if (count_ == room_) {
    ++left_out_;
    return;
  }
  entry* e = new (&entries_[count_++]) entry;
  e->seen = g;
  e->stack = keep(mine_ != nullptr && g.record == mine_ ? own_ : trace);
}

std::uint32_t snapshot::keep(const frame_list& trace) noexcept {
  if (trace.count == 0) {
    return no_stack;
  }
  for (std::size_t at = hash(trace);; ++at) {
    std::uint32_t& place = index_[at % index_size];
    if (place != 0) {
      if (equal(stacks_[place - 1], trace)) {
        return place - 1;
      }
      continue;
    }
    if (stack_count_ == most_stacks) {
      return no_stack;  // more different stacks than anybody reads
    }
    frame_list& kept = stacks_[stack_count_];
    place = static_cast<std::uint32_t>(++stack_count_);
    if (&kept == &trace) {
      return place - 1;
    }
    kept.count = trace.count;
    kept.elided = trace.elided;
    kept.split = trace.split;
    std::copy_n(trace.at, trace.count, kept.at);
    return place - 1;
  }
}

void snapshot::trim(symbol_reader& symbols) noexcept {
  trim_frames(own_, symbols);
  std::fill_n(index_, stack_count_ != 0 ? index_size : 0, 0);
  const std::size_t before = std::exchange(stack_count_, 0);
  for (std::size_t i = 0; i < before; ++i) {
    trim_frames(stacks_[i], symbols);
    same_as_[i] = keep(stacks_[i]);  // which is put where it is, or further to the front
  }
  for (std::size_t i = 0; i < count_; ++i) {
    if (entries_[i].stack != no_stack) {
      entries_[i].stack = same_as_[entries_[i].stack];
    }
  }
}

bool snapshot::alike(const entry& a, const entry& b) noexcept {
  return !before(a, b) && !before(b, a);
}

void snapshot::sort_by_id() noexcept { std::sort(entries_, entries_ + count_, by_id); }

void snapshot::group() noexcept {
  // The group's number is that of its first: first found by sorting all by what they have in
  // common, then used to sort all again.
  std::sort(entries_, entries_ + count_, [&](const entry& a, const entry& b) {
    return before(a, b) || (!before(b, a) && by_id(a, b));
  });
  for (std::size_t i = 0; i < count_; ++i) {
    const bool first = i == 0 || !alike(entries_[i - 1], entries_[i]);
    entries_[i].group = first ? entries_[i].seen.id : entries_[i - 1].group;
  }
  std::sort(entries_, entries_ + count_, [&](const entry& a, const entry& b) {
    return a.group != b.group ? a.group < b.group : by_id(a, b);
  });
}

}  // namespace weft::detail
