// A bug that a test sees once in a while, found in milliseconds: explore() runs a function under
// one order of goroutines after another, on one thread, with a clock of its own. docs/testing.md.

#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/testing.hpp>
#include <weft/wait_group.hpp>

namespace {

using namespace std::chrono_literals;

// Loads each name once and keeps it. Or does it?
class cache {
 public:
  std::string get(const std::string& name) {
    {
      const std::lock_guard hold(mutex_);
      if (auto at = values_.find(name); at != values_.end()) {
        return at->second;
      }
      ++loads_;
    }
    std::string value = load(name);  // slow: not under the lock
    const std::lock_guard hold(mutex_);
    return values_[name] = value;
  }
  int loads() const { return loads_; }

 private:
  static std::string load(const std::string& name) {
    weft::sleep(100ms);  // takes no time here
    return "<" + name + ">";
  }
  weft::mutex mutex_;
  std::map<std::string, std::string> values_;
  int loads_ = 0;
};

// The second one asks a while later: nearly always late enough.
void two_that_ask() {
  cache c;
  weft::wait_group all;
  all.go([&] { c.get("weft"); });
  all.go([&] {
    weft::sleep(100ms);
    c.get("weft");
  });
  all.wait();
  if (c.loads() != 1) {
    throw std::logic_error("loaded " + std::to_string(c.loads()) + " times");
  }
}

}  // namespace

int main() {
  const weft::testing::result found = weft::testing::explore(two_that_ask);
  if (found.passed()) {
    std::cout << "no order found in which it fails\n";
    return 1;
  }
  std::cout << found.failure->message << '\n';

  int failed = 0;
  for (int i = 0; i < 100; ++i) {
    try {
      weft::testing::replay(found.failure->seed, two_that_ask);
    } catch (const std::logic_error&) {
      ++failed;
    }
  }
  std::cout << "with its seed it fails " << failed << " times out of 100\n";
}
