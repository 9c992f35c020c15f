#include <weft/time.hpp>

#include <weft/detail/check.hpp>

#include <exception>
#include <string>

namespace weft {
namespace detail {

struct chan_access {
  static recv_chan<time_point> adopt(chan_core* c) noexcept { return recv_chan<time_point>(c); }
};

namespace {

chan_timer running(std::int64_t first_ns, std::int64_t period_ns) noexcept {
  return {true, deadline_after_ns(first_ns), period_ns};
}

}  // namespace

timed_chan::timed_chan(std::int64_t first_ns, std::int64_t period_ns)
    : chan_(chan_access::adopt(chan_core::make_timed(running(first_ns, period_ns)))) {}

bool timed_chan::set(bool active, std::int64_t first_ns, std::int64_t period_ns) noexcept {
  chan_core* c = chan_.core();
  return c != nullptr && c->set_timer(active ? running(first_ns, period_ns) : chan_timer{});
}

recv_chan<time_point> after_ns(std::int64_t ns) {
  return chan_access::adopt(chan_core::make_timed(running(ns, 0)));
}

recv_chan<time_point> tick_ns(std::int64_t ns) {
  return chan_access::adopt(chan_core::make_timed(running(ns, ns)));
}

void throw_bad_period(const char* who) {
  throw bad_period(std::string("weft: ") + who + ": the period is not positive");
}

// ---- after_func ----

bool func_timer::stop() noexcept {
  biased_guard hold(lock_);
  return disarm();
}

bool func_timer::reset(std::int64_t ns) {
  biased_guard hold(lock_);
  const bool was_running = disarm();
  arm(ns);
  return was_running;
}

// With lock_ held.
bool func_timer::disarm() noexcept {
  if (std::exchange(forever_, false)) {
    return true;
  }
  const bool mine = disarm_timer(std::exchange(armed_, {}));
  if (mine) {
    drop();  // the armed timer's reference, not the last: the caller has one
  }
  return mine;
}

// With lock_ held, nothing armed.
void func_timer::arm(std::int64_t ns) {
  const std::int64_t when = deadline_after_ns(ns);
  if (when == never) {
    forever_ = true;
    return;
  }
  retain();
  try {
    armed_ = arm_timer(when, fire, this, "after_func");
  } catch (...) {
    drop();  // not the last, as above
    throw;
  }
  if (!armed_) {
    drop();  // as above
  }
}

// With the armed timer's reference, which the goroutine takes over. Not under lock_: stop() and
// reset() see by the timer itself that it was too late.
void func_timer::fire(void* self, timer_outcome outcome) noexcept {
  struct reference {
    func_timer* to;
    explicit reference(func_timer* f) noexcept : to(f) {}
    reference(reference&& o) noexcept : to(std::exchange(o.to, nullptr)) {}
    ~reference() {
      if (to != nullptr) {
        to->drop();
      }
    }
  };
  auto* f = static_cast<func_timer*>(self);
  reference mine(f);
  if (outcome == timer_outcome::dropped) {
    return;
  }
  const std::source_location site = f->site_;
  try {
    weft::go([mine = std::move(mine)] { mine.to->run(); }, site);
  } catch (const std::exception&) {
    WEFT_CHECK(false, "no memory for the goroutine of an after_func");
  }
}

}  // namespace detail
}  // namespace weft
