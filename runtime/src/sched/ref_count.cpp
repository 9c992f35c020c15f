#include <weft/detail/ref_count.hpp>

#include "sched/scheduler.hpp"

namespace weft::detail {
namespace {

// Runs f while this thread, which is no worker, is counted as a user [solo.8]: nobody becomes
// solo's owner meanwhile, and if somebody may be it already, this thread makes itself known.
template <class F>
__attribute__((noinline)) auto as_a_user(F f) noexcept {
  const scheduler::in_use s;
  if (s) {
    solo_meet();
  }
  return f();
}

// Runs f, which counts, beside solo's owner, if there is one.
template <class F>
auto beside_owner(F f) noexcept {
  if (!WEFT_SOLO || this_worker() != nullptr) [[likely]] {
    return f();
  }
  return as_a_user(f);
}

}  // namespace

void ref_count::add_shared() noexcept {
  beside_owner([this] {
    count_.fetch_add(1, relaxed);  // relaxed: the caller holds a reference
  });
}

bool ref_count::drop_shared() noexcept {
  return beside_owner([this] {
    // [refs.1] release: whoever destroys it sees all. Not acq_rel: who is not the last sees
    // nothing.
    if (count_.fetch_sub(1, release) != 1) {
      return false;
    }
    count_.load(acquire);  // [refs.2] acquire: pairs with the release of the others
    return true;
  });
}

bool ref_count::try_add_shared() noexcept {
  return beside_owner([this] {
    std::uint32_t seen = count_.load(relaxed);  // relaxed: the CAS decides
    // relaxed: a count that is not zero keeps the object, as in add().
    while (seen != 0 && !count_.compare_exchange(seen, seen + 1, relaxed, relaxed)) {
    }
    return seen != 0;
  });
}

}  // namespace weft::detail
