#pragma once
// Is a history linearizable? Wing and Gong's search with Lowe's memory of configurations seen: each
// operation must have taken effect at one moment between its call and its return, in an order that
// a sequential object allows. Operations may block: they take effect only when the object lets
// them, two of them together where they meet (a send and a receive without a buffer). A history is
// taken when all parties have ended or are parked: what has not returned then has not taken effect,
// and if it could have, a wake-up was lost.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace weft::linear {

inline constexpr std::uint64_t not_returned = std::numeric_limits<std::uint64_t>::max();

/// One operation of one party. What kind, argument and result mean is the specification's matter.
struct operation {
  int party = 0;
  int kind = 0;
  std::int64_t argument = 0;
  std::int64_t result = 0;
  std::uint64_t called = 0;
  std::uint64_t returned = not_returned;
  bool pending() const noexcept { return returned == not_returned; }
};

using history = std::vector<operation>;

// A specification has:
//   struct state: copyable, with == and std::string key() const
//   state initial() const
//   bool step(state&, const operation&, bool pending) const
//        the operation takes effect; false: not now. `pending`: it waits still, could it go on?
//   bool meet(state&, const operation& a, const operation& b) const      the same for two at once
//   bool may_block(const state&, const operation&, const Others& any_other) const
//        one that waits may do so for ever, though it could go on, since any_other(of which this is
//        true) waits, too
//   std::string text(const operation&) const

/// How the search ended.
struct verdict {
  bool ok = true;
  history failing;   ///< the shortest beginning of the history that has no explanation
  std::string text;  ///< that, for people
};

template <class Spec>
class checker {
 public:
  explicit checker(const Spec& spec) : spec_(spec) {}

  verdict check(history h) const {
    std::sort(h.begin(), h.end(),
              [](const operation& a, const operation& b) { return a.called < b.called; });
    if (explained(h, not_returned)) {
      return {};
    }
    return shortest(h);
  }

 private:
  // A history may be looked at up to a moment: what was called by then and returned later may have
  // taken effect or not. What never returned has not. At the end nobody waits who could go on.
  struct beginning {
    const history& all;
    std::uint64_t moment;  // not_returned: all of it
    bool whole() const { return moment == not_returned; }
  };

  bool explained(const history& h, std::uint64_t moment) const {
    seen_.clear();
    std::vector<bool> done(h.size());
    return search({h, moment}, done, spec_.initial());
  }

  bool search(const beginning& part, std::vector<bool>& done, const typename Spec::state& s) const {
    const history& h = part.all;
    std::uint64_t horizon = part.moment;  // who was called after that cannot be next
    bool complete = true;
    for (std::size_t i = 0; i < h.size(); ++i) {
      if (!done[i] && !h[i].pending() && h[i].returned <= part.moment) {
        horizon = std::min(horizon, h[i].returned);
        complete = false;
      }
    }
    if (complete && (!part.whole() || all_must_block(h, done, s))) {
      return true;
    }
    if (!seen_.insert(configuration(done, s)).second) {
      return false;
    }
    for (std::size_t i = 0; i < h.size() && h[i].called <= horizon; ++i) {
      if (done[i] || h[i].pending()) {
        continue;
      }
      done[i] = true;
      typename Spec::state next = s;
      if (spec_.step(next, h[i], false) && search(part, done, next)) {
        return true;
      }
      for (std::size_t k = 0; k < h.size() && h[k].called <= horizon; ++k) {
        if (done[k] || h[k].pending()) {
          continue;
        }
        next = s;
        if (spec_.meet(next, h[i], h[k])) {
          done[k] = true;
          if (search(part, done, next)) {
            return true;
          }
          done[k] = false;
        }
      }
      done[i] = false;
    }
    return false;
  }

  // No operation that blocks could take effect now.
  bool all_must_block(const history& h, const std::vector<bool>& done,
                      const typename Spec::state& s) const {
    for (std::size_t i = 0; i < h.size(); ++i) {
      const auto any_other = [&](auto is) {
        for (std::size_t k = 0; k < h.size(); ++k) {
          if (k != i && !done[k] && is(h[k])) {
            return true;
          }
        }
        return false;
      };
      if (done[i] || spec_.may_block(s, h[i], any_other)) {
        continue;
      }
      typename Spec::state next = s;
      if (spec_.step(next, h[i], true)) {
        return false;
      }
      for (std::size_t k = 0; k < h.size(); ++k) {
        next = s;
        if (!done[k] && k != i && spec_.meet(next, h[i], h[k])) {
          return false;
        }
      }
    }
    return true;
  }

  static std::string configuration(const std::vector<bool>& done, const typename Spec::state& s) {
    std::string key;
    key.reserve(done.size() / 8 + 16);
    unsigned char byte = 0;
    for (std::size_t i = 0; i < done.size(); ++i) {
      byte = static_cast<unsigned char>(byte | (done[i] ? 1u : 0u) << (i % 8));
      if (i % 8 == 7 || i + 1 == done.size()) {
        key.push_back(static_cast<char>(byte));
        byte = 0;
      }
    }
    return key + s.key();
  }

  // The beginnings of a history that can be explained can be, too: so the first return after which
  // there is no explanation any more is found by halving.
  verdict shortest(const history& h) const {
    std::vector<std::uint64_t> returns;
    for (const operation& o : h) {
      if (!o.pending()) {
        returns.push_back(o.returned);
      }
    }
    std::sort(returns.begin(), returns.end());
    std::size_t good = 0, bad = returns.size();  // of the first n returns
    if (bad == 0 || explained(h, returns.back())) {
      return {false, h, "somebody blocks who could go on:\n" + text_of(h)};
    }
    while (bad - good > 1) {
      const std::size_t middle = (good + bad) / 2;
      (explained(h, returns[middle - 1]) ? good : bad) = middle;
    }
    const history failing = until(h, returns[bad - 1]);
    return {false, failing, "no order explains the last return:\n" + text_of(failing)};
  }

  // For people: what had not returned is shown so.
  static history until(const history& h, std::uint64_t moment) {
    history out;
    for (operation o : h) {
      if (o.called <= moment) {
        if (o.returned > moment) {
          o.returned = not_returned;
        }
        out.push_back(o);
      }
    }
    return out;
  }

  std::string text_of(const history& h) const {
    std::ostringstream out;
    for (const operation& o : h) {
      out << "  party " << o.party << "  [" << o.called << ", ";
      o.pending() ? out << "still blocks" : out << o.returned;
      out << "]  " << spec_.text(o) << '\n';
    }
    return out.str();
  }

  const Spec& spec_;
  mutable std::unordered_set<std::string> seen_;
};

template <class Spec>
verdict check(const Spec& spec, history h) {
  return checker<Spec>(spec).check(std::move(h));
}

}  // namespace weft::linear
