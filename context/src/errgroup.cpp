#include <weft/errgroup.hpp>

#include <weft/detail/check.hpp>

#include <exception>
#include <string>

namespace weft {

errgroup::grouped errgroup::with_context(const context& parent, collect what) {
  cancelable_cause_context own = with_cancel_cause(parent);
  context ctx = own.ctx;
  return grouped{errgroup(std::move(own), what), std::move(ctx)};
}

errgroup::~errgroup() {
  if (!waited_) {
    cancel_();
    tasks_.wait();
    const error e = finish();
    // While another exception passes by, that one is what the program learns of.
    if (e && as<std::exception>(e) != nullptr && std::uncaught_exceptions() == 0) {
      const std::string text =
          "an errgroup was destroyed without wait() though a task had thrown: " + e.message();
      WEFT_CHECK(false, text.c_str());
    }
  }
}

void errgroup::begin() noexcept {
  active_.fetch_add(1, detail::relaxed);  // relaxed: a count; who may read it is ordered otherwise
  tasks_.add(1);
}

// Of a task. The place is free before the task counts as done (EG-8), and nothing of the group is
// touched after that.
void errgroup::end() noexcept {
  if (slots_) {
    slots_.recv();
  }
  active_.fetch_sub(1, detail::release);  // [errgroup.1] release: pairs with set_limit()
  tasks_.done();
}

// The error is there before the context is cancelled with it, and only the first one does that
// (EG-3).
void errgroup::report(error e) {
  if (!e) {
    return;
  }
  {
    std::lock_guard hold(lock_);
    if (!first_) {
      first_ = e;
    } else if (collect_ == collect::all) {
      more_.push_back(std::move(e));
    } else {
      return;
    }
  }
  if (collect_ == collect::first) {
    cancel_(e);
  }
}

error errgroup::finish() {
  cancel_();  // without effect if an error has done it
  waited_ = true;
  std::lock_guard hold(lock_);
  if (more_.empty()) {
    return first_;
  }
  std::vector<error> all = {first_};
  all.insert(all.end(), more_.begin(), more_.end());
  return join(all);
}

error errgroup::wait() {
  tasks_.wait();
  return finish();
}

error errgroup::wait(const context& ctx) {
  if (error e = tasks_.wait(ctx)) {
    return e;
  }
  return finish();
}

void errgroup::set_limit(std::ptrdiff_t n) {
  // [errgroup.2] acquire: pairs with end(): the tasks that have ended are out of the old channel.
  const std::int64_t active = active_.load(detail::acquire);
  if (active != 0) {
    throw misuse("weft: errgroup: set_limit: " + std::to_string(active) +
                 " tasks are running; the limit can be changed only between them");
  }
  slots_ = n < 0 ? chan<unit>() : make_chan<unit>(n);
}

}  // namespace weft
