#pragma once
// pool: objects that are used again instead of being made anew, such as buffers.
#include <weft/detail/atomic.hpp>
#include <weft/detail/biased_lock.hpp>
#include <weft/exceptions.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft {

struct pool_options {
  /// How many idle objects are kept at most; their room is allocated at once. 0: none.
  std::size_t capacity = 256;
};

namespace detail {

/// How the room of a pool is divided: `shelves` small parts, one of them for each worker, and the
/// rest for all.
struct pool_plan {
  std::size_t shelves;
  std::size_t each;
};
pool_plan plan_pool(std::size_t capacity) noexcept;

/// Which shelf is the caller's, modulo their number: changes when the goroutine moves.
std::size_t pool_shelf() noexcept;

}  // namespace detail

/// A bounded store of idle objects. Which of them a get() gives is not defined; often the one that
/// this worker's goroutines put last. Objects keep the state in which they were put. Not copyable;
/// must outlive all calls and everything borrowed; destroys what it holds.
/// Threads any, for all functions but the destructor.
/// Go      sync.Pool, but nothing vanishes by itself: see trim(); PL-1.
/// Test    unit/runtime/pool_test.cpp
template <class T>
class pool {
  static_assert(std::is_object_v<T> && std::is_same_v<T, std::remove_cv_t<T>>,
                "weft: a pool holds plain objects");
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "weft: what a pool holds must be nothrow move constructible; put it into a "
                "std::unique_ptr otherwise");
  static_assert(std::is_nothrow_destructible_v<T>,
                "weft: what a pool holds must have a destructor that does not throw");

 public:
  class borrowed;

  /// A pool that makes new objects by T().
  /// Errors  std::bad_alloc.
  explicit pool(pool_options options = {}) requires std::default_initializable<T>
      : pool(options, [] { return T(); }) {}

  /// A pool that makes new objects by make(), which may be called by several goroutines at once.
  /// Errors  null_function; std::bad_alloc.
  pool(pool_options options, std::function<T()> make)
      : make_(std::move(make)), capacity_(options.capacity) {
    if (make_ == nullptr) {
      throw null_function("weft: pool: the function that makes objects is null");
    }
    const detail::pool_plan plan = detail::plan_pool(capacity_);
    shelves_ = std::make_unique<shelf[]>(plan.shelves + 1);
    count_ = plan.shelves;
    room_ = std::allocator<T>().allocate(capacity_);
    for (std::size_t i = 0; i <= count_; ++i) {
      shelves_[i].slots = room_ + i * plan.each;
      shelves_[i].capacity = i < count_ ? plan.each : capacity_ - count_ * plan.each;
    }
  }

  ~pool() {
    trim();
    std::allocator<T>().deallocate(room_, capacity_);
  }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  /// An object that was put before, or else a new one.
  /// Blocks  no.   Order  what precedes put(x) happens before the get() that gives x (MM-6).
  /// Errors  what making one throws.   Cost  O(1); O(CPUs) when this worker has put none.
  /// Go      sync.Pool.Get.
  T get() {
    if (std::optional<T> idle = try_get()) {
      return std::move(*idle);
    }
    return make_();
  }

  /// An object that was put before; nullopt if none is idle.
  /// Blocks  no.   Order  as get().
  std::optional<T> try_get() noexcept {
    std::optional<T> got;
    const std::size_t own = detail::pool_shelf();
    for (std::size_t i = 0; i <= count_ && !take(at(own, i), got); ++i) {
    }
    return got;
  }

  /// Takes the object for a later get(). False: the pool is full; the object is unchanged then.
  /// T's move constructor, and the destructor of what was moved from, must not use this pool.
  /// Blocks  no.   Order  as get().   Cost  as get().   Go  sync.Pool.Put.
  bool put(T&& object) noexcept {
    const std::size_t own = detail::pool_shelf();
    for (std::size_t i = 0; i <= count_; ++i) {
      if (give(at(own, i), object)) {
        return true;
      }
    }
    return false;
  }

  /// get(), with a handle that puts the object back when it is destroyed.
  borrowed borrow() { return borrowed(*this, get()); }

  /// Destroys idle objects until `keep` are left; returns how many it destroyed. In place of Go's
  /// collector, for instance from a timer.
  /// Blocks  no, as far as T's destructor does not.   Cost  O(destroyed + CPUs).
  std::size_t trim(std::size_t keep = 0) noexcept {
    const std::size_t now = size();
    std::size_t destroyed = 0;
    while (now > keep + destroyed && try_get()) {
      ++destroyed;
    }
    return destroyed;
  }

  /// How many objects are idle. Momentary.
  std::size_t size() const noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i <= count_; ++i) {
      n += shelves_[i].count.load(detail::relaxed);  // relaxed: momentary anyway
    }
    return n;
  }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct alignas(detail::cache_line) shelf {
    detail::biased_lock lock;
    // How many of the slots hold an object, the first ones. Written under lock; read without it as
    // a hint, which is never behind what the reader itself, or whoever it waited for, did.
    detail::atomic<std::size_t> count{0};
    T* slots = nullptr;  // the objects are guarded by lock
    std::size_t capacity = 0;
  };

  // The i-th shelf to look at: one's own, the common one, those of the others.
  shelf& at(std::size_t own, std::size_t i) noexcept {
    return shelves_[i == 1 ? count_ : (own + i - (i > 1)) % count_];
  }

  static bool take(shelf& s, std::optional<T>& to) noexcept {
    if (s.count.load(detail::relaxed) == 0) {  // relaxed: a hint, see there
      return false;
    }
    detail::biased_guard hold(s.lock);
    const std::size_t n = s.count.load(detail::relaxed);  // relaxed: under lock
    if (n == 0) {
      return false;
    }
    T& last = s.slots[n - 1];
    to.emplace(std::move(last));
    last.~T();
    s.count.store(n - 1, detail::relaxed);  // relaxed: under lock
    return true;
  }

  static bool give(shelf& s, T& from) noexcept {
    if (s.count.load(detail::relaxed) == s.capacity) {  // relaxed: a hint, see there
      return false;
    }
    detail::biased_guard hold(s.lock);
    const std::size_t n = s.count.load(detail::relaxed);  // relaxed: under lock
    if (n == s.capacity) {
      return false;
    }
    ::new (static_cast<void*>(s.slots + n)) T(std::move(from));
    s.count.store(n + 1, detail::relaxed);  // relaxed: under lock
    return true;
  }

  std::function<T()> make_;
  std::size_t capacity_;
  std::size_t count_ = 0;  // of the workers' shelves; the common one comes after them
  std::unique_ptr<shelf[]> shelves_;
  T* room_ = nullptr;
};

/// An object on loan from a pool. Movable; empty after a move or release().
/// Threads as the object.
template <class T>
class [[nodiscard]] pool<T>::borrowed {
 public:
  borrowed(borrowed&& o) noexcept
      : pool_(std::exchange(o.pool_, nullptr)), object_(std::move(o.object_)) {
    o.object_.reset();
  }
  borrowed& operator=(borrowed&& o) noexcept {
    if (this != &o) {
      put_back();
      pool_ = std::exchange(o.pool_, nullptr);
      if (o.object_) {
        object_.emplace(std::move(*o.object_));
        o.object_.reset();
      }
    }
    return *this;
  }
  ~borrowed() { put_back(); }

  explicit operator bool() const noexcept { return object_.has_value(); }
  T& operator*() noexcept { return *object_; }
  const T& operator*() const noexcept { return *object_; }
  T* operator->() noexcept { return object_.operator->(); }
  const T* operator->() const noexcept { return object_.operator->(); }

  /// Puts it back now; if the pool is full, the object is destroyed.
  void put_back() noexcept {
    if (object_) {
      pool_->put(std::move(*object_));
      object_.reset();
    }
  }
  /// Takes it away from the pool for good, for instance because it is broken. Not when empty.
  T release() noexcept {
    T kept(std::move(*object_));
    object_.reset();
    return kept;
  }

 private:
  friend class pool;
  borrowed(pool& p, T&& object) noexcept : pool_(&p), object_(std::move(object)) {}

  pool* pool_;
  std::optional<T> object_;
};

}  // namespace weft
