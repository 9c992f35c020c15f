#pragma once
// What the workloads need beyond Boost.Fiber: threads that steal, a pool of stacks that they
// may share, a fiber that nobody joins, and a wait group.
#include <boost/fiber/algo/work_stealing.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>

#include <barrier>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace fibers = boost::fibers;

/// One thread: the default scheduler, round_robin. More: work_stealing on each, asleep when idle.
class threads {
 public:
  explicit threads(int count) {
    if (count == 1) {
      return;
    }
    // A thief takes the schedulers of all threads for granted, so all must be there first.
    std::barrier all_registered(count);
    for (int i = 1; i < count; ++i) {
      thieves_.emplace_back([this, count, &all_registered] {
        join_stealing(count);
        all_registered.arrive_and_wait();
        std::unique_lock lock(mutex_);
        finished_.wait(lock, [this] { return done_; });
      });
    }
    join_stealing(count);
    all_registered.arrive_and_wait();
  }

  ~threads() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    finished_.notify_all();
    for (std::thread& t : thieves_) {
      t.join();
    }
  }

  threads(const threads&) = delete;
  threads& operator=(const threads&) = delete;

 private:
  static void join_stealing(int count) {
    fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(static_cast<std::uint32_t>(count),
                                                                  true);
  }

  fibers::mutex mutex_;
  fibers::condition_variable finished_;
  bool done_ = false;  // guarded by mutex_
  std::vector<std::thread> thieves_;
};

/// Boost's pool of stacks, the fastest of its allocators. No two threads may use one at once, and
/// a stolen fiber ends on another thread; so with more than one thread there is a lock around it.
class stack_pool {
 public:
  explicit stack_pool(std::size_t stack_bytes) : pool_(stack_bytes) {}

  boost::context::stack_context allocate() {
    const auto lock = exclusive();
    return pool_.allocate();
  }

  void deallocate(boost::context::stack_context& stack) {
    const auto lock = exclusive();
    pool_.deallocate(stack);
  }

  static inline bool many_threads = false;  // set by main before the first fiber

 private:
  std::unique_lock<std::mutex> exclusive() {
    return many_threads ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
  }

  std::mutex mutex_;
  fibers::pooled_fixedsize_stack pool_;
};

/// What a fiber keeps of its pool: Boost copies allocators.
struct stacks_of {
  stack_pool* pool;

  boost::context::stack_context allocate() { return pool->allocate(); }
  void deallocate(boost::context::stack_context& stack) { pool->deallocate(stack); }
};

/// Runs f in a fiber that is never joined, as the go statement does.
template <class F>
void go(stack_pool& pool, F&& f) {
  fibers::fiber(fibers::launch::post, std::allocator_arg, stacks_of{&pool}, std::forward<F>(f))
      .detach();
}

/// On a stack of Boost's default size, 128 KiB.
template <class F>
void go(F&& f) {
  static stack_pool pool(boost::context::stack_traits::default_size());
  go(pool, std::forward<F>(f));
}

/// For trees. All fibers of a tree are alive at once, so the time goes into first touches of
/// stacks. 8 KiB is the smallest size that holds them (the 4 KiB that Boost's own skynet uses
/// overflow here), and it is faster than the default.
template <class F>
void go_small(F&& f) {
  static stack_pool pool(8 * 1024);
  go(pool, std::forward<F>(f));
}

class wait_group {
 public:
  explicit wait_group(std::int64_t count) : left_(count) {}

  void add(std::int64_t n) {
    std::lock_guard lock(mutex_);
    left_ += n;
  }

  void done() {
    std::lock_guard lock(mutex_);
    if (--left_ == 0) {
      zero_.notify_all();  // under the lock: the waiter may destroy this as soon as it is free
    }
  }

  void wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  fibers::mutex mutex_;
  fibers::condition_variable zero_;
  std::int64_t left_;  // guarded by mutex_
};
