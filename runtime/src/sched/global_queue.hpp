#pragma once
// Work that belongs to no worker: injected by foreign threads, overflowed from full queues,
// given back by workers that lost their place. moodycamel::ConcurrentQueue underneath: FIFO per
// producer, not across producers. Each worker has its own tokens; its own sub-queue is no
// shortcut back to itself because nothing that yields comes here.
#include <concurrentqueue/concurrentqueue.h>

#include <cstddef>

#include "sched/goroutine.hpp"

namespace weft::detail {

class global_queue {
  using queue = moodycamel::ConcurrentQueue<goroutine*>;

 public:
  /// A worker's pair of tokens.
  class port {
   public:
    explicit port(global_queue& q) : producer_(q.queue_), consumer_(q.queue_) {}

   private:
    friend class global_queue;
    moodycamel::ProducerToken producer_;
    moodycamel::ConsumerToken consumer_;
  };

  /// From any thread. False: out of memory.
  bool push(goroutine* g) { return queue_.enqueue(g); }
  /// By the worker that owns the port.
  bool push(port& p, goroutine* const* items, std::size_t count) {
    return queue_.enqueue_bulk(p.producer_, items, count);
  }
  std::size_t pop(port& p, goroutine** out, std::size_t most) {
    return queue_.try_dequeue_bulk(p.consumer_, out, most);
  }
  /// A recent estimate; exact when nobody else is at it.
  bool empty() const { return queue_.size_approx() == 0; }
  std::size_t size() const { return queue_.size_approx(); }

 private:
  queue queue_;
};

}  // namespace weft::detail
