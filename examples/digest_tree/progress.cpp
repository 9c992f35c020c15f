#include "progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace digest_tree {
namespace {

constexpr std::chrono::milliseconds repaint_every{100};
constexpr std::size_t bar_width = 30;

}  // namespace

progress::progress()
    : shown_(::isatty(STDERR_FILENO) == 1), stdout_is_terminal_(::isatty(STDOUT_FILENO) == 1) {}

void progress::add_bytes(std::size_t bytes) {
  bytes_done_ += bytes;
  repaint_if_due();
}

void progress::add_file() {
  ++files_done_;
  repaint_if_due();
}

void progress::say(std::string_view message) {
  const std::lock_guard lock(painting_);
  erase();
  std::fwrite(message.data(), 1, message.size(), stderr);
}

void progress::finish() {
  const std::lock_guard lock(painting_);
  erase();
}

void progress::repaint_if_due() {
  if (!shown_) {
    return;
  }
  const std::unique_lock lock(painting_, std::try_to_lock);
  const auto now = clock::now();
  if (lock.owns_lock() && now - painted_ >= repaint_every) {
    painted_ = now;
    paint(now);
  }
}

void progress::paint(clock::time_point now) {
  const std::size_t done = files_done_;
  const std::size_t total = std::max<std::size_t>(files_total_, 1);
  const std::size_t filled = std::min(bar_width, bar_width * done / total);
  const std::string bar = std::string(filled, '#') + std::string(bar_width - filled, '.');
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const double megabytes = static_cast<double>(bytes_done_) / 1e6;
  std::fprintf(stderr, "\r\033[K[%s] %zu/%zu files  %.1f MB  %.1f MB/s", bar.c_str(), done, total,
               megabytes, megabytes / seconds);
  on_screen_ = true;
}

void progress::erase() {
  if (on_screen_) {
    std::fputs("\r\033[K", stderr);
    on_screen_ = false;
  }
}

}  // namespace digest_tree
