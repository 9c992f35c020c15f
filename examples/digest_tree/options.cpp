#include "options.hpp"

#include <CLI/CLI.hpp>

#include "support/command_line.hpp"

namespace digest_tree {

std::optional<int> parse(int argc, char** argv, options& chosen) {
  CLI::App app("Prints the SHA-256 of every regular file below DIR..., as sha256sum would.",
               "digest_tree");
  app.add_option("DIR", chosen.roots, "A directory to walk, or a file")->required();
  app.add_option("--hashers", chosen.hashers, "How many files to hash at once")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  support::add_timeout(app, chosen.timeout);
  app.add_flag("--fail-fast", chosen.fail_fast, "Stop at the first file that cannot be read");
  return support::parse(app, argc, argv, {}, chosen.roots);
}

}  // namespace digest_tree
