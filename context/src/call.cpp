// after_func.
#include <weft/context.hpp>
#include <weft/detail/check.hpp>

#include <exception>

namespace weft::detail {

void context_call::drop() noexcept {
  // [refs.1] acq_rel: whoever destroys it sees all that the other did.
  if (refs_.fetch_sub(1, acq_rel) == 1) {
    const context_node* held = held_;
    how_.destroy(this);
    if (held != nullptr) {
      release_node(held);
    }
  }
}

bool context_call::stop() noexcept {
  // acquire: pairs with [context.7]; the node is there, since this holds it.
  if (linked.load(acquire) == 0 || !parent->disown(this)) {
    return false;
  }
  how_.discard(this);
  drop();  // the list's
  return true;
}

void context_call::spawn() {
  weft::go(
      [this] {
        struct finally {
          context_call* call;
          ~finally() { call->drop(); }
        } last{this};
        how_.run(this);
      },
      site_);
}

void context_call::start() noexcept {
  try {
    spawn();
  } catch (const no_runtime&) {
    // Whoever cancels is no goroutine then, and holds no lock.
    (without_runtime_ == without_runtime::run_here ? how_.run : how_.discard)(this);
    drop();
  } catch (const std::exception&) {
    WEFT_CHECK(false, "no memory or thread for the goroutine of after_func");
  }
}

void register_call(context_node& ctx, context_call* call) {
  try {
    if (call->without_runtime_ == without_runtime::discard && num_goroutines() == 0) {
      throw no_runtime(
          "weft: after_func: no runtime is running, so there will be no goroutine for the function;"
          " call it from within weft::run");
    }
    cancel_node* point = attach_point(&ctx);
    if (point == nullptr) {
      call->how_.discard(call);  // never done
      call->drop();
      return;
    }
    call->hold(ctx, point);
    if (!point->adopt(call)) {
      call->spawn();
    }
  } catch (...) {
    call->drop();
    call->drop();
    throw;
  }
}

}  // namespace weft::detail
