// Prints the SHA-256 of every regular file below some directories, byte for byte as
//   find DIR... -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
// does, with a pipeline of goroutines:
//
//   walkers --listings--> collector, sorts --jobs--> hashers
//                                 \--answers-------------+--> printer
//
// The order must be known before the first line, so the walk ends before the hashing begins. From
// there on the memory is bounded: as many files are under way as the channels have room for.
//
// One context stops it all: Ctrl-C, --timeout, or the first error of a goroutine cancels it, and
// says why. Whatever happens, all goroutines have ended when main returns.

#include <cstdio>
#include <optional>
#include <string>
#include <weft/context.hpp>
#include <weft/error.hpp>
#include <weft/runtime.hpp>

#include "interrupts.hpp"
#include "line.hpp"
#include "options.hpp"
#include "pipeline.hpp"
#include "progress.hpp"

namespace digest_tree {
namespace {

std::string how_far(const tally& count) {
  if (!count.all_found) {
    return ": still looking for files, " + std::to_string(count.found) + " found\n";
  }
  return ": " + std::to_string(count.printed) + " of " + std::to_string(count.found) +
         " files digested\n";
}

// Says why the work was stopped, if it was. Returns the exit status.
int report(const weft::error& stopped, const tally& count, progress& bar) {
  bar.finish();
  if (!stopped) {
    return count.failures == 0 ? 0 : 1;
  }
  if (const interruption* by = weft::as<interruption>(stopped)) {
    bar.say("digest_tree: interrupted" + how_far(count));
    return 128 + by->signal;  // as the shell reports it
  }
  if (is(stopped, weft::deadline_exceeded)) {
    bar.say("digest_tree: timed out" + how_far(count));
    return 124;  // as timeout(1) does
  }
  bar.say(message_line(stopped));
  return 1;
}

int run(const weft::context& root, const options& chosen) {
  auto [ctx, cancel] =
      chosen.timeout ? weft::with_timeout(root, *chosen.timeout) : weft::with_cancel(root);
  progress bar;
  tally count;
  const weft::error stopped = digest_files(ctx, chosen, bar, count);
  return report(stopped, count, bar);
}

}  // namespace
}  // namespace digest_tree

int main(int argc, char** argv) {
  digest_tree::options chosen;
  if (const std::optional<int> status = digest_tree::parse(argc, argv, chosen)) {
    return *status;
  }
  const digest_tree::interrupts watched(weft::background());
  return weft::run([&] { return digest_tree::run(watched.ctx(), chosen); });
}
