#pragma once
// The memory that model threads see. With a budget for stale reads it is weaker than sequentially
// consistent, after the release-acquire model: each location has the history of what was stored in
// it; each thread has a view, the oldest store of each location that it may still read; a release
// store carries its thread's view, an acquire load that reads it joins that view to its own; an
// access that reads and writes reads the newest, and passes on the view of what it read. seq_cst
// accesses see each other in the order of execution. (No load buffering, no reordering of stores to
// one location: as in loom.)
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weft::model {

/// Room of its own: where the code under test finds its objects, and so in which order it locks
/// them, must not depend on what the explorer notes down.
void* own_allocate(std::size_t bytes);
void own_free(void* at, std::size_t bytes) noexcept;
template <class T>
struct own_allocator {
  using value_type = T;
  own_allocator() = default;
  template <class U>
  own_allocator(const own_allocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(own_allocate(n * sizeof(T))); }
  void deallocate(T* at, std::size_t n) noexcept { own_free(at, n * sizeof(T)); }
  bool operator==(const own_allocator&) const = default;
};

class memory {
 public:
  void reset(std::size_t threads, int stale_budget);
  /// A thread begins: it knows what `parent` knows. Its number is the next one.
  void add_thread(std::size_t parent) { threads_.push_back(threads_[parent]); }
  /// All threads pass a barrier meanwhile, the calling one at the beginning and at the end.
  void barrier_everywhere(std::size_t thread);
  void begin(const void* at) { locations_.erase(at); }

  /// How many stores a load by `thread` may return, newest first.
  std::size_t candidates(std::size_t thread, const void* at, std::memory_order order);
  /// It returns the nth of them.
  std::uint64_t load(std::size_t thread, const void* at, std::uint64_t newest, std::size_t nth,
                     std::memory_order order);
  void store(std::size_t thread, const void* at, std::uint64_t before, std::uint64_t after,
             std::memory_order order, bool read);
  /// The thread has waited a while: it reads what is newest (but learns of nothing else by that).
  void catch_up(std::size_t thread);
  /// Would the thread read the newest value for sure?
  bool up_to_date(std::size_t thread, const void* at) const;

  /// What `thread` knows is kept for `key`; whoever joins it later knows it, too.
  void publish(std::size_t thread, const void* key) { join(published_[key], threads_[thread]); }
  void join_published(std::size_t thread, const void* key) {
    join(threads_[thread], published_[key]);
  }

 private:
  template <class T>
  using list = std::vector<T, own_allocator<T>>;
  template <class T>
  using map = std::unordered_map<const void*, T, std::hash<const void*>, std::equal_to<>,
                                 own_allocator<std::pair<const void* const, T>>>;
  using view = list<std::uint32_t>;  // by location number: the oldest store to be read
  struct store_record {
    std::uint64_t value;
    view released;  // empty: relaxed
  };
  struct location {
    std::uint32_t number;
    list<store_record> stores;
  };

  location& at(const void* address, std::uint64_t value);
  static void join(view& to, const view& from);
  static std::uint32_t& entry(view& v, std::uint32_t number);
  std::uint32_t oldest(std::size_t thread, const location& l, std::memory_order order);

  map<location> locations_;
  map<view> published_;
  list<view> threads_;
  view sequential_;  // the newest seq_cst store of each location
  std::uint32_t next_number_ = 0;
  int stale_left_ = 0;
};

}  // namespace weft::model
