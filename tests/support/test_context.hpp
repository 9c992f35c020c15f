#pragma once
// The least that a wait asks of a context: something that can be cancelled.
#include <weft/detail/cancelable.hpp>
#include <weft/error.hpp>

#include <memory>

namespace weft::testing {

/// A handle, as contexts are: copies are the same.
class test_context {
 public:
  error err() const { return signal_->done() ? canceled : error{}; }
  detail::done_signal* wake_source() const { return signal_.get(); }
  void cancel() const { signal_->fire(); }

 private:
  std::shared_ptr<detail::done_signal> signal_ = std::make_shared<detail::done_signal>();
};

/// One that is never done.
struct endless_context {
  error err() const { return {}; }
  detail::done_signal* wake_source() const { return nullptr; }
};

static_assert(detail::cancelable<test_context> && detail::cancelable<endless_context>);

}  // namespace weft::testing
