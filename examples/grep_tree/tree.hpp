#pragma once

#include <string>
#include <vector>
#include <weft/context.hpp>
#include <weft/error.hpp>

#include "options.hpp"
#include "search.hpp"

namespace grep_tree {

// The error that ends a search which has found what it was looking for.
inline constexpr weft::static_error found_record{"found"};
inline constexpr weft::error found{found_record};

struct findings {
  std::vector<result> matches;  // files that contain the pattern, in the order of their names
  std::size_t failures = 0;     // each was reported on stderr
};

// Searches the trees. An error means that it ended early: found, or the cause of ctx. No goroutine
// is left behind.
weft::error search_trees(const weft::context& ctx, const options& chosen, findings& into);

}  // namespace grep_tree
