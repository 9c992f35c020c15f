#pragma once
// Writes down what several parties do to one object.
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

#include "linear/check.hpp"

namespace weft::linear {

// Who reads the clock sees what was done before it was read last: `Clock` is an atomic, or what
// stands for one.
template <class Clock>
class basic_recorder {
 public:
  /// Does f(), which returns the operation's result, and writes it down. An operation that never
  /// returns is in the history as one that blocks.
  template <class F>
  void record(int party, int kind, std::int64_t argument, F f) {
    entry& e = enter(party, kind, argument);
    e.op.result = f();
    e.returned.store(clock_.fetch_add(1));
  }

  /// Changes with each call and return.
  std::uint64_t now() const { return clock_.load(); }

  /// What has happened so far.
  history taken() {
    std::lock_guard hold(lock_);
    history h;
    for (const entry& e : entries_) {
      operation o = e.op;
      o.returned = e.returned.load();
      if (o.pending()) {
        o.result = 0;
      }
      h.push_back(o);
    }
    return h;
  }

 private:
  struct entry {
    operation op;
    std::atomic<std::uint64_t> returned{not_returned};
  };

  entry& enter(int party, int kind, std::int64_t argument) {
    std::lock_guard hold(lock_);
    entry& e = entries_.emplace_back();
    e.op = {party, kind, argument, 0, clock_.fetch_add(1), not_returned};
    return e;
  }

  Clock clock_{1};
  std::mutex lock_;  // guards entries_; held for no longer than it takes to add one
  std::deque<entry> entries_;
};

using recorder = basic_recorder<std::atomic<std::uint64_t>>;

}  // namespace weft::linear
