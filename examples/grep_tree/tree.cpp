#include "tree.hpp"

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>

#include "support/walk.hpp"

namespace grep_tree {
namespace {

constexpr std::size_t room = 64;  // in each channel

// A failure goes the same way as what was found: the collector counts and reports.
weft::error deal(const weft::context& ctx, weft::recv_chan<support::listing> listings,
                 weft::send_chan<std::string> paths, weft::send_chan<result> results) {
  support::listing part;
  while (listings.recv(ctx, part) == weft::chan_status::ok) {
    for (support::failure& failed : part.failures) {
      (void)results.send(ctx, result{std::move(failed.path), {}, failed.error});
    }
    for (std::string& path : part.files) {
      if (paths.send(ctx, std::move(path)) != weft::chan_status::ok) {
        break;
      }
    }
  }
  return cause(ctx);
}

weft::error search_files(const weft::context& ctx, const options& chosen,
                         weft::recv_chan<std::string> paths, weft::send_chan<result> results) {
  const bool one_line = chosen.first_only || chosen.names_only;
  searcher search(chosen.pattern);
  std::string path;
  while (paths.recv(ctx, path) == weft::chan_status::ok) {
    // Reading may take long: say so beforehand, and the other goroutines go on.
    result one = weft::blocking(
        [&] { return search(ctx, path, one_line ? extent::first_line : extent::all_lines); });
    if (!one.lines.empty() || one.error != 0) {
      (void)results.send(ctx, std::move(one));
    }
  }
  return cause(ctx);
}

// walkers --listings--> dealer --paths--> searchers --results--> the caller
weft::error produce(const weft::context& parent, const options& chosen,
                    weft::send_chan<result> results) {
  const auto listings = weft::make_chan<support::listing>(room);
  const auto paths = weft::make_chan<std::string>(room);
  return with_scope(parent, [&](weft::scope& tasks) {
    tasks.go([&](const weft::context& ctx) {
      weft::error err = walk(ctx, chosen.roots, listings);
      listings.close();
      return err;
    });
    tasks.go([&](const weft::context& ctx) {
      weft::error err = deal(ctx, listings, paths, results);
      paths.close();
      return err;
    });
    for (int i = 0; i < 2 * weft::max_procs(); ++i) {
      tasks.go([&](const weft::context& ctx) { return search_files(ctx, chosen, paths, results); });
    }
  });
}

}  // namespace

weft::error search_trees(const weft::context& parent, const options& chosen, findings& into) {
  const auto results = weft::make_chan<result>(room);
  const weft::error ended = with_scope(parent, [&](weft::scope& tasks) -> weft::error {
    tasks.go([&](const weft::context& ctx) {
      weft::error err = produce(ctx, chosen, results);
      results.close();
      return err;
    });
    for (result& one : results) {
      if (!one.lines.empty()) {
        into.matches.push_back(std::move(one));
        if (chosen.first_only) {
          return found;  // the first error of the scope: cancels all others, with this as cause
        }
      } else {
        ++into.failures;
        const std::string why = std::generic_category().message(one.error);
        std::fprintf(stderr, "grep_tree: %s: %s\n", one.path.c_str(), why.c_str());
      }
    }
    return nullptr;
  });
  std::sort(into.matches.begin(), into.matches.end(),
            [](const result& a, const result& b) { return a.path < b.path; });
  return ended;
}

}  // namespace grep_tree
