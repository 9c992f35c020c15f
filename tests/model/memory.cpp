#include "memory.hpp"

#include <algorithm>
#include <atomic>
#include <memory_resource>

namespace weft::model {
namespace {

bool acquires(std::memory_order o) {
  return o == std::memory_order_acquire || o == std::memory_order_acq_rel ||
         o == std::memory_order_seq_cst;
}
bool releases(std::memory_order o) {
  return o == std::memory_order_release || o == std::memory_order_acq_rel ||
         o == std::memory_order_seq_cst;
}

}  // namespace

namespace {
std::pmr::memory_resource& own_room() {
  static std::byte buffer[64 << 20];
  static std::pmr::monotonic_buffer_resource room(buffer, sizeof buffer,
                                                  std::pmr::null_memory_resource());
  static std::pmr::unsynchronized_pool_resource pool(&room);
  return pool;
}
}  // namespace

void* own_allocate(std::size_t bytes) { return own_room().allocate(bytes); }
void own_free(void* at, std::size_t bytes) noexcept { own_room().deallocate(at, bytes); }

void memory::reset(std::size_t threads, int stale_budget) {
  locations_.clear();
  published_.clear();
  threads_.assign(threads, {});
  sequential_.clear();
  next_number_ = 0;
  stale_left_ = stale_budget;
}

memory::location& memory::at(const void* address, std::uint64_t value) {
  const auto [it, fresh] = locations_.try_emplace(address);
  if (fresh) {
    it->second = {next_number_++, {{value, {}}}};
  }
  return it->second;
}

void memory::join(view& to, const view& from) {
  if (to.size() < from.size()) {
    to.resize(from.size());
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = std::max(to[i], from[i]);
  }
}

std::uint32_t& memory::entry(view& v, std::uint32_t number) {
  if (v.size() <= number) {
    v.resize(number + 1);
  }
  return v[number];
}

std::uint32_t memory::oldest(std::size_t thread, const location& l, std::memory_order order) {
  std::uint32_t from = entry(threads_[thread], l.number);
  if (order == std::memory_order_seq_cst) {
    from = std::max(from, entry(sequential_, l.number));
  }
  return from;
}

std::size_t memory::candidates(std::size_t thread, const void* address, std::memory_order order) {
  const auto it = locations_.find(address);
  if (stale_left_ == 0 || it == locations_.end()) {
    return 1;
  }
  return it->second.stores.size() - oldest(thread, it->second, order);
}

std::uint64_t memory::load(std::size_t thread, const void* address, std::uint64_t newest,
                           std::size_t nth, std::memory_order order) {
  location& l = at(address, newest);
  const std::size_t index = l.stores.size() - 1 - nth;
  stale_left_ -= nth != 0;
  entry(threads_[thread], l.number) = static_cast<std::uint32_t>(index);
  if (acquires(order)) {
    join(threads_[thread], l.stores[index].released);
  }
  return l.stores[index].value;
}

void memory::store(std::size_t thread, const void* address, std::uint64_t before,
                   std::uint64_t after, std::memory_order order, bool read) {
  location& l = at(address, before);
  view& mine = threads_[thread];
  view released;
  if (read) {
    released = l.stores.back().released;  // a release sequence goes on
    if (acquires(order)) {
      join(mine, released);
    }
  }
  entry(mine, l.number) = static_cast<std::uint32_t>(l.stores.size());
  if (releases(order)) {
    join(released, mine);
  }
  if (order == std::memory_order_seq_cst) {
    entry(sequential_, l.number) = static_cast<std::uint32_t>(l.stores.size());
  }
  l.stores.push_back({after, std::move(released)});
}

void memory::barrier_everywhere(std::size_t thread) {
  view& mine = threads_[thread];
  for (view& other : threads_) {
    if (&other != &mine) {
      join(mine, other);
    }
  }
  for (view& other : threads_) {
    join(other, mine);
  }
}

void memory::catch_up(std::size_t thread) {
  for (auto& [address, l] : locations_) {
    entry(threads_[thread], l.number) = static_cast<std::uint32_t>(l.stores.size() - 1);
  }
}

bool memory::up_to_date(std::size_t thread, const void* address) const {
  const auto it = locations_.find(address);
  if (it == locations_.end()) {
    return true;
  }
  const view& v = threads_[thread];
  const std::uint32_t n = it->second.number;
  return (n < v.size() ? v[n] : 0) + 1 == it->second.stores.size();
}

}  // namespace weft::model
