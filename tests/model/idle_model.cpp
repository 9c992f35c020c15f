// [idle]: what is pushed to the global queue is run, whoever was going to sleep. The workers and
// submitters here are models of worker::sleep() and scheduler::inject(); idle_set is the real one.
#include <memory>

#include "model_test.hpp"
#include "sched/idle.hpp"

namespace {

using weft::detail::acquire;
using weft::detail::atomic;
using weft::detail::idle_set;
using weft::detail::release;
using weft::detail::seq_cst;
using threads = std::vector<std::function<void()>>;

struct runtime {
  explicit runtime(std::uint32_t places) : idle(places) {}
  idle_set idle;
  atomic<int> queued{0};
  int ran = 0;
  int wanted = 0;

  struct worker : weft::detail::sleeper {
    atomic<int> woken{0};
  };
  worker workers[2];

  bool take() {
    int n = queued.load(seq_cst);
    while (n > 0 && !queued.compare_exchange(n, n - 1, seq_cst, seq_cst)) {
    }
    if (n > 0) {
      ++ran;
    }
    return n > 0;
  }

  void wake_one() {
    weft::detail::sleeper* s = nullptr;
    if (idle.begin_wake(s) == idle_set::wake::woken) {
      auto* w = static_cast<worker*>(s);
      w->woken.store(1, release);
      weft::model::unblock(&w->woken, 1);
    } else if (s == nullptr) {
      // needs_thread or none: in these models all threads exist, so only none is right.
    }
  }

  void submit() {
    queued.fetch_add(1, seq_cst);
    if (idle.must_wake()) {
      wake_one();
    }
  }

  // Works until `wanted` goroutines ran; then wakes the others so that the execution ends.
  void work(worker& me) {
    bool searching = true;
    while (ran < wanted) {
      if (take()) {
        if (searching) {
          idle.end_search();
          searching = false;
        }
        continue;
      }
      if (!searching && idle.try_search()) {
        searching = true;
        continue;
      }
      me.woken.store(0, release);
      idle.enter_sleep(&me, searching, false);
      if (queued.load(seq_cst) != 0 && idle.leave_sleep(&me)) {
        searching = true;
        continue;
      }
      while (me.woken.load(acquire) == 0 && ran < wanted) {
        weft::model::block(&me.woken);
      }
      searching = true;
    }
    for (worker& w : workers) {
      weft::model::unblock(&w.woken, 1);
    }
  }

  // The worker counts as awake and searching, as one that was just started.
  void count_as_started() {
    weft::detail::sleeper* none = nullptr;
    weft::model::require(idle.begin_wake(none) == idle_set::wake::needs_thread, "a free place");
  }
};

TEST(IdleModel, ASubmissionMeetsAWorkerThatGoesToSleep) {
  weft::model::expect_holds(
      [] {
        auto r = std::make_shared<runtime>(1);
        r->wanted = 1;
        r->count_as_started();
        return threads{[r] { r->work(r->workers[0]); }, [r] { r->submit(); }};
      },
      {.preemptions = 4});
}

TEST(IdleModel, TwoSubmittersAndOneWorker) {
  weft::model::expect_holds([] {
    auto r = std::make_shared<runtime>(1);
    r->wanted = 2;
    r->count_as_started();
    return threads{[r] { r->work(r->workers[0]); }, [r] { r->submit(); }, [r] { r->submit(); }};
  });
}

}  // namespace
