// shared_mutex: the real source over a stand-in of park and ready.
#include <weft/detail/cancelable.hpp>
#include <weft/shared_mutex.hpp>

#include <chrono>
#include <memory>

#include "model_test.hpp"

namespace {

using threads = std::vector<std::function<void()>>;
using weft::model::require;
using namespace std::chrono_literals;

struct model_context {
  weft::detail::done_signal signal;
  weft::error err() const { return signal.done() ? weft::canceled : weft::error{}; }
  weft::detail::done_signal* wake_source() const {
    return const_cast<weft::detail::done_signal*>(&signal);
  }
};

// Who is inside; every change of it is checked.
struct room {
  int readers = 0;
  int writers = 0;

  void read() {
    require(writers == 0, "a reader beside a writer");
    ++readers;
    weft::detail::model_step();
    require(writers == 0, "a writer came in beside a reader");
    --readers;
  }
  void write() {
    require(writers == 0 && readers == 0, "a writer that is not alone");
    ++writers;
    weft::detail::model_step();
    require(readers == 0, "a reader came in beside a writer");
    --writers;
  }
};

struct state {
  weft::model::mortal<weft::shared_mutex> lock;
  room inside;
  model_context ctx;
  int users = 0;  // guarded by lock, for writing

  void read() {
    lock->lock_shared();
    inside.read();
    lock->unlock_shared();
  }
  void write() {
    lock->lock();
    inside.write();
    lock->unlock();
  }
  /// What a lock that nobody holds or waits for must allow.
  void check_free() {
    require(lock->try_lock(), "not free at the end: try_lock fails");
    lock->unlock();
    require(lock->try_lock_shared(), "not free at the end: try_lock_shared fails");
    lock->unlock_shared();
  }
};

std::shared_ptr<state> fresh() {
  auto s = std::make_shared<state>();
  weft::model::at_end([s] { s->check_free(); });
  return s;
}

// RW-1, RW-3
TEST(SharedMutexModel, WritersExcludeAllAndNobodyIsForgotten) {
  weft::model::expect_holds([] {
    auto s = fresh();
    return threads{[s] { s->read(); }, [s] { s->write(); }, [s] { s->read(); },
                   [s] { s->write(); }};
  });
}

TEST(SharedMutexModel, TwoWritersAndAReaderTwice) {
  weft::model::expect_holds([] {
    auto s = fresh();
    const auto writer = [s] { s->write(); };
    return threads{writer, writer, [s] {
                     s->read();
                     s->read();
                   }};
  });
}

// RW-3: a writer that gives up while it waits for a reader lets in those that it kept out.
TEST(SharedMutexModel, AWriterThatIsCancelledLetsTheReadersIn) {
  weft::model::expect_holds([] {
    auto s = fresh();
    return threads{[s] {
                     s->lock->lock_shared();
                     s->inside.read();
                     s->lock->unlock_shared();
                   },
                   [s] {
                     if (!s->lock->lock(s->ctx)) {
                       s->inside.write();
                       s->lock->unlock();
                     }
                   },
                   [s] { s->read(); }, [s] { s->ctx.signal.fire(); }};
  });
}

// The reader inside leaves only when the other one has come in: the writer's end must not need it.
TEST(SharedMutexModel, TheReaderBehindAWriterThatTimesOutNeedsNoOtherToLeave) {
  weft::model::expect_holds(
      [] {
        auto s = std::make_shared<state>();
        s->lock->lock_shared();
        weft::model::at_end([s] {
          s->lock->unlock_shared();
          s->check_free();
        });
        return threads{[s] { require(!s->lock->try_lock_for(1ns), "a writer beside a reader"); },
                       [s] { s->read(); }};
      },
      {.preemptions = 4});
}

TEST(SharedMutexModel, WritersThatGiveUpHandOn) {
  weft::model::expect_holds([] {
    auto s = fresh();
    const auto timed = [s] {
      if (s->lock->try_lock_for(1ns)) {
        s->inside.write();
        s->lock->unlock();
      }
    };
    return threads{[s] { s->write(); }, timed, timed, [s] { s->read(); }};
  });
}

TEST(SharedMutexModel, AReaderThatIsCancelledIsNotCounted) {
  weft::model::expect_holds([] {
    auto s = fresh();
    return threads{[s] { s->write(); },
                   [s] {
                     if (!s->lock->lock_shared(s->ctx)) {
                       s->inside.read();
                       s->lock->unlock_shared();
                     }
                   },
                   [s] { s->write(); }, [s] { s->ctx.signal.fire(); }};
  });
}

// HZ-1: whoever leaves last destroys it, whatever the others' unlocks are still doing.
template <class Timed>
void expect_may_be_destroyed(Timed timed, bool last_reads) {
  weft::model::expect_holds(
      [=] {
        auto s = std::make_shared<state>();
        weft::model::at_end([s] { require(s->lock.intact(), "touched after the last unlock"); });
        s->users = 2;
        auto gave_up = std::make_shared<bool>(false);
        const auto leave = [s, gave_up](bool reads) {
          const bool last = --s->users == 0;
          weft::shared_mutex& m = *s->lock;
          reads ? m.unlock_shared() : m.unlock();
          if (last && *gave_up) {
            s->lock.destroy();
          }
        };
        last_reads ? s->lock->lock_shared() : s->lock->lock();
        return threads{[s, timed, gave_up] {
                         timed(*s->lock);
                         *gave_up = true;
                       },
                       [leave, last_reads] { leave(last_reads); },
                       [s, leave] {
                         s->lock->lock();
                         leave(false);
                       }};
      },
      {.preemptions = 3});
}

TEST(SharedMutexModel, MayBeDestroyedByTheLastUserWhenAWriterHasTimedOut) {
  const auto timed = [](weft::shared_mutex& m) {
    if (m.try_lock_for(1ns)) {
      m.unlock();
    }
  };
  expect_may_be_destroyed(timed, true);
  expect_may_be_destroyed(timed, false);
}

TEST(SharedMutexModel, MayBeDestroyedByTheLastUserWhenAReaderHasTimedOut) {
  const auto timed = [](weft::shared_mutex& m) {
    if (m.try_lock_shared_for(1ns)) {
      m.unlock_shared();
    }
  };
  expect_may_be_destroyed(timed, true);
  expect_may_be_destroyed(timed, false);
}

}  // namespace
