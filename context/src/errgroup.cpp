#include <weft/errgroup.hpp>

#include <weft/detail/check.hpp>

#include <exception>
#include <string>

namespace weft {

errgroup::grouped errgroup::with_context(const context& parent, collect what) {
  static_cast<void>(detail::context_access::node(parent, "errgroup::with_context"));
  cancelable_cause_context own = with_cancel_cause(parent);
  context ctx = own.ctx;
  return grouped{errgroup(std::move(own), what), std::move(ctx)};
}

// Tasks may have been started after a wait(), too: none outlives the group.
errgroup::~errgroup() {
  cancel_();
  tasks_.wait();
  // While another exception passes by, that one is what the program learns of.
  if (thrown_ && std::uncaught_exceptions() == 0) {
    const std::string text =
        "an errgroup was destroyed without wait() though a task had thrown: " + finish().message();
    WEFT_CHECK(false, text.c_str());
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
void errgroup::report(error e, origin how) {
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
    thrown_ = thrown_ || how == origin::thrown;
  }
  if (collect_ == collect::first) {
    cancel_(e);
  }
}

error errgroup::finish() {
  cancel_();  // without effect if an error has done it
  std::lock_guard hold(lock_);
  thrown_ = false;
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
