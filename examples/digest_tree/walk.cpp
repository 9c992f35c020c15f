#include "walk.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace digest_tree {
namespace {

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

}  // namespace

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

}  // namespace digest_tree
