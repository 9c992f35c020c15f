#include "walk.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <weft/scope.hpp>
#include <weft/semaphore.hpp>

namespace support {
namespace {

constexpr int directories_at_once = 16;

struct close_directory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

void add(listing& found, std::string path, mode_t type) {
  if (S_ISREG(type)) {
    found.files.push_back(std::move(path));
  } else if (S_ISDIR(type)) {
    found.directories.push_back(std::move(path));
  }
}

// Adds a path whose type is not known yet.
void add(listing& found, std::string path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) == 0) {
    add(found, std::move(path), status.st_mode);
  } else {
    found.failures.push_back({std::move(path), errno});
  }
}

class walker {
 public:
  explicit walker(weft::send_chan<listing> found) : found_(found) {}

  // Sends what was found at one place, and has the directories in it walked.
  weft::error visit(weft::scope& tasks, listing here) {
    for (std::string& directory : here.directories) {
      tasks.go([this, &tasks, directory = std::move(directory)](const weft::context& ctx) {
        return enter(tasks, ctx, directory);
      });
    }
    const bool sent = found_.send(tasks.ctx(), std::move(here)) == weft::chan_status::ok;
    return sent ? nullptr : cause(tasks.ctx());
  }

 private:
  weft::error enter(weft::scope& tasks, const weft::context& ctx, const std::string& directory) {
    if (open_.acquire(ctx)) {
      return cause(ctx);
    }
    weft::semaphore::permit slot(open_, std::adopt_lock);
    listing below = read_directory(directory);
    slot.release();
    return visit(tasks, std::move(below));
  }

  weft::semaphore open_{directories_at_once};
  const weft::send_chan<listing> found_;
};

}  // namespace

weft::error walk(const weft::context& parent, const std::vector<std::string>& roots,
                 weft::send_chan<listing> found) {
  walker all(found);
  return with_scope(parent, [&](weft::scope& tasks) {
    for (const std::string& root : roots) {
      tasks.go([&] { return all.visit(tasks, inspect(root)); });
    }
  });
}

listing inspect(const std::string& path) {
  listing found;
  add(found, path);
  return found;
}

listing read_directory(const std::string& path) {
  listing found;
  const std::unique_ptr<DIR, close_directory> directory(::opendir(path.c_str()));
  if (directory == nullptr) {
    found.failures.push_back({path, errno});
    return found;
  }
  const std::string prefix = path.ends_with('/') ? path : path + '/';
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      if (errno != 0) {
        found.failures.push_back({path, errno});
      }
      return found;
    }
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    if (entry->d_type == DT_UNKNOWN) {  // some file systems do not say
      add(found, prefix + entry->d_name);
    } else {
      add(found, prefix + entry->d_name, static_cast<mode_t>(DTTOIF(entry->d_type)));
    }
  }
}

}  // namespace support
