// How a context was derived, as text (CX-20).
#include <weft/context.hpp>

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <vector>

#include "custom.hpp"
#include "merged.hpp"

namespace weft {
namespace detail {
namespace {

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : type.name();
}

std::string time_left(std::int64_t deadline) {
  const double seconds = static_cast<double>(deadline - now_ns()) * 1e-9;
  char text[64];
  std::snprintf(text, sizeof text, seconds >= 0 ? "in %.3gs" : "%.3gs ago",
                seconds >= 0 ? seconds : -seconds);
  return text;
}

// The last step of n's derivation.
std::string step_of(const context_node* n) {
  switch (n->kind()) {
    case context_kind::background:
      return "context.background";
    case context_kind::todo:
      return "context.todo";
    case context_kind::value: {
      const auto* v = static_cast<const value_node*>(n);
      return (v->at != nullptr ? ".with_value(" : ".with_value(no ") + type_name(v->key.type()) +
             ")";
    }
    case context_kind::without_cancel:
      return ".without_cancel";
    case context_kind::custom:
      return static_cast<const custom_node*>(n)->user().name();
    case context_kind::cancel:
      return ".with_cancel";
    case context_kind::cancel_cause:
      return ".with_cancel_cause";
    case context_kind::deadline:
      return ".with_deadline(" + time_left(static_cast<const cancel_node*>(n)->deadline()) + ")";
    case context_kind::stop_token:
      return ".with_stop_token";
    case context_kind::merged:
      return "context.merge";
    case context_kind::shadow:
      return "shadow";
  }
  return "?";
}

constexpr int most_nested = 4;  // of merged contexts in merged contexts

void append(std::string& text, const context_node* from, int nested) {
  std::vector<const context_node*> chain;
  for (const context_node* n = from; n != nullptr; n = n->parent()) {
    chain.push_back(n);
  }
  for (auto n = chain.rbegin(); n != chain.rend(); ++n) {
    text += step_of(*n);
    if ((*n)->kind() == context_kind::merged) {
      const char* before = "(";
      for (const context_node* p : static_cast<const merged_node*>(*n)->parents()) {
        text += before;
        before = ", ";
        if (nested == most_nested) {
          text += "...";
          break;
        }
        append(text, p, nested + 1);
      }
      text += ")";
    }
  }
}

}  // namespace
}  // namespace detail

std::string to_string(const context& ctx) {
  std::string text;
  detail::append(text, &detail::context_access::node(ctx, "to_string"), 0);
  return text;
}

std::ostream& operator<<(std::ostream& out, const context& ctx) { return out << to_string(ctx); }

}  // namespace weft
