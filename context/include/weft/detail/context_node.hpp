#pragma once
// What a weft::context points to. Nodes form a tree (with merge(): a directed graph without cycles)
// from child to parent: a child holds its parents. The other direction, which cancellation takes,
// is a list of links in each cancel_node that holds nothing. Protocol [context] in
// docs/protocols.md.
//
//   context_node        what all have: a count, a kind, the parent, the provider
//     cancel_node       can be cancelled: with_cancel, with_deadline, merge, ...
//     value_node        a value; see context_value.hpp
//     custom_node       a user's implementation; src/custom.hpp
#include <weft/chan.hpp>
#include <weft/detail/atomic.hpp>
#include <weft/detail/block_cache.hpp>
#include <weft/detail/done_signal.hpp>
#include <weft/detail/ref_count.hpp>
#include <weft/detail/timer.hpp>
#include <weft/error.hpp>

#include <cstdint>
#include <stop_token>

namespace weft::detail {

class cancel_node;
class context_node;

enum class context_kind : std::uint8_t {
  background,  // these two are immortal: copies of them write nothing
  todo,
  value,
  without_cancel,
  custom,
  cancel,  // from here on: cancel_node
  cancel_cause,
  deadline,
  stop_token,
  merged,
  shadow,  // stands for a user's context in lists of children
};

/// Drops a reference; the last one destroys the node, and its ancestors that nobody else holds. No
/// recursion: chains may be long.
void release_node(const context_node* n) noexcept;

/// Nodes that exist; always 0 in a build with NDEBUG. For tests.
std::int64_t live_context_nodes() noexcept;
void count_context_node(int by) noexcept;

class context_node {
 public:
  using destroyer = void (*)(context_node*) noexcept;

  constexpr context_node(context_kind kind, destroyer destroy) noexcept
      : kind_(kind), destroy_(destroy) {}
  /// Takes a reference to the parent.
  context_node(context_kind kind, const context_node* parent, destroyer destroy) noexcept;
  context_node(const context_node&) = delete;
  context_node& operator=(const context_node&) = delete;

  context_kind kind() const noexcept { return kind_; }
  bool can_cancel() const noexcept { return kind_ >= context_kind::cancel; }
  const context_node* parent() const noexcept { return parent_; }
  /// Who answers done(), err(), deadline(): this node or the nearest ancestor that is a cancel_node
  /// or a custom_node; null: never done.
  context_node* provider() const noexcept { return provider_; }

  void retain() const noexcept {
    if (kind_ > context_kind::todo) {
      refs_.add();
    }
  }
  /// For who holds none, under the lock of a list that the node is linked in. [context.5]
  bool try_retain() const noexcept { return refs_.try_add(); }
  /// True: that was the last one.
  bool drop() const noexcept { return kind_ > context_kind::todo && refs_.drop(); }

 protected:
  constexpr ~context_node() = default;
  /// A constructor has thrown: what this one has taken goes back.
  void unmake() const noexcept {
    count_context_node(-1);
    if (parent_ != nullptr) {
      release_node(parent_);
    }
  }

 private:
  friend void bury(context_node* dead) noexcept;
  // Handles, children, and whoever works on it. Zero: being destroyed.
  mutable ref_count refs_;
  const context_kind kind_;
  const context_node* const parent_ = nullptr;
  context_node* provider_ = nullptr;  // not counted: this node or an ancestor
  const destroyer destroy_;

 protected:
  void provide(context_node* p) noexcept { provider_ = p; }
};

/// Destroys a node whose count is zero, and what only it has held. No lock is held.
void bury(context_node* dead) noexcept;

enum class link_kind : std::uint8_t { child, call };

/// A place in a cancel_node's list.
struct context_link {
  explicit context_link(link_kind k) noexcept : kind(k) {}

  context_link* prev = nullptr;  // guarded by parent->lock_, as next
  context_link* next = nullptr;
  cancel_node* parent = nullptr;  // constant once linked
  cancel_node* child = nullptr;   // whose place it is; null for a callback
  // [context.7] 1: in the list. Written under parent->lock_, read without it.
  atomic<std::uint32_t> linked{0};
  const link_kind kind;
};

/// By which way finish() came to a node.
struct sweep_route {
  context_link* via = nullptr;  // null: not from a parent
  std::uint64_t sweep = 0;      // its number; only sweeps that meet merged nodes have one
  bool by_timer = false;        // the node's own: nothing to disarm
};

/// A node that can be done.
class cancel_node : public context_node, public done_signal {
 public:
  /// A child of `parent`, to be linked into `above`'s list by join(); null: into none.
  cancel_node(context_kind kind, const context_node* parent, cancel_node* above,
              std::int64_t deadline, destroyer destroy) noexcept;
  ~cancel_node();
  static void* operator new(std::size_t bytes) { return block_cache::take(bytes); }
  static void* operator new(std::size_t, void* at) noexcept { return at; }
  static void operator delete(void* at, std::size_t bytes) noexcept {
    block_cache::give(at, bytes);
  }

  // ---- reading ----

  /// One load; null, or why it is done.
  error err() const noexcept {
    // [context.4] acquire: pairs with [context.2]; cause_ is seen, too.
    const std::uint32_t s = state_.load(acquire);
    if ((s & code_mask) == 0) [[likely]] {
      return {};
    }
    return err_of(s);
  }
  bool is_done() const noexcept {
    return (state_.load(acquire) & code_mask) != 0;  // [context.4] acquire: as in err()
  }
  /// Why it is done, in the words of who did it. Null: it is not.
  error cause() const noexcept { return is_done() ? cause_ : error(); }
  recv_chan<unit> done_channel();
  /// Is this its done channel?
  bool has_channel(const recv_chan<unit>& c) const noexcept;
  /// Nanoseconds of the steady clock, or `never`: its own or an ancestor's.
  std::int64_t deadline() const noexcept { return deadline_; }

  // ---- being cancelled ----

  /// Makes it and all below it done; when it returns they are. The caller holds a reference.
  void cancel(const error& err, const error& cause) noexcept;
  /// The first part of that: only this node. True: there are children or callbacks to be told, by
  /// sweep(). `via` is the link by which the sweep came here.
  bool finish(const error& err, const error& cause, const sweep_route& route = {}) noexcept;
  /// The second part, for a node that is done.
  void sweep() noexcept;
  /// Links it; when a parent is done, so is this then.
  void join() noexcept;
  /// Leaves the lists that it is in.
  void leave_parents() noexcept;

  // ---- its list ----

  /// Puts a link into the list. False: it is done, nothing was linked. [context.1]
  bool adopt(context_link* l) noexcept;
  /// Takes it out. False: somebody else has done that.
  bool disown(context_link* l) noexcept;

  /// The source behind stop_token_of(): `made`, or the one that there is already. True: l was
  /// linked, to request the stop. [context.1]
  bool share_stop_source(std::stop_source& made, context_link* l) noexcept;

 protected:
  void set_links(context_link* first, std::uint32_t count) noexcept {
    links_ = first;
    link_count_ = count;
  }
  /// For a node that could be finished before it was linked everywhere. [context.8]
  void leave_if_done() noexcept;

  armed_timer timer_;  // set before anybody but the timer can finish this
  const std::int64_t deadline_;

 private:
  static constexpr std::uint32_t code_mask = 3;
  static constexpr std::uint32_t code_canceled = 1;
  static constexpr std::uint32_t code_deadline = 2;
  static constexpr std::uint32_t code_other = 3;
  static constexpr std::uint32_t closing = 4;
  static constexpr std::uint32_t has_chan = 8;
  static constexpr std::uint32_t settled = 16;

  error err_of(std::uint32_t state) const noexcept;
  void close_channel() const noexcept;
  cancel_node* way_up(std::uint64_t sweep) const noexcept;
  void link_locked(context_link* l) noexcept;
  void unlink_locked(context_link* l) noexcept;
  cancel_node* first_child(context_link*& via) noexcept;

  // [context] { settled:1, has_chan:1, closing:1, code:2 }. Written under lock_, but for clearing
  // `closing` and setting `settled`; read without it.
  mutable atomic<std::uint32_t> state_{0};
  std::uint32_t link_count_ = 0;
  context_link* links_ = nullptr;             // its places in the lists of its parents
  context_link* first_ = nullptr;             // its own list, guarded by lock_
  chan<unit> chan_;                           // constant once has_chan is set
  error cause_;                               // constant once code is set
  error other_;                               // for code_other: a user's context had this error
  std::stop_source stops_{std::nostopstate};  // guarded by lock_
  context_link up_{link_kind::child};
};

/// Where a child of this context gets linked; null if it is never done.
/// Errors  for a user's context: those of weft::go, and what the user's functions throw.
cancel_node* attach_point(const context_node* parent);

/// Its deadline, or `never`.
std::int64_t deadline_of(const context_node* n);
/// Why it is done; null: it is not.
error cause_of(const context_node* n);

}  // namespace weft::detail
