#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace digest_tree {

// One line on stderr that shows how far the work has come; nothing when stderr is not a terminal.
// Every function may be called from any thread.
class progress {
 public:
  progress();

  void set_files_total(std::size_t files) { files_total_ = files; }
  void add_bytes(std::size_t bytes);
  void add_file();

  // Writes a message to stderr, clear of the line.
  void say(std::string_view message);

  // Returns write(), which writes lines to stdout, clear of the line if that is a terminal, too.
  template <class Write>
  auto beside(Write write) {
    std::unique_lock lock(painting_, std::defer_lock);
    if (shown_ && stdout_is_terminal_) {
      lock.lock();
      erase();
    }
    return write();
  }

  // Removes the line.
  void finish();

 private:
  using clock = std::chrono::steady_clock;

  void repaint_if_due();
  void paint(clock::time_point now);
  void erase();

  const bool shown_;
  const bool stdout_is_terminal_;
  const clock::time_point began_ = clock::now();
  std::atomic<std::size_t> files_total_ = 0;
  std::atomic<std::size_t> files_done_ = 0;
  std::atomic<std::uint64_t> bytes_done_ = 0;
  std::mutex painting_;  // never held across anything that parks
  clock::time_point painted_ = began_;
  bool on_screen_ = false;
};

}  // namespace digest_tree
