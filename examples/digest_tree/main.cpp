// Prints the SHA-256 of every regular file below some directories, byte for byte as
//   find DIR... -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
// does, with a pipeline of goroutines:
//
//   walkers --listings--> collector, sorts --jobs--> hashers
//                                 \--answers-------------+--> printer
//
// The order must be known before the first line, so the walk ends before the hashing begins. From
// there on the memory is bounded: as many files are under way as the channels have room for.

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/wait_group.hpp>

#include "hash.hpp"
#include "line.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "walk.hpp"

namespace digest_tree {
namespace {

constexpr std::size_t directories_at_once = 16;
constexpr std::size_t answers_ahead = 1024;  // how far the hashers may run ahead of the printer

// A file to hash, and where its digest is awaited.
struct job {
  std::string path;
  weft::send_chan<digest> answer;
};

// A line to print: the printer takes them in order, whenever each digest is ready.
struct pending_line {
  std::string path;
  weft::recv_chan<digest> answer;
};

// Walks every tree at once, a goroutine for each directory.
class walker {
 public:
  explicit walker(weft::chan<listing> found) : found_(found) {}

  void walk(const std::vector<std::string>& roots) {
    for (const std::string& root : roots) {
      wait_group_.go([this, root] { visit(inspect(root)); });
    }
    wait_group_.wait();
  }

 private:
  void visit(listing here) {
    for (std::string& directory : here.directories) {
      wait_group_.go([this, directory = std::move(directory)] {
        slots_.send({});  // limits how many directories are open
        listing below = read_directory(directory);
        slots_.recv();
        visit(std::move(below));
      });
    }
    found_.send(std::move(here));
  }

  weft::wait_group wait_group_;
  weft::chan<weft::unit> slots_ = weft::make_chan<weft::unit>(directories_at_once);
  weft::chan<listing> found_;
};

// Collects what the walkers find, in the order of LC_ALL=C sort. Counts failures.
std::vector<std::string> find_files(const std::vector<std::string>& roots, progress& bar,
                                    std::size_t& failures) {
  const auto found = weft::make_chan<listing>(directories_at_once);
  weft::go([&roots, found] {
    walker(found).walk(roots);
    found.close();
  });
  std::vector<std::string> files;
  for (listing part : found) {
    std::move(part.files.begin(), part.files.end(), std::back_inserter(files));
    for (const failure& failed : part.failures) {
      bar.say(failure_line(failed.path, failed.error));
      ++failures;
    }
  }
  std::sort(files.begin(), files.end());  // std::string compares bytes as unsigned, as memcmp does
  return files;
}

void hash_jobs(weft::recv_chan<job> jobs, progress& bar) {
  hasher hash;
  for (job next : jobs) {
    // A file may take seconds to read: say so beforehand, and the other goroutines go on.
    digest result = weft::blocking(
        [&] { return hash(next.path, [&](std::size_t bytes) { bar.add_bytes(bytes); }); });
    bar.add_file();
    next.answer.send(std::move(result));  // has room for one: never waits for the printer
  }
}

// Hands out the files in order, to the hashers and, as lines to come, to the printer.
void deal(std::vector<std::string> files, weft::send_chan<job> jobs,
          weft::send_chan<pending_line> lines) {
  for (std::string& path : files) {
    const auto answer = weft::make_chan<digest>(1);
    lines.send({path, answer});
    jobs.send({std::move(path), answer});
  }
  jobs.close();
  lines.close();
}

// Prints the lines in order. Counts failures. False when stdout cannot be written.
bool print(weft::recv_chan<pending_line> lines, progress& bar, std::size_t& failures) {
  for (const pending_line& line : lines) {
    digest result;
    if (line.answer.try_recv(result) != weft::chan_status::ok) {
      std::fflush(stdout);  // nothing to print for a while: show what there is
      result = *line.answer.recv();
    }
    if (result.error != 0) {
      bar.say(failure_line(line.path, result.error));
      ++failures;
      continue;
    }
    const std::string text = digest_line(result.hex, line.path);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
      return false;
    }
  }
  return std::fflush(stdout) == 0;
}

int run(const options& chosen) {
  progress bar;
  std::size_t failures = 0;
  std::vector<std::string> files = find_files(chosen.roots, bar, failures);
  bar.set_files_total(files.size());

  const std::size_t hashers =
      chosen.hashers != 0 ? chosen.hashers : 2 * static_cast<std::size_t>(weft::max_procs());
  const auto jobs = weft::make_chan<job>(hashers);
  const auto lines = weft::make_chan<pending_line>(answers_ahead);
  weft::wait_group hashing;
  for (std::size_t i = 0; i < hashers; ++i) {
    hashing.go([jobs, &bar] { hash_jobs(jobs, bar); });
  }
  weft::go(
      [files = std::move(files), jobs, lines]() mutable { deal(std::move(files), jobs, lines); });

  const bool written = print(lines, bar, failures);
  if (!written) {
    bar.say(failure_line("write error", errno));
    std::_Exit(1);  // the other goroutines are still at work; nobody wants their results
  }
  hashing.wait();
  bar.finish();
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace digest_tree

int main(int argc, char** argv) {
  digest_tree::options chosen;
  if (const std::optional<int> status = digest_tree::parse(argc, argv, chosen)) {
    return *status;
  }
  return weft::run([&chosen] { return digest_tree::run(chosen); });
}
