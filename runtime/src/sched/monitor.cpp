#include "sched/monitor.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "debug/crash.hpp"
#include "debug/dump.hpp"
#include "debug/quit.hpp"
#include "detail/sys.hpp"
#include "sched/block_thread.hpp"
#include "sched/scheduler.hpp"
#include "stack/race.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::int64_t shortest_ns = 20'000;
constexpr std::int64_t timers_ns = 100'000;      // between looks at timers while no worker sleeps
constexpr std::int64_t watchful_ns = 1'000'000;  // a place is free: waiting work should find it
constexpr std::int64_t longest_ns = 10'000'000;
// Looks at which nothing has to be done, then the pauses get longer. Each takes some 25 us of the
// processor's from a worker if the kernel has put the monitor beside it.
constexpr int quiet_rounds = 12;
constexpr std::int64_t held_up_ns = 200'000;  // a goroutine that shares no lock so fast
constexpr std::int64_t hog_ns = 10'000'000;   // Go's time slice
constexpr std::int64_t blocked_ns = 50'000;   // announced by blocking(f)
constexpr int asleep_rounds = 3;              // then look for a deadlock, then sleep on
constexpr int more_rounds = 12;               // then look again, if a thread was there that may end
constexpr std::int64_t trim_ns = 10'000'000'000;
constexpr std::int64_t lack_ns = 2'000'000'000;  // without a thread that could run anything
constexpr int lack_rounds = 200;                 // so many attempts in vain at the least

constexpr std::uint32_t on_watch = 0;
constexpr std::uint32_t deep_sleep = 1;
constexpr std::uint32_t stopped = 2;
constexpr std::uint32_t hurried = 3;  // on watch, and a time was added before until_

}  // namespace

void monitor::start() {
  const int error = sys.thread_create(&thread_, thread_main, this);
  note_time(clock.now());
  if (error != 0) {
    throw std::system_error(error, std::generic_category(),
                            "weft: run: cannot start the monitor thread");
  }
  started_ = true;
}

void monitor::stop() noexcept {
  if (!started_) {
    return;
  }
  word_.store(stopped, release);  // [monitor.3] release: pairs with the loads in watch()
  sys.futex_wake(word_.address(), 1);
  ::pthread_join(thread_, nullptr);
  started_ = false;
}

void monitor::nudge() noexcept {
  std::uint32_t expected = deep_sleep;
  // [monitor.2] acq_rel: pairs with [monitor.1]: the waker's place is counted before this.
  if (word_.compare_exchange(expected, on_watch, acq_rel, acquire)) {
    note_time(clock.now());
    sys.futex_wake(word_.address(), 1);
  }
}

void monitor::rouse() noexcept {
  nudge();
  std::uint32_t watching = on_watch;
  // [timer.6] acq_rel: as in expect(). hurried already: it is about to look.
  word_.compare_exchange(watching, hurried, acq_rel, relaxed);
  sys.futex_wake(word_.address(), 1);
}

void* monitor::thread_main(void* self) {
  race::begin_worker();
  sys.timer_slack(1000);
  sys.name_thread("weft-monitor");
  static_cast<monitor*>(self)->watch();
  race::end_worker();
  return nullptr;
}

void monitor::watch() {
  std::int64_t pause = shortest_ns;
  int quiet = 0;
  int asleep = 0;
  int rounds = asleep_rounds;
  std::uint64_t picked_before = 0;
  std::int64_t last = clock.now();
  last_trim_ = last;
  std::int64_t looked = last;
  while (word_.load(acquire) != stopped) {  // [monitor.3] acquire: pairs with stop()
    const std::int64_t limit = asleep == 0 ? next_timer() : never;
    const std::int64_t wait =
        limit - looked < pause ? std::min(std::max(limit - looked, timers_ns), pause) : pause;
    until_.store(looked + wait, seq_cst);  // [timer.6] seq_cst: before the second look
    if (asleep != 0 || next_timer() >= limit) {
      sys.futex_wait(word_.address(), on_watch, wait);
    }
    std::uint32_t hurry = hurried;
    word_.compare_exchange(hurry, on_watch, acq_rel, relaxed);  // [timer.6] acq_rel: heard
    const std::int64_t now = looked = clock.now();
    note_time(now);
    if (quit_requested()) [[unlikely]] {
      answer_quit(&sched_);
    }
    if (all_asleep()) {
      pause = longest_ns;
      // Who has run since the last look may have left a deadlock behind [monitor.1].
      const std::uint64_t picked = picks();
      if (picked != picked_before) {
        picked_before = picked;
        asleep = 0;
      }
      if (++asleep == asleep_rounds) {
        rounds = report_deadlock() ? more_rounds : asleep_rounds;
      } else if (asleep == more_rounds) {
        report_deadlock();
      }
      if (asleep > rounds) {
        std::uint32_t expected = on_watch;
        // [monitor.1] acq_rel RMW, then look again: a worker woken before it is seen below, one
        // woken after it sees the word [monitor.2].
        if (word_.compare_exchange(expected, deep_sleep, acq_rel, acquire)) {
          if (all_asleep() && picks() == picked) {
            sleep_deeply();
          } else {
            nudge();
          }
        }
        asleep = 0;
        pause = shortest_ns;
        last = looked = clock.now();
      }
      continue;
    }
    asleep = 0;
    if (look(now, now - last)) {
      pause = shortest_ns;
      quiet = 0;
    } else if (++quiet > quiet_rounds) {
      // Soon again, too, if thieves come in vain: the place of one that searches is no free one.
      const bool watchful = sched_.idle.has_room() || thieves_.slow();
      const std::int64_t most = watchful ? watchful_ns : longest_ns;
      pause = pause * 2 < most ? pause * 2 : most;
    }
    stalls_.look(now);
    last = now;
    trim_stacks(now);
  }
  stalls_.finish();
}

// Until a worker is woken; now and then the stacks that nobody needs are given back.
void monitor::sleep_deeply() {
  bool more = true;
  while (word_.load(acquire) == deep_sleep) {  // acquire: pairs with [monitor.2]
    sys.futex_wait(word_.address(), deep_sleep, more ? trim_ns : -1);
    more = more && trim_stacks(clock.now());
  }
}

// False: there is nothing to be given back, now or later.
bool monitor::trim_stacks(std::int64_t now) {
  if (now - last_trim_ < trim_ns) {
    return true;
  }
  last_trim_ = now;
  return sched_.memory.stacks().trim();
}

bool monitor::is_stuck(const worker& w, const seen& before, std::int64_t now) const noexcept {
  if (w.running() == nullptr) {
    return false;
  }
  if (w.blocking()) {
    return now - before.since >= blocked_ns;
  }
  // A worker that the kernel keeps from running looks stuck, too: the schedule of a seed would
  // depend on the machine's load.
  return !sched_.reproducible() && now - before.since >= hog_ns;
}

// One round over all workers. True: something happened.
bool monitor::look(std::int64_t now, std::int64_t elapsed) {
  const std::uint32_t n = sched_.worker_count();
  const std::size_t known = seen_.size();
  seen_.resize(n);
  const bool due = next_timer() <= now;
  const bool urgent = due || timers_unkept() || !sched_.global.empty();
  bool waiting = urgent;
  const std::int64_t lacking = std::exchange(lacking_since_, never);
  bool acted = false;
  bool held_up = false;
  std::uint64_t contended = 0;
  std::uint64_t stolen = 0;
  std::uint64_t all_contended = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const work_sample s = sched_.worker_at(i).sample();
    seen& before = seen_[i];
    if (i < known && old_work(before.sample, s, elapsed)) {
      waiting = true;
    }
    if (i >= known || before.sample.picks != s.picks) {
      before.since = now;
    }
    if (s.any() && sched_.worker_at(i).stuck()) {
      const std::size_t n_rescued = sched_.worker_at(i).rescue_queues();
      rescued_.bump(n_rescued);
      acted |= n_rescued != 0;
    }
    contended += s.contended - before.sample.contended;
    stolen += s.stolen;
    all_contended += s.contended;
    thieves_.saw_arrival(s.arrived);
    held_up |= sched_.worker_at(i).running() != nullptr && now - before.since >= held_up_ns;
    before.sample = s;
  }
  for (const seen& w : seen_) {
    thieves_.saw_sleep(w.sample.slept, all_contended);
  }
  const std::uint32_t places = width_.observe(now, elapsed, contended, sched_.idle.awake_count(),
                                              sched_.max_procs(), waiting && held_up);
  if (places != sched_.idle.places()) {
    sched_.set_width(places);
    acted = true;
  }
  sched_.offer_solo();
  if (!waiting) {
    return acted;
  }
  if (sched_.idle.has_room()) {
    if (!urgent && !thieves_.may_wake(now)) {
      return acted;
    }
    sched_.idle.undamp();
    if (sched_.wake_one()) {
      if (!urgent) {
        thieves_.woke(now, stolen, all_contended);
      }
      return urgent || !thieves_.slow();  // if that was in vain, too, there is no hurry
    }
    if (!runs_anything()) {
      lack_of_threads(now, lacking);
    }
    return false;
  }
  if (due) {
    tell_of_timers();
  }
  // No free place: take that of a worker that is stuck, one per round.
  for (std::uint32_t i = 0; i < n; ++i) {
    worker& w = sched_.worker_at(i);
    if (is_stuck(w, seen_[i], now) && sched_.idle.take_place_away(&w)) {
      places_taken_.bump();
      w.attend(worker::attend_stuck);
      sched_.wake_one();
      return true;
    }
  }
  return acted;
}

bool monitor::runs_anything() const noexcept {
  for (std::uint32_t i = 0; i < sched_.worker_count(); ++i) {
    if (sched_.worker_at(i).running() != nullptr) {
      return true;
    }
  }
  return sched_.idle.awake_count() != 0;
}

// Work waits, and no thread can be had to run it: each that there is belongs to a goroutine that
// waits itself [pinned]. That may pass; if it does not, a hang would be worse than an end.
void monitor::lack_of_threads(std::int64_t now, std::int64_t since) noexcept {
  if (since == never) {
    since = now;
    lacking_rounds_ = 0;
  }
  lacking_since_ = since;
  if (++lacking_rounds_ >= lack_rounds && now - since >= lack_ns) {
    fatal_goroutine(nullptr,
                    "goroutines wait to run, the system refuses threads (see ulimit -u, ulimit -v "
                    "and the cgroup's pids.max), and those that there are belong to goroutines "
                    "that called lock_os_thread()");
  }
}

// The worker that went last waits for the turn of its own goroutine, and cannot be the keeper
// [pinned].
bool monitor::timers_unkept() const noexcept {
  return !sched_.timers.kept() && sched_.idle.awake_count() == 0 &&
         sched_.timers.earliest() != never;
}

// When the monitor must see to a timer: never while a sleeping worker is the keeper.
std::int64_t monitor::next_timer() const noexcept {
  if (sched_.timers.kept()) {
    return never;
  }
  const std::int64_t first = sched_.timers.earliest();
  const std::int64_t slack = sched_.timers.slack();
  return first < never - slack ? first + slack : never;
}

// All places are taken: one of the workers that come to their scheduling points sees to what is
// due.
void monitor::tell_of_timers() noexcept {
  const std::uint32_t n = sched_.worker_count();
  for (std::uint32_t i = 0; i < n; ++i) {
    worker& w = sched_.worker_at(i);
    if (w.running() != nullptr && !w.blocking()) {
      w.attend(worker::attend_timers);
    }
  }
}

void monitor::expect(std::int64_t when) noexcept {
  constexpr std::int64_t near_enough = 50'000;
  // [timer.6] seq_cst: after earliest_ was stored: either the monitor's second look sees the new
  // time, or its until_ is seen here.
  if (when + near_enough >= until_.load(seq_cst)) {
    return;
  }
  std::uint32_t watching = on_watch;
  // [timer.6] acq_rel: the word changes, so that a monitor that is about to sleep does not.
  if (word_.compare_exchange(watching, hurried, acq_rel, relaxed)) {
    sys.futex_wake(word_.address(), 1);
  }
}

// Not: no worker has a place, nothing is queued. A worker that has lost its place may be about to
// queue what it ran, and hold it in its hands just now.
bool monitor::all_asleep() noexcept {
  if (sched_.idle.awake_count() != 0 || sched_.stopping()) {
    return false;
  }
  const std::uint32_t n = sched_.worker_count();
  std::uint32_t resting = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    resting += sched_.worker_at(i).awaits_turn();
  }
  resting += sched_.idle.resting();
  return n != 0 && resting == n && sched_.global.empty() && !timers_unkept();
}

// Grows whenever a worker looks for a goroutine.
std::uint64_t monitor::picks() noexcept {
  std::uint64_t n = 0;
  for (std::uint32_t i = 0; i < sched_.worker_count(); ++i) {
    n += sched_.worker_at(i).sample().picks;
  }
  return n;
}

// Certain or silent (DL-1): no worker runs, nothing is queued, and no thread exists that could
// make a goroutine ready: only the workers, this one, and threads that wait for weft themselves, as
// the caller of run() does [outside]. One look is not
// enough: a timer may come, its goroutine run, and its worker sleep again between two parts of it.
// No goroutine runs and no timer is taken out without a pick before it.
// True: only a thread that may still do something speaks against it.
bool monitor::report_deadlock() {
  const std::uint64_t before = picks();
  // [outside.3] acquire: pairs with [outside.1]; compared again below.
  const std::uint64_t blocked = blocked_threads.load(acquire);
  if (sched_.options().on_deadlock == deadlock_action::ignore || !all_asleep() ||
      sched_.timers.earliest() != never) {
    return false;
  }
  if (sys.count_threads() != sched_.thread_count() + 1 + static_cast<std::uint32_t>(blocked)) {
    return true;
  }
  // Main may have ended during the checks above: run()'s caller is only slow to wake up then.
  // [outside.3], [stop.3] acquire: main_ended() precedes the last worker's sleep.
  if (!all_asleep() || picks() != before || blocked_threads.load(acquire) != blocked ||
      sched_.main_done_.load(acquire) != 0) {
    return false;
  }
  deadlock_exit(&sched_, sched_.live_goroutines());
}

}  // namespace weft::detail
