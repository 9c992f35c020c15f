#include "debug/visit.hpp"

#include <weft/detail/peek.hpp>

#include <algorithm>
#include <cstring>

#include "debug/mapped.hpp"
#include "detail/sys.hpp"
#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t at_once = 64;  // held up together: some 300 us

// Locks `visiting`, if that can be had.
class visit_lock {
 public:
  explicit visit_lock(visit_patience p) noexcept {
    constexpr int naps = 500;  // of a millisecond
    for (int n = 0; !(locked_ = visiting.try_lock()); ++n) {
      if (p == visit_patience::short_ && n == naps) {
        return;
      }
      sys.nap(1'000'000);
    }
  }
  ~visit_lock() {
    if (locked_) {
      visiting.unlock();
    }
  }
  visit_lock(const visit_lock&) = delete;
  visit_lock& operator=(const visit_lock&) = delete;
  bool locked() const noexcept { return locked_; }

 private:
  bool locked_ = false;
};

// Not told to ThreadSanitizer, as peek(): a bit has no address.
__attribute__((noinline, no_sanitize("thread"))) bool is_main(const goroutine& g) noexcept {
  return g.main;
}

// Where a goroutine is parked, or was last; null: it has not started. With `visiting` locked.
fiber* stack_of(const goroutine& g) noexcept {
  fiber* f = peek(g.stack);
  const goroutine_extra* extra = peek(g.extra);
  return f == nullptr && extra != nullptr ? peek(extra->pinned_stack) : f;
}

// What is constant while a goroutine lives, and what state came with. After state.
void copy_record(const goroutine& g, goroutine_sight& s) noexcept {
  s.parent = peek(g.parent);
  s.site = peek(g.site);
  s.reason = g.reason.load(relaxed);  // relaxed: after state
  s.since = g.since().load(relaxed);  // relaxed: as above
  s.main = is_main(g);
}

// With `visiting` locked.
void copy_name(const goroutine& g, goroutine_sight& s) noexcept {
  if (const goroutine_extra* extra = peek(g.extra)) {  // stays while `visiting` is held
    s.name_size = static_cast<std::uint8_t>(std::min(extra->name.size(), s.name_room));
    std::memcpy(s.name, extra->name.data(), s.name_size);
    s.locked = peek(extra->thread_locks) != 0;
  }
}

struct visited {
  const goroutine* g;
  fiber* stack;  // closed by this visit; null: it was not
};

class visit {
 public:
  visit(scheduler* s, visit_patience patience, sight_function see, void* arg) noexcept
      : sched_(s),
        patience_(patience),
        see_(see),
        arg_(arg),
        may_close_(s != nullptr && can_trace_parked() && sys.prepare_barrier()) {}

  void add(const goroutine& g) noexcept {
    // relaxed: a first look
    if (g.state.load(relaxed) != goroutine_state::idle &&
        g.kind.load(relaxed) == goroutine_kind::ordinary) {  // relaxed: as above
      batch_[count_++] = {&g, nullptr};
      if (count_ == at_once) {
        flush();
      }
    }
  }

  void flush() noexcept {
    if (count_ == 0) {
      return;
    }
    const visit_lock hold(patience_);
    if (hold.locked() && may_close_) {
      close_all();
    }
    for (std::size_t i = 0; i < count_; ++i) {
      look_at(batch_[i], hold.locked());
    }
    for (std::size_t i = 0; i < count_; ++i) {
      open(batch_[i]);
    }
    count_ = 0;
  }

 private:
  // [visit.2] [visit.3]
  void close_all() noexcept {
    bool any = false;
    for (std::size_t i = 0; i < count_; ++i) {
      visited& v = batch_[i];
      const goroutine_state s = v.g->state.load(acquire);  // [visit.1] acquire: the record is whole
      if (s != goroutine_state::parked && s != goroutine_state::runnable) {
        continue;
      }
      fiber* f = stack_of(*v.g);  // not unmapped while `visiting` is held [visit.7]
      fiber_main started = nullptr;
      // [visit.2] seq_cst: before the barrier.
      if (f != nullptr && f->main.compare_exchange(started, being_visited, seq_cst, relaxed)) {
        v.stack = f;
        any = true;
      }
    }
    if (any) {
      sys.barrier_everywhere();  // [visit.3]
    }
  }

  void open(visited& v) noexcept {
    if (v.stack != nullptr) {
      fiber_main closed = being_visited;
      // [visit.6] release: what was read was read before. A fiber that is not this goroutine's any
      // more, and was made anew meanwhile, keeps what it is to run.
      v.stack->main.compare_exchange(closed, nullptr, release, relaxed);
      v.stack = nullptr;
    }
  }

  // [visit.4] The worker that runs g, or is about to.
  worker* runner_of(const goroutine* g) noexcept {
    if (sched_ == nullptr) {
      return nullptr;
    }
    for (std::uint32_t i = 0; i < sched_->worker_count(); ++i) {
      worker& w = sched_->worker_at(i);
      if (w.visited_current() == g) {
        return &w;
      }
    }
    return nullptr;
  }

  // With the stack closed and nobody on it. Null: its registers are not saved yet.
  const void* saved_context(const fiber& f) noexcept {
    for (int tries = 0; tries < 1000; ++tries) {
      if (void* sp = f.sp.load(acquire)) {  // [visit.5] acquire: the stack may be read
        return sp;
      }
      cpu_relax();
    }
    return nullptr;
  }

  void look_at(visited& v, bool locked) noexcept {
    const goroutine& g = *v.g;
    goroutine_sight& s = sight_;
    s = goroutine_sight{};
    trace_.count = trace_.elided = 0;
    s.record = &g;
    s.id = peek(g.id);
    worker* runner = runner_of(&g);
    if (runner != nullptr) {
      open(v);
    }
    const void* context = v.stack != nullptr ? saved_context(*v.stack) : nullptr;
    s.state = g.state.load(acquire);  // [visit.1] acquire: the record is whole
    if (s.state == goroutine_state::idle) {
      return;
    }
    copy_record(g, s);
    if (runner != nullptr) {
      s.state = goroutine_state::running;
      s.thread = runner->tid();
      s.blocking = runner->blocking();
    }
    if (locked) {
      copy_name(g, s);
    }
    s.has_stack = s.state == goroutine_state::running || peek(g.stack) != nullptr ||
                  (locked && stack_of(g) != nullptr);
    if (context != nullptr && stack_of(g) == v.stack) {
      if (s.state == goroutine_state::parked) {
        describe_wait(s.reason, peek(g.object), s.waits_for);
      }
      trace_parked(context, trace_);
    }
    if (peek(g.id) != s.id) {
      return;  // the record has changed hands: the one that was to be seen has ended
    }
    see_(arg_, s, trace_);
  }

  scheduler* const sched_;
  const visit_patience patience_;
  const sight_function see_;
  void* const arg_;
  const bool may_close_;
  std::size_t count_ = 0;
  visited batch_[at_once];
  goroutine_sight sight_;
  frame_list trace_;
};

}  // namespace

bool visit_goroutines(scheduler* s, visit_patience patience, sight_function see,
                      void* arg) noexcept {
  const mapped<visit> v(s, patience, see, arg);
  if (!v) {
    return false;
  }
  arena::for_each_record([&](const goroutine& g) { v->add(g); });
  v->flush();
  return true;
}

bool see_record(const goroutine& g, goroutine_sight& out) noexcept {
  const visit_lock hold(visit_patience::endless);
  out = goroutine_sight{};
  out.record = &g;
  out.id = peek(g.id);
  out.state = g.state.load(acquire);  // [visit.1] acquire: the record is whole
  copy_record(g, out);
  copy_name(g, out);
  out.has_stack = stack_of(g) != nullptr;
  return out.state != goroutine_state::idle && peek(g.id) == out.id;
}

bool see_waiting(const goroutine& g, goroutine_sight& out, frame_list& trace) noexcept {
  if (!see_record(g, out)) {
    return false;
  }
  describe_wait(out.reason, peek(g.object), out.waits_for);
  const fiber* f = stack_of(g);
  // [visit.5] acquire: the stack may be read; [limit.2] it was left before the timer was armed.
  const void* sp = f != nullptr ? f->sp.load(acquire) : nullptr;
  if (sp != nullptr) {
    trace_parked(sp, trace);
  }
  return true;
}

}  // namespace weft::detail
