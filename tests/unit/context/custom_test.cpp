#include <weft/context.hpp>
#include <weft/mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/done.hpp"
#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;
using weft::context;
using weft::testing::is_done;

class Custom : public weft::testing::Procs {};
WEFT_PROCS(Custom);

// A context of the user's own, independent of weft's.
class manual : public weft::custom_context {
 public:
  weft::recv_chan<weft::unit> done() const override { return done_; }
  weft::error err() const override {
    std::lock_guard hold(lock_);
    return err_;
  }
  const void* value(weft::value_key key) const override {
    return key.is<int>() ? &number_ : nullptr;
  }
  std::string name() const override { return "manual"; }

  void finish(const weft::error& why) const {
    {
      std::lock_guard hold(lock_);
      err_ = why;
    }
    done_.close();
  }

 private:
  const weft::chan<weft::unit> done_ = weft::make_chan<weft::unit>();
  mutable weft::mutex lock_;
  mutable weft::error err_;
  int number_ = 42;
};

// A library context with something added.
class wrapper : public weft::custom_context {
 public:
  explicit wrapper(weft::context inner) : inner_(std::move(inner)) {}
  weft::recv_chan<weft::unit> done() const override { return inner_.done(); }
  weft::error err() const override { return inner_.err(); }
  std::optional<weft::context::time_point> deadline() const override { return inner_.deadline(); }
  const void* value(weft::value_key key) const override {
    return key.is<double>() ? &ratio_ : inner_.value(key);
  }

 private:
  weft::context inner_;
  double ratio_ = 0.5;
};

// The same, but with a done channel of its own.
class other_done final : public wrapper {
 public:
  using wrapper::wrapper;
  weft::recv_chan<weft::unit> done() const override { return done_; }
  void close() const { done_.close(); }

 private:
  const weft::chan<weft::unit> done_ = weft::make_chan<weft::unit>();
};

// One that offers registration.
class offering final : public manual {
 public:
  std::function<bool()> after_func(std::function<void()> f) const override {
    std::lock_guard hold(lock_);
    ++registered_;
    f_ = std::move(f);
    return [this] {
      std::lock_guard again(lock_);
      ++stopped_;
      return std::exchange(f_, nullptr) != nullptr;
    };
  }
  void finish(const weft::error& why) const {
    manual::finish(why);
    std::function<void()> f;
    {
      std::lock_guard hold(lock_);
      f = std::exchange(f_, nullptr);
    }
    if (f) {
      f();
    }
  }
  mutable int registered_ = 0, stopped_ = 0;

 private:
  mutable weft::mutex lock_;
  mutable std::function<void()> f_;
};

// A context that breaks its promise ends waits all the same, and none of them looks successful.
TEST_P(Custom, ADoneOneWithoutAnErrorIsCanceled) {
  run([] {
    for (const bool before : {true, false}) {
      const auto user = std::make_shared<manual>();
      const context ctx(user);
      weft::mutex m;
      m.lock();
      if (before) {
        user->finish(nullptr);
      } else {
        weft::go([user] {
          weft::testing::wait_until_parked(1, "sync.Mutex.Lock");
          user->finish(nullptr);
        });
      }
      EXPECT_EQ(m.lock(ctx), weft::canceled);
      EXPECT_EQ(weft::with_cancel(ctx).ctx.err(), weft::canceled);
      EXPECT_EQ(ctx.err(), weft::canceled);
      m.unlock();
    }
  });
}

// CX-15
TEST_P(Custom, ItsChildrenFollowItWithItsError) {
  run([] {
    const auto own = std::make_shared<manual>();
    const weft::context c(own);
    EXPECT_FALSE(c.err());
    EXPECT_EQ(*c.value<int>(), 42);
    EXPECT_EQ(c.done(), own->done());
    std::vector<weft::cancelable_context> children;
    for (int i = 0; i < 10; ++i) {
      children.push_back(weft::with_cancel(i % 2 == 0 ? c : children.back().ctx));
    }
    EXPECT_EQ(*children[1].ctx.value<int>(), 42);
    EXPECT_EQ(weft::num_goroutines(), 2u);  // one for all of them
    const weft::error why("own reason");
    own->finish(why);
    for (auto& child : children) {
      child.ctx.done().recv();
      EXPECT_EQ(child.ctx.err(), why);
      EXPECT_EQ(weft::cause(child.ctx), why);
    }
    EXPECT_EQ(c.err(), why);
    EXPECT_EQ(weft::cause(c), why);
  });
}

// CX-16, without waiting for the watcher.
TEST_P(Custom, AChildMadeAfterItIsDoneIsBornDone) {
  run([] {
    const auto own = std::make_shared<manual>();
    const weft::context c(own);
    auto [first, cancel_first] = weft::with_cancel(c);
    own->finish(weft::canceled);
    auto [second, cancel_second] = weft::with_cancel(c);
    EXPECT_TRUE(is_done(second));
    EXPECT_TRUE(is_done(first));
  });
}

TEST(CustomContext, NeedsNoRuntimeOnceItIsDone) {
  const auto own = std::make_shared<manual>();
  EXPECT_THROW((void)weft::with_cancel(weft::context(own)), weft::no_runtime);
  own->finish(weft::canceled);
  auto [child, cancel] = weft::with_cancel(weft::context(own));
  EXPECT_TRUE(is_done(child));
}

// CX-15: no goroutine when the done channel is one of weft's.
TEST_P(Custom, ThatPassesOnALibraryContextIsPartOfTheTree) {
  run([] {
    auto [inner, cancel] = weft::with_cancel_cause(weft::with_value(weft::background(), 'x'));
    const weft::context c(std::make_shared<wrapper>(weft::with_value(inner, 1)));
    auto [child, cancel_child] = weft::with_cancel(c);
    EXPECT_EQ(weft::num_goroutines(), 1u);
    EXPECT_EQ(*child.value<double>(), 0.5);
    EXPECT_EQ(*child.value<char>(), 'x');
    const weft::error why("why");
    cancel(why);
    EXPECT_TRUE(is_done(child));  // synchronously (CX-2)
    EXPECT_EQ(weft::cause(child), why);
    EXPECT_EQ(weft::cause(c), why);
    const weft::context again(std::make_shared<wrapper>(c));  // a wrapper of a wrapper
    auto [below, cancel_below] = weft::with_cancel(again);
    EXPECT_TRUE(is_done(below));
    EXPECT_EQ(weft::num_goroutines(), 1u);
  });
}

TEST_P(Custom, WithADoneChannelOfItsOwnIsWatched) {
  run([] {
    auto [inner, cancel] = weft::with_cancel_cause(weft::background());
    const auto own = std::make_shared<other_done>(inner);
    const weft::context c(own);
    auto [child, cancel_child] = weft::with_cancel(c);
    EXPECT_EQ(weft::num_goroutines(), 2u);
    const weft::error why("why");
    cancel(why);
    EXPECT_FALSE(child.err());  // its parent says it is not done
    own->close();
    child.done().recv();
    EXPECT_EQ(child.err(), weft::canceled);
    EXPECT_EQ(weft::cause(child), why);
  });
}

// CX-15
TEST_P(Custom, ThatOffersAfterFuncNeedsNoGoroutine) {
  run([] {
    const auto own = std::make_shared<offering>();
    {
      const weft::context c(own);
      auto [child, cancel_child] = weft::with_cancel(c);
      auto [other, cancel_other] = weft::with_cancel(c);
      EXPECT_EQ(weft::num_goroutines(), 1u);
      own->finish(weft::canceled);
      EXPECT_TRUE(is_done(child));
      EXPECT_TRUE(is_done(other));
      EXPECT_EQ(own->registered_, 1);
    }
    const auto unfinished = std::make_shared<offering>();
    { auto [child, cancel_child] = weft::with_cancel(weft::context(unfinished)); }
    EXPECT_EQ(unfinished->stopped_, 1);
  });
}

// Every wait takes it.
TEST_P(Custom, EndsWaits) {
  run([] {
    const auto own = std::make_shared<manual>();
    weft::go([own] {
      weft::testing::wait_until_parked(1, "sleep");
      own->finish(weft::canceled);
    });
    EXPECT_EQ(weft::sleep(weft::context(own), 1h), weft::canceled);
  });
}

// The watcher ends with the last handle, though the user's context is never done.
TEST_P(Custom, LeavesNoGoroutineBehind) {
  run([] {
    const auto own = std::make_shared<manual>();
    {
      auto [child, cancel] = weft::with_cancel(weft::with_value(weft::context(own), 1L));
      EXPECT_EQ(weft::num_goroutines(), 2u);
    }
    weft::testing::wait_until_goroutines(1);
  });
}

// [published] Whoever is first makes what all others find; what they have made beside it goes.
TEST_P(Custom, SeveralWhoUseItFirstAtOnceShareOneWatcher) {
  run([] {
    for (int round = 0; round < 50; ++round) {
      const auto own = std::make_shared<manual>();
      const weft::context c(own);
      constexpr int users = 4;
      weft::wait_group ready, made, ended;
      ready.add(1);
      made.add(users);
      ended.add(users);
      for (int i = 0; i < users; ++i) {
        weft::go([&] {
          ready.wait();
          auto [child, cancel] = weft::with_cancel(c);
          made.done();
          child.done().recv();
          EXPECT_TRUE(child.err());
          ended.done();
        });
      }
      ready.done();
      made.wait();
      weft::testing::wait_until_goroutines(1 + users + 1);
      own->finish(weft::error("own reason"));
      ended.wait();
      weft::testing::wait_until_goroutines(1);
    }
  });
}

// CX-7, CX-8
TEST_P(Custom, ItsDeadlineCounts) {
  run([] {
    auto [inner, cancel] = weft::with_timeout(weft::background(), 1h);
    const weft::context c(std::make_shared<wrapper>(inner));
    EXPECT_EQ(c.deadline(), inner.deadline());
    auto [child, cancel_child] = weft::with_timeout(c, 2h);
    EXPECT_EQ(child.deadline(), inner.deadline());
    auto [sooner, cancel_sooner] = weft::with_timeout(c, 1min);
    EXPECT_LT(*sooner.deadline(), *inner.deadline());
  });
}

class eternal final : public weft::custom_context {
 public:
  weft::recv_chan<weft::unit> done() const override { return {}; }
  weft::error err() const override { return {}; }
};

TEST(CustomContext, WithANilDoneIsNeverDone) {
  const weft::context c(std::make_shared<eternal>());
  EXPECT_EQ(c.wake_source(), nullptr);
  auto [child, cancel] = weft::with_cancel(c);
  EXPECT_FALSE(child.err());
  EXPECT_EQ(to_string(child), "custom.with_cancel");
  cancel();
  EXPECT_TRUE(is_done(child));
}

}  // namespace
