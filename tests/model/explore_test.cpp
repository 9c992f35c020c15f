// The explorer itself: it must find planted bugs, or its silence means nothing.
#include <weft/detail/atomic.hpp>

#include <memory>

#include "model_test.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::seq_cst;

// A counter that is read and written in two steps loses an increment.
TEST(Explorer, FindsALostUpdate) {
  weft::model::expect_fails([] {
    auto n = std::make_shared<atomic<int>>(0);
    const auto increment = [n] { n->store(n->load(seq_cst) + 1, seq_cst); };
    weft::model::at_end([n] { weft::model::require(n->load(seq_cst) == 2, "an update was lost"); });
    return std::vector<std::function<void()>>{increment, increment};
  });
}

// "Check, then sleep" loses the wake-up that comes between.
TEST(Explorer, FindsALostWakeUp) {
  weft::model::expect_fails([] {
    auto work = std::make_shared<atomic<int>>(0);
    return std::vector<std::function<void()>>{[work] {
                                                if (work->load(seq_cst) == 0) {
                                                  weft::detail::model_step();
                                                  weft::model::block(work.get());
                                                }
                                              },
                                              [work] {
                                                work->store(1, seq_cst);
                                                weft::model::unblock(work.get(), 1);
                                              }};
  });
}

TEST(Explorer, AcceptsALockedCounter) {
  weft::model::expect_holds([] {
    auto n = std::make_shared<atomic<int>>(0);
    const auto increment = [n] { n->fetch_add(1, seq_cst); };
    weft::model::at_end([n] { weft::model::require(n->load(seq_cst) == 3, "an update was lost"); });
    return std::vector<std::function<void()>>{increment, increment, increment};
  });
}

}  // namespace
