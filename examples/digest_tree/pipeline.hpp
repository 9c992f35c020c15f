#pragma once

#include <cstddef>
#include <weft/context.hpp>
#include <weft/error.hpp>

#include "options.hpp"
#include "progress.hpp"

namespace digest_tree {

// How far the work has come.
struct tally {
  std::size_t found = 0;     // files, so far
  bool all_found = false;    // the walk is over
  std::size_t printed = 0;   // lines
  std::size_t failures = 0;  // places and files that could not be read
};

// Does the whole work. An error means that it was stopped before its end: the cause of ctx, what
// writing to stdout failed with, or, if the first failure is to stop it, that failure. The lines on
// stdout are then the first ones of what would have been printed. No goroutine is left behind.
weft::error digest_files(const weft::context& ctx, const options& chosen, progress& bar,
                         tally& count);

}  // namespace digest_tree
