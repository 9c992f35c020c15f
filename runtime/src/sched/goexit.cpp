#include "sched/goexit.hpp"

#include <weft/detail/goexit.hpp>

#include <typeinfo>

#include <cxxabi.h>

namespace weft::detail {

bool handling_goexit() noexcept {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type != nullptr && *type == typeid(goexit_unwind);
}

}  // namespace weft::detail
