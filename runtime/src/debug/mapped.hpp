#pragma once
// An object in memory of its own from the system: dumps are made on small stacks, and in crashed
// processes, where malloc cannot be trusted.
#include <new>
#include <utility>

#include "detail/sys.hpp"

namespace weft::detail {

template <class T>
class mapped {
 public:
  template <class... Args>
  explicit mapped(Args&&... args) noexcept : at_(nullptr) {
    if (void* room = sys.map(sizeof(T))) {
      at_ = new (room) T(std::forward<Args>(args)...);
    }
  }
  ~mapped() {
    if (at_ != nullptr) {
      at_->~T();
      sys.unmap(at_, sizeof(T));
    }
  }
  mapped(const mapped&) = delete;
  mapped& operator=(const mapped&) = delete;

  /// False: the system gave no memory.
  explicit operator bool() const noexcept { return at_ != nullptr; }
  T& operator*() const noexcept { return *at_; }
  T* operator->() const noexcept { return at_; }

 private:
  T* at_;
};

}  // namespace weft::detail
