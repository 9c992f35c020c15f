#pragma once
// The goroutine_local values of one goroutine or foreign thread. Used by its owner only; by the
// spawner before the goroutine is submitted. Every function but find() and empty() may run user
// code, which may wait, move to another thread, and use the same object.
#include <weft/detail/locals.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace weft::detail {

class local_values {
 public:
  local_values() = default;
  ~local_values() { clear(); }
  local_values(const local_values&) = delete;
  local_values& operator=(const local_values&) = delete;

  void* find(std::uint64_t key) const;
  void add(std::uint64_t key, void* value, const local_type& type);
  void drop(std::uint64_t key) noexcept;

  /// Destroys all, the last one made first; also what their destructors make.
  void clear() noexcept;

  /// Copies of what is inherited; nullptr if nothing is. What a copy constructor throws leaves
  /// nothing behind.
  std::unique_ptr<local_values> inherit() const;

 private:
  struct entry {
    std::uint64_t key;
    void* value;  // nullptr: is being destroyed
    const local_type* type;
  };
  // In the order in which they were made. Few, so a search from the front will do.
  std::vector<entry> entries_;
  std::size_t inheritable_ = 0;  // values that are copied; after clear() it does not matter
};

/// What a goroutine inherits that the caller is about to start; nullptr nearly always.
std::unique_ptr<local_values> inherited_locals();

}  // namespace weft::detail
