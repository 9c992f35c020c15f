#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace support {

// Adds --timeout SECONDS, fractions allowed.
void add_timeout(CLI::App& app, std::optional<std::chrono::duration<double>>& timeout);

// Reads the command line. When the program is to end at once, after --help or a mistake, has said
// why and returns the exit status. CLI11 takes an argument such as [a,b] for a list of two; words
// are the options of arbitrary text, in which that is undone.
std::optional<int> parse(CLI::App& app, int argc, char** argv,
                         const std::vector<std::string*>& words, std::vector<std::string>& paths);

}  // namespace support
