#include "pipeline.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <utility>
#include <vector>
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>

#include "hash.hpp"
#include "line.hpp"
#include "support/walk.hpp"

namespace digest_tree {
namespace {

constexpr std::size_t listings_ahead = 16;
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

// Collects what the walkers find, in the order of LC_ALL=C sort.
weft::error find_files(const weft::context& parent, const options& chosen, progress& bar,
                       tally& count, std::vector<std::string>& files) {
  const auto found = weft::make_chan<support::listing>(listings_ahead);
  const weft::error err = with_scope(parent, [&](weft::scope& tasks) -> weft::error {
    tasks.go([&](const weft::context& ctx) {
      weft::error stopped = walk(ctx, chosen.roots, found);
      found.close();
      return stopped;
    });
    for (support::listing part : found) {
      count.found += part.files.size();
      std::move(part.files.begin(), part.files.end(), std::back_inserter(files));
      for (const support::failure& failed : part.failures) {
        if (chosen.fail_fast) {
          return failure(failed.path, failed.error);  // stops the walkers
        }
        bar.say(message_line(failure(failed.path, failed.error)));
        ++count.failures;
      }
    }
    return nullptr;
  });
  if (!err) {
    std::sort(files.begin(), files.end());  // std::string compares bytes as unsigned, like memcmp
    count.all_found = true;
  }
  return err;
}

weft::error hash_jobs(const weft::context& ctx, weft::recv_chan<job> jobs, bool fail_fast,
                      progress& bar) {
  hasher hash;
  job next;
  while (jobs.recv(ctx, next) == weft::chan_status::ok) {
    // A file may take seconds to read: say so beforehand, and the other goroutines go on.
    std::optional<digest> result = weft::blocking(
        [&] { return hash(ctx, next.path, [&](std::size_t bytes) { bar.add_bytes(bytes); }); });
    if (!result) {
      break;
    }
    if (fail_fast && result->error != 0) {
      return failure(next.path, result->error);  // cancels ctx: everybody stops
    }
    bar.add_file();
    next.answer.send(std::move(*result));  // has room for one: never waits for the printer
  }
  return cause(ctx);
}

// Hands out the files in order, to the hashers and, as lines to come, to the printer.
weft::error deal(const weft::context& ctx, std::vector<std::string>& files,
                 weft::send_chan<job> jobs, weft::send_chan<pending_line> lines) {
  for (std::string& path : files) {
    const auto answer = weft::make_chan<digest>(1);
    if (lines.send(ctx, pending_line{path, answer}) != weft::chan_status::ok ||
        jobs.send(ctx, job{std::move(path), answer}) != weft::chan_status::ok) {
      return cause(ctx);
    }
  }
  jobs.close();
  lines.close();
  return nullptr;
}

// Receives; once ctx is done, only what is there already.
template <class T>
bool receive(const weft::context& ctx, const weft::recv_chan<T>& from, T& v) {
  const weft::chan_status s = from.recv(ctx, v);
  return s == weft::chan_status::ok ||
         (s == weft::chan_status::canceled && from.try_recv(v) == weft::chan_status::ok);
}

// Prints the lines in order; once ctx is done, those that are complete.
weft::error print(const weft::context& ctx, weft::recv_chan<pending_line> lines, progress& bar,
                  tally& count) {
  pending_line line;
  while (receive(ctx, lines, line)) {
    digest result;
    if (line.answer.try_recv(result) != weft::chan_status::ok) {
      // Nothing to print for a while: show what there is.
      if (weft::error unwritten = flush_lines()) {
        return unwritten;
      }
      if (!receive(ctx, line.answer, result)) {
        break;
      }
    }
    if (result.error != 0) {
      bar.say(message_line(failure(line.path, result.error)));
      ++count.failures;
      continue;
    }
    const std::string text = digest_line(result.hex, line.path);
    if (weft::error unwritten = bar.beside([&] { return write_line(text); })) {
      return unwritten;
    }
    ++count.printed;
  }
  if (weft::error unwritten = flush_lines()) {
    return unwritten;
  }
  return cause(ctx);
}

}  // namespace

weft::error digest_files(const weft::context& parent, const options& chosen, progress& bar,
                         tally& count) {
  std::vector<std::string> files;
  if (weft::error stopped = find_files(parent, chosen, bar, count, files)) {
    return stopped;
  }
  bar.set_files_total(files.size());

  const std::size_t hashers =
      chosen.hashers != 0 ? chosen.hashers : 2 * static_cast<std::size_t>(weft::max_procs());
  const auto jobs = weft::make_chan<job>(hashers);
  const auto lines = weft::make_chan<pending_line>(answers_ahead);
  // The first of these that fails, or that finds ctx done, stops the others.
  return with_scope(parent, [&](weft::scope& tasks) {
    for (std::size_t i = 0; i < hashers; ++i) {
      tasks.go(
          [&](const weft::context& ctx) { return hash_jobs(ctx, jobs, chosen.fail_fast, bar); });
    }
    tasks.go([&](const weft::context& ctx) { return deal(ctx, files, jobs, lines); });
    return print(tasks.ctx(), lines, bar, count);
  });
}

}  // namespace digest_tree
