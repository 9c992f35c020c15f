#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

namespace support {
namespace {

// A byte in front hides the bracket.
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

void unprotect(std::string& argument) {
  if (argument.starts_with(hiding)) {
    argument.erase(argument.begin());
  }
}

}  // namespace

void add_timeout(CLI::App& app, std::optional<std::chrono::duration<double>>& timeout) {
  app.add_option_function<double>(
         "--timeout",
         [&timeout](const double& seconds) {
           if (!(seconds > 0)) {  // or it is not a number
             throw CLI::ValidationError("--timeout", "SECONDS must be more than 0");
           }
           timeout.emplace(seconds);
         },
         "Stop after so long, fractions allowed, with exit status 124")
      ->type_name("SECONDS");
}

std::optional<int> parse(CLI::App& app, int argc, char** argv,
                         const std::vector<std::string*>& words, std::vector<std::string>& paths) {
  try {
    std::vector<std::string> arguments = protected_arguments(argc, argv);
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(stderr, "%s: %s\n%s", app.get_name().c_str(), wrong.what(), app.help().c_str());
    return 2;
  }
  for (std::string* word : words) {
    unprotect(*word);
  }
  for (std::string& path : paths) {
    unprotect(path);
  }
  return std::nullopt;
}

}  // namespace support
