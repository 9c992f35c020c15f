#pragma once
// What is waited for, by reason.
#include <weft/detail/describe.hpp>

namespace weft::detail {

/// `object` is null where a wait has none.
void describe_wait(wait_reason r, const void* object, wait_description& out) noexcept;

}  // namespace weft::detail
