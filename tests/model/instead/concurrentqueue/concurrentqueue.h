#pragma once
// What the models of a run have in the place of moodycamel's queue: the part of it that
// sched/global_queue.hpp uses, each operation one step of the explorer. The real one is more: it is
// tested by its makers, and by the stress tests here.
#include <weft/detail/atomic.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "explore.hpp"

namespace moodycamel {

template <class T>
class ConcurrentQueue;

struct ProducerToken {
  template <class T>
  explicit ProducerToken(ConcurrentQueue<T>&) {}
};
struct ConsumerToken {
  template <class T>
  explicit ConsumerToken(ConcurrentQueue<T>&) {}
};

template <class T>
class ConcurrentQueue {
 public:
  // Who dequeues sees what was done before the item was enqueued; nothing else is ordered.
  bool enqueue(T item) {
    size_.fetch_add(1, std::memory_order_relaxed);  // a step; what follows is none
    return add(item);
  }
  template <class Iterator>
  bool enqueue_bulk(ProducerToken&, Iterator items, std::size_t n) {
    size_.fetch_add(static_cast<std::uint32_t>(n), std::memory_order_relaxed);
    return std::all_of(items, items + n, [this](T item) { return add(item); });
  }
  template <class Iterator>
  std::size_t try_dequeue_bulk(ConsumerToken&, Iterator out, std::size_t most) {
    const std::size_t seen = size_.load(std::memory_order_relaxed);  // may be an old one
    const std::size_t n = std::min({seen, last_ - first_, most});
    for (std::size_t i = 0; i < n; ++i) {
      const T& slot = items_[first_++ % room];
      weft::model::adopt(&slot);
      *out++ = slot;
    }
    size_.bump(-static_cast<std::uint32_t>(n));  // no step
    return n;
  }
  std::size_t size_approx() const { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t room = 16;
  bool add(T item) {
    if (last_ - first_ == room) {
      return false;
    }
    T& slot = items_[last_++ % room];
    slot = item;
    weft::model::publish(&slot);
    return true;
  }
  weft::detail::atomic<std::uint32_t> size_{0};
  std::array<T, room> items_{};
  std::size_t first_ = 0, last_ = 0;
};

}  // namespace moodycamel
