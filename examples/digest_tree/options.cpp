#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

namespace digest_tree {
namespace {

// CLI11 takes an argument such as [a,b] for a list of two. A byte in front hides the bracket.
constexpr char hiding = '\1';

// In the order that CLI::App::parse wants: last first.
std::vector<std::string> protected_arguments(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (argument.starts_with('[') || argument.starts_with(hiding)) {
      argument.insert(argument.begin(), hiding);
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

std::string unprotected(std::string argument) {
  if (argument.starts_with(hiding)) {
    argument.erase(argument.begin());
  }
  return argument;
}

}  // namespace

std::optional<int> parse(int argc, char** argv, options& chosen) {
  CLI::App app("Prints the SHA-256 of every regular file below DIR..., as sha256sum would.",
               "digest_tree");
  app.add_option("DIR", chosen.roots, "A directory to walk, or a file")->required();
  app.add_option("--hashers", chosen.hashers, "How many files to hash at once")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  try {
    std::vector<std::string> arguments = protected_arguments(argc, argv);
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(stderr, "digest_tree: %s\n%s", wrong.what(), app.help().c_str());
    return 2;
  }
  for (std::string& root : chosen.roots) {
    root = unprotected(std::move(root));
  }
  return std::nullopt;
}

}  // namespace digest_tree
