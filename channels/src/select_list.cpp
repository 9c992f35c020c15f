// Select over a list of cases that is known only at run time (SE-14).
#include <weft/select.hpp>

#include <string>

namespace weft {
namespace {

constexpr std::size_t few = 16;

std::size_t select_list(std::span<select_case> cases, bool biased) {
  const std::size_t n = cases.size();
  if (n > detail::max_select_cases) {
    throw misuse("weft: select: " + std::to_string(n) + " cases; at most 65536 are possible");
  }
  std::size_t default_at = n;
  for (std::size_t i = 0; i < n; ++i) {
    if (cases[i].is_default()) {
      if (default_at != n) {
        throw misuse("weft: select: cases " + std::to_string(default_at) + " and " +
                     std::to_string(i) + " are both otherwise(); at most one is possible");
      }
      default_at = i;
    }
  }

  detail::select_entry few_entries[few];
  std::uint32_t few_orders[few];
  detail::chan_core* few_locks[few];
  detail::waiter few_waiters[few];
  std::vector<detail::select_entry> many_entries;
  std::vector<std::uint32_t> many_orders;
  std::vector<detail::chan_core*> many_locks;
  std::vector<detail::waiter> many_waiters;
  detail::select_entry* entries = few_entries;
  detail::select_scratch scratch{few_orders, few_locks, few_waiters};
  if (n > few) {
    many_entries.resize(n);
    many_orders.resize(n);
    many_locks.resize(n);
    many_waiters.resize(n);
    entries = many_entries.data();
    scratch = {many_orders.data(), many_locks.data(), many_waiters.data()};
  }
  for (std::size_t i = 0; i < n; ++i) {
    entries[i] = cases[i].entry();
  }
  const auto count = static_cast<std::uint32_t>(n);
  detail::select_result r(detail::select_result::took_default);
  if (default_at == n || !detail::no_entry_can_go(entries, count)) {
    r = detail::select_core(entries, count, {biased, default_at != n}, scratch);
  }
  const std::size_t won = r.index() == detail::select_result::took_default ? default_at : r.index();
  cases[won].finish(r.closed());
  return won;
}

}  // namespace

std::size_t select(std::span<select_case> cases) { return select_list(cases, false); }
std::size_t select_biased(std::span<select_case> cases) { return select_list(cases, true); }

}  // namespace weft
