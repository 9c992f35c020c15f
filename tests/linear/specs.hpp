#pragma once
// What channels, mutexes, semaphores and wait groups do when nothing happens at the same time.
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "linear/check.hpp"

namespace weft::linear {

/// A channel of some capacity. Values are numbers from 0 up.
struct channel_spec {
  enum kind { send, recv, try_send, try_recv, close };
  // Results: of a receive the value, or one of these.
  static constexpr std::int64_t done = -1;         ///< sent, closed
  static constexpr std::int64_t closed = -2;       ///< closed (and drained), for both sides
  static constexpr std::int64_t would_block = -3;  ///< of the try forms

  std::size_t capacity = 0;

  struct state {
    std::deque<std::int64_t> buffer;
    bool closed = false;
    bool operator==(const state&) const = default;
    std::string key() const {
      std::string k(1, closed ? 'c' : 'o');
      for (const std::int64_t v : buffer) {
        k += std::to_string(v) + ',';
      }
      return k;
    }
  };
  state initial() const { return {}; }

  bool step(state& s, const operation& o, bool pending) const {
    const auto gives = [&](std::int64_t result) { return pending || o.result == result; };
    switch (o.kind) {
      case send:
      case try_send:
        if (s.closed) {
          return gives(closed);
        }
        if (s.buffer.size() < capacity) {
          s.buffer.push_back(o.argument);
          return gives(done);
        }
        // Without a buffer it depends on who waits, which no history shows.
        return o.kind == try_send && gives(would_block);
      case recv:
      case try_recv:
        if (!s.buffer.empty()) {
          const std::int64_t v = s.buffer.front();
          s.buffer.pop_front();
          return gives(v);
        }
        if (s.closed) {
          return gives(closed);
        }
        return o.kind == try_recv && gives(would_block);
      case close:
        if (s.closed) {
          return gives(closed);
        }
        s.closed = true;
        return gives(done);
    }
    return false;
  }

  template <class Others>
  bool may_block(const state&, const operation&, const Others&) const {
    return false;
  }

  // Hand-off: nothing lies in the buffer.
  bool meet(state& s, const operation& a, const operation& b) const {
    const bool sends = a.kind == send || a.kind == try_send;
    const bool receives = b.kind == recv || b.kind == try_recv;
    return sends && receives && capacity == 0 && !s.closed && (a.pending() || a.result == done) &&
           (b.pending() || b.result == a.argument);
  }

  std::string text(const operation& o) const {
    static constexpr const char* names[] = {"send", "recv", "try_send", "try_recv", "close"};
    std::string t = names[o.kind];
    if (o.kind == send || o.kind == try_send) {
      t += ' ' + std::to_string(o.argument);
    }
    if (!o.pending()) {
      t += o.result == done          ? ": done"
           : o.result == closed      ? ": closed"
           : o.result == would_block ? ": would block"
                                     : ": " + std::to_string(o.result);
    }
    return t;
  }
};

/// Two channels of one capacity, and operations that do one of several things: a select; with one
/// case a plain send or receive, with `otherwise` besides their try forms.
struct select_spec {
  // The kind of an operation is the sum of its cases. The argument is what it sends.
  static constexpr int recv_a = 1, recv_b = 2, send_a = 4, send_b = 8, otherwise = 16, close_a = 32,
                       close_b = 64;
  // Its result says which case it was, and of a receive the value.
  static constexpr std::int64_t no_value = 999;  ///< closed and drained
  static constexpr std::int64_t threw = -2;      ///< sent on a closed one, or closed it
  static constexpr std::int64_t result(int which, std::int64_t value = 0) {
    return which * 1'000 + value;
  }

  std::size_t capacity = 0;

  struct state {
    std::deque<std::int64_t> buffer[2];
    bool closed[2] = {};
    bool operator==(const state&) const = default;
    std::string key() const {
      std::string k;
      for (const int x : {0, 1}) {
        k += closed[x] ? 'c' : 'o';
        for (const std::int64_t v : buffer[x]) {
          k += std::to_string(v) + ',';
        }
      }
      return k;
    }
  };
  state initial() const { return {}; }

  bool step(state& s, const operation& o, bool pending) const {
    const auto gives = [&](std::int64_t r) { return pending || o.result == r; };
    bool another_can_go = false;
    for (const int x : {0, 1}) {
      auto& buffer = s.buffer[x];
      const int recv = recv_a << x, send = send_a << x, close = close_a << x;
      if ((o.kind & recv) != 0 && (!buffer.empty() || s.closed[x])) {
        another_can_go = true;
        if (gives(result(recv, buffer.empty() ? no_value : buffer.front()))) {
          if (!buffer.empty()) {
            buffer.pop_front();
          }
          return true;
        }
      }
      if ((o.kind & send) != 0 && (s.closed[x] || buffer.size() < capacity)) {
        another_can_go = true;
        if (gives(s.closed[x] ? threw : result(send))) {
          if (!s.closed[x]) {
            buffer.push_back(o.argument);
          }
          return true;
        }
      }
      if ((o.kind & close) != 0) {
        const bool again = std::exchange(s.closed[x], true);
        return gives(again ? threw : result(close));
      }
    }
    // Without a buffer it depends on who waits, which no history shows.
    return (o.kind & otherwise) != 0 && !another_can_go && gives(result(otherwise));
  }

  template <class Others>
  bool may_block(const state&, const operation&, const Others&) const {
    return false;
  }

  bool meet(state& s, const operation& a, const operation& b) const {
    for (const int x : {0, 1}) {
      const int recv = recv_a << x, send = send_a << x;
      if (capacity == 0 && !s.closed[x] && (a.kind & send) != 0 && (b.kind & recv) != 0 &&
          (a.pending() || a.result == result(send)) &&
          (b.pending() || b.result == result(recv, a.argument))) {
        return true;
      }
    }
    return false;
  }

  std::string text(const operation& o) const {
    static constexpr const char* names[] = {"recv a",    "recv b",  "send a", "send b",
                                            "otherwise", "close a", "close b"};
    const auto of = [](std::int64_t cases) {
      std::string t;
      for (int i = 0; i < 7; ++i) {
        if ((cases >> i & 1) != 0) {
          t += (t.empty() ? "" : " | ") + std::string(names[i]);
        }
      }
      return t;
    };
    std::string t = of(o.kind);
    if ((o.kind & (send_a | send_b)) != 0) {
      t += " of " + std::to_string(o.argument);
    }
    if (o.pending()) {
      return t;
    }
    if (o.result == threw) {
      return t + ": threw";
    }
    t += ": " + of(o.result / 1'000);
    const bool received = o.result / 1'000 <= recv_b;
    return !received                      ? t
           : o.result % 1'000 == no_value ? t + ", closed"
                                          : t + ' ' + std::to_string(o.result % 1'000);
  }
};

/// Tokens: a semaphore with so many; a mutex is one with 1.
struct tokens_spec {
  enum kind { acquire, try_acquire, release };
  std::int64_t tokens = 1;
  /// In the order of asking: who asks for little waits behind who asks for much. No history shows
  /// who asked first, so either may block, and a try may be refused for them; but nobody waits
  /// while all tokens are there.
  bool in_order = false;

  struct state {
    std::int64_t held = 0;
    bool operator==(const state&) const = default;
    std::string key() const { return std::to_string(held); }
  };
  state initial() const { return {}; }

  bool step(state& s, const operation& o, bool pending) const {
    const bool fits = s.held + o.argument <= tokens;
    switch (o.kind) {
      case acquire:
        s.held += o.argument;
        return fits;
      case try_acquire:
        s.held += o.result != 0 ? o.argument : 0;
        return pending || (o.result != 0) == fits || (in_order && s.held != 0 && o.result == 0);
      case release:
        s.held -= o.argument;
        return s.held >= 0;
    }
    return false;
  }
  bool meet(state&, const operation&, const operation&) const { return false; }
  template <class Others>
  bool may_block(const state& s, const operation&, const Others& any_other) const {
    return in_order && any_other([&](const operation& other) {
             return other.kind == acquire && s.held + other.argument > tokens;
           });
  }

  std::string text(const operation& o) const {
    static constexpr const char* names[] = {"acquire", "try_acquire", "release"};
    std::string t = names[o.kind] + (' ' + std::to_string(o.argument));
    return o.kind == try_acquire && !o.pending() ? t + (o.result != 0 ? ": yes" : ": no") : t;
  }
};

/// A counter and those who wait for zero.
struct wait_group_spec {
  enum kind { add, wait };

  struct state {
    std::int64_t count = 0;
    bool operator==(const state&) const = default;
    std::string key() const { return std::to_string(count); }
  };
  state initial() const { return {}; }

  bool step(state& s, const operation& o, bool) const {
    if (o.kind == wait) {
      return s.count == 0;
    }
    s.count += o.argument;
    return s.count >= 0;
  }
  bool meet(state&, const operation&, const operation&) const { return false; }
  template <class Others>
  bool may_block(const state&, const operation&, const Others&) const {
    return false;
  }

  std::string text(const operation& o) const {
    return o.kind == wait ? "wait" : "add " + std::to_string(o.argument);
  }
};

}  // namespace weft::linear
