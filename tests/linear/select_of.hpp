#pragma once
// A select as select_spec describes it, done to two channels.
#include <weft/exceptions.hpp>
#include <weft/select.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "linear/specs.hpp"

namespace weft::linear {

/// `cases`: the sum of some receives and sends, and perhaps `otherwise`. Returns its result.
inline std::int64_t select_of(int cases, const std::array<chan<std::int64_t>, 2>& both,
                              std::int64_t value) {
  std::optional<std::int64_t> got;
  std::vector<select_case> list;
  std::vector<int> which;
  for (const std::size_t x : {0u, 1u}) {
    if (const int receive = cases & (select_spec::recv_a << x); receive != 0) {
      list.emplace_back(weft::recv(both[x], got));
      which.push_back(receive);
    }
    if (const int sends = cases & (select_spec::send_a << x); sends != 0) {
      list.emplace_back(weft::send(both[x], value));
      which.push_back(sends);
    }
  }
  if ((cases & select_spec::otherwise) != 0) {
    list.emplace_back(otherwise());
    which.push_back(select_spec::otherwise);
  }
  try {
    const int went = which[select(list)];
    const bool received = went <= select_spec::recv_b;
    return select_spec::result(went, received ? got.value_or(select_spec::no_value) : 0);
  } catch (const closed_channel&) {
    return select_spec::threw;
  }
}

}  // namespace weft::linear
