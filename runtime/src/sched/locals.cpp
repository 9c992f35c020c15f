#include "sched/locals.hpp"

#include <weft/detail/atomic.hpp>
#include <weft/detail/race.hpp>
#include <weft/exceptions.hpp>

#include <algorithm>
#include <utility>

#include "sched/goroutine.hpp"
#include "sched/worker.hpp"

namespace weft::detail {

// ---- the values of one goroutine ----

void* local_values::find(std::uint64_t key) const {
  for (const entry& e : entries_) {
    if (e.key == key) {
      if (e.value == nullptr) [[unlikely]] {
        throw misuse("weft: goroutine_local: used by the destructor of its own value");
      }
      return e.value;
    }
  }
  return nullptr;
}

void local_values::add(std::uint64_t key, void* value, const local_type& type) {
  entries_.push_back({key, value, &type});
  inheritable_ += type.copy != nullptr;
}

void local_values::drop(std::uint64_t key) noexcept {
  const auto is_it = [key](const entry& e) { return e.key == key && e.value != nullptr; };
  auto found = std::find_if(entries_.begin(), entries_.end(), is_it);
  if (found == entries_.end()) {
    return;
  }
  const local_type& type = *found->type;
  inheritable_ -= type.copy != nullptr;
  type.destroy(std::exchange(found->value, nullptr));
  // By now the entry may be elsewhere.
  std::erase_if(entries_, [key](const entry& e) { return e.key == key; });
}

void local_values::clear() noexcept {
  while (!entries_.empty()) {
    entry& last = entries_.back();
    if (last.value == nullptr) {
      entries_.pop_back();
    } else {
      const local_type& type = *last.type;
      type.destroy(std::exchange(last.value, nullptr));
    }
  }
}

std::unique_ptr<local_values> local_values::inherit() const {
  if (inheritable_ == 0) {
    return nullptr;
  }
  auto child = std::make_unique<local_values>();
  for (std::size_t i = 0; i < entries_.size(); ++i) {  // a copy constructor may add or remove some
    const entry e = entries_[i];
    if (e.type->copy != nullptr && e.value != nullptr) {
      child->add(e.key, nullptr, *e.type);  // first the place, which may be refused
      child->entries_.back().value = e.type->copy(e.value);
    }
  }
  return child;
}

// ---- the caller's ----

namespace {

goroutine* current_goroutine() noexcept {
  const race::runtime_code in;
  worker* w = this_worker();
  return w != nullptr ? w->current() : nullptr;
}

// A foreign thread's. The pointer is there after the thread's other thread_locals, which may still
// use it, have been destroyed.
constinit thread_local local_values* of_thread = nullptr;

struct at_thread_exit {
  ~at_thread_exit() {
    if (of_thread != nullptr) {
      of_thread->clear();  // while it can still be found
      delete std::exchange(of_thread, nullptr);
    }
  }
};

// Foreign threads do not change under the code that they run, so these need no more than not being
// mixed with the code of goroutines.
[[gnu::noinline]] local_values* thread_locals() noexcept { return of_thread; }

[[gnu::noinline]] local_values& make_thread_locals() {
  thread_local at_thread_exit cleaner;
  static_cast<void>(&cleaner);
  of_thread = new local_values;
  return *of_thread;
}

local_values* my_locals() noexcept {
  const race::runtime_code in;
  goroutine* g = current_goroutine();
  if (g == nullptr) {
    return thread_locals();
  }
  return g->extra != nullptr ? g->extra->locals.get() : nullptr;
}

local_values& make_locals() {
  const race::runtime_code in;
  goroutine* g = current_goroutine();
  if (g == nullptr) {
    return make_thread_locals();
  }
  if (g->extra == nullptr) {
    g->extra = new goroutine_extra;
  }
  g->extra->locals = std::make_unique<local_values>();
  return *g->extra->locals;
}

}  // namespace

std::unique_ptr<local_values> inherited_locals() {
  local_values* mine = my_locals();
  return mine != nullptr ? mine->inherit() : nullptr;
}

std::uint64_t new_local_key() noexcept {
  static constinit atomic<std::uint64_t> last{0};
  return last.fetch_add(1, relaxed) + 1;  // relaxed: only to be different from all others
}

void* find_local(std::uint64_t key) {
  local_values* mine = my_locals();
  return mine != nullptr ? mine->find(key) : nullptr;
}

void add_local(std::uint64_t key, void* value, const local_type& type) {
  local_values* mine = my_locals();
  (mine != nullptr ? *mine : make_locals()).add(key, value, type);
}

void drop_local(std::uint64_t key) noexcept {
  if (local_values* mine = my_locals()) {
    mine->drop(key);
  }
}

}  // namespace weft::detail
