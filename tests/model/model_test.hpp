#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>

#include "explore.hpp"

namespace weft::model {

/// For the table of proof, which is made of --gtest_output=json.
inline void record(const outcome& o, const options& how) {
  ::testing::Test::RecordProperty("executions", std::to_string(o.executions));
  ::testing::Test::RecordProperty("preemptions", how.preemptions);
  ::testing::Test::RecordProperty("exhausted", o.exhausted ? "yes" : "no");
}
/// `name`: of the mutation that the model has found.
inline void record_killed(const char* name, const outcome& wrong) {
  if (!wrong.failure.empty()) {
    ::testing::Test::RecordProperty("killed", name);
  }
  ::testing::Test::RecordProperty("executions_until_killed", std::to_string(wrong.executions));
  ::testing::Test::RecordProperty("killed_by", wrong.failure);
}

/// What the environment asks for beyond the bounds of a test; 0 if nothing.
///   WEFT_MODEL_MORE_PREEMPTIONS  so many more than the test has
///   WEFT_MODEL_STALE             so many stale loads at least
///   WEFT_MODEL_MOST              a search stops after so many executions; that is no failure
///                                then, and it draws as many at random
inline std::size_t asked_for(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 0;
}

/// Expects that the scenario fails with this mutation in the sources.
inline outcome expect_failure_with(const char* mutation, const scenario& make, const options& how) {
  const mutated here(mutation);
  const outcome wrong = explore(make, how);
  EXPECT_NE(wrong.failure, "") << mutation << ": nobody misses it; met " << here.met()
                               << " times in " << wrong.executions << " executions";
  if (!wrong.failure.empty()) {
    EXPECT_EQ(replay(make, wrong.schedule).failure, wrong.failure);
  }
  std::printf("%s: %zu executions, then \"%s\"\n", mutation, wrong.executions,
              wrong.failure.c_str());
  return wrong;
}
inline void expect_killed(const char* name, const scenario& make, const options& how) {
  record_killed(name, expect_failure_with(name, make, how));
}

/// Explores and expects no failure, but one with each of these mutations in the sources
/// (mutate.py): the model would notice. WEFT_MODEL_SCHEDULE: runs that schedule instead, which a
/// failure has printed, and says which thread came to which line.
inline void expect_holds(const scenario& make, options how = {},
                         std::initializer_list<const char*> but_not_with = {}) {
  if (const char* schedule = std::getenv("WEFT_MODEL_SCHEDULE")) {
    EXPECT_EQ(replay(make, schedule, trace::lines).failure, "");
    return;
  }
  const options own = how;
  how.preemptions += static_cast<int>(asked_for("WEFT_MODEL_MORE_PREEMPTIONS"));
  how.stale = std::max(how.stale, static_cast<int>(asked_for("WEFT_MODEL_STALE")));
  const std::size_t most = asked_for("WEFT_MODEL_MOST");
  if (most != 0) {
    how.most_executions = how.samples = most;
  }
  const outcome o = explore(make, how);
  EXPECT_EQ(o.failure, "") << "again, with each step: WEFT_MODEL_SCHEDULE=" << o.schedule;
  EXPECT_TRUE(o.exhausted || !o.failure.empty() || most != 0)
      << "stopped after " << o.executions << " executions";
  std::printf("%zu executions, %d preemptions, %d stale loads: %s\n", o.executions, how.preemptions,
              how.stale, o.exhausted ? "all" : "not all");
  record(o, how);
  std::string noticed;
  for (const char* mutation : but_not_with) {
    if (!expect_failure_with(mutation, make, own).failure.empty()) {
      noticed += (noticed.empty() ? "" : ",") + std::string(mutation);
    }
  }
  if (!noticed.empty()) {
    ::testing::Test::RecordProperty("noticed", noticed);
  }
}

/// Explores and expects that a failure is found, and found again by its schedule.
inline void expect_fails(const scenario& make, const options& how = {}) {
  const outcome o = explore(make, how);
  ASSERT_NE(o.failure, "") << o.executions << " executions";
  EXPECT_EQ(replay(make, o.schedule).failure, o.failure);
}

/// A T that may die before its room does: a write to it after its end is found by intact().
template <class T>
class mortal {
 public:
  mortal() : alive_(::new (static_cast<void*>(room_)) T) {}
  ~mortal() {
    if (alive_ != nullptr) {
      alive_->~T();
    }
  }
  mortal(const mortal&) = delete;
  mortal& operator=(const mortal&) = delete;

  T* operator->() const noexcept { return alive_; }
  T& operator*() const noexcept { return *alive_; }
  void destroy() noexcept {
    alive_->~T();
    alive_ = nullptr;
    std::fill(std::begin(room_), std::end(room_), dead);
  }
  bool intact() const noexcept {
    return alive_ != nullptr ||
           std::all_of(std::begin(room_), std::end(room_), [](std::byte b) { return b == dead; });
  }

 private:
  static constexpr std::byte dead{0xdd};
  alignas(T) std::byte room_[sizeof(T)];
  T* alive_;
};

}  // namespace weft::model
