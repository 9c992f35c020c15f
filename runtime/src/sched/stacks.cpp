// What users may know of stacks.
#include <weft/stacks.hpp>

#include <weft/exceptions.hpp>

#include "sched/scheduler.hpp"
#include "stack/usage.hpp"

namespace weft {
namespace {

// The stack that the caller's goroutine is on, or null.
const detail::fiber* this_stack() noexcept {
  detail::worker* w = detail::this_worker();
  return w != nullptr && w->current() != nullptr ? w->running_fiber() : nullptr;
}

}  // namespace

std::size_t this_goroutine::stack_in_use() noexcept {
  const detail::race::runtime_code in;
  const detail::fiber* f = this_stack();
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  return f != nullptr ? static_cast<std::size_t>(f->top - here) : 0;
}

std::size_t this_goroutine::stack_size() noexcept {
  const detail::race::runtime_code in;
  const detail::fiber* f = this_stack();
  return f != nullptr ? static_cast<std::size_t>(f->top - f->low) : 0;
}

std::size_t this_goroutine::stack_high_water() {
  const detail::race::runtime_code in;
  const detail::fiber* f = this_stack();
  std::size_t touched = 0;
  return f != nullptr ? detail::high_water(f->low, f->top, touched) : 0;
}

stack_report report_stacks() {
  const detail::race::runtime_code in;
  detail::scheduler::in_use s;
  if (!s) {
    throw no_runtime("weft: report_stacks: no runtime is running; call it from within weft::run");
  }
  detail::stack_pool& pool = s->memory.stacks();
  stack_report r;
  r.stack_bytes = pool.usable_bytes();
  std::vector<std::size_t> by_pages(r.stack_bytes / 4096 + 1);
  pool.for_each_stack([&](const char* low, const char* top) {
    std::size_t touched = 0;
    const std::size_t mark = detail::high_water(low, top, touched);
    if (touched == 0) {
      return;  // its pages were given back
    }
    ++r.stacks;
    r.most_used = mark > r.most_used ? mark : r.most_used;
    r.resident_bytes += touched;
    ++by_pages[mark / 4096];
  });
  while (!by_pages.empty() && by_pages.back() == 0) {
    by_pages.pop_back();
  }
  r.by_pages = std::move(by_pages);
  return r;
}

}  // namespace weft
