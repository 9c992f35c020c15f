#pragma once
// What a weft::error points to. A record never changes once an error refers to it, so errors are
// read by any number of threads at once. Immortal records are constants of the program: copying an
// error that refers to one reads its head and writes nothing, so no cache line travels between
// processors. Counted records are known to src/error/error.cpp only.
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>

namespace weft {
class error;
}

namespace weft::detail {

enum class record_lifetime : std::uint8_t { immortal, counted };

/// The way of src/error/error.cpp to the record of an error.
struct error_access;

/// The head of every record.
struct error_record {
  record_lifetime lifetime;
};

/// Looks for an exception of one type behind the pointer; its address or nullptr.
using exception_probe = const void* (*)(const std::exception_ptr&) noexcept;

/// The first payload of that type, or exception that `probe` finds, in err and its causes.
const void* find_payload(const error& err, const std::type_info& type, exception_probe probe);

/// An error with a payload, and with a cause unless that is null.
error make_payload(std::string_view text, std::error_code code, std::shared_ptr<const void> payload,
                   const std::type_info& type, const error& cause) noexcept;

/// An error with a captured exception, and with a cause unless that is null.
error make_captured(const std::exception_ptr& exception, const error& cause) noexcept;

}  // namespace weft::detail
