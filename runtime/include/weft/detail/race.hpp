#pragma once
// What ThreadSanitizer is told about the happens-before edges of Go's memory model: [race] in
// docs/protocols.md. Everything here is empty in other builds.
//
// TSan sees a program as its users wrote it: goroutines, and the edges that the documentation of
// each primitive promises. What the runtime does inside, between a runtime_code and its end, makes
// no edges and is not looked at; so each primitive states its edges: acquire and release. User code
// that runs in there, such as the move constructor of an element, is put into a user_code.
#include <cstddef>

#if !defined(WEFT_RACE)
#if defined(__SANITIZE_THREAD__)
#define WEFT_RACE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_RACE 1
#endif
#endif
#endif
#if !defined(WEFT_RACE)
#define WEFT_RACE 0
#endif

namespace weft::detail {
class goroutine;
}

namespace weft::detail::race {

inline constexpr bool on = WEFT_RACE != 0;

#if WEFT_RACE

/// While it lives, the caller runs code of the runtime. They nest. It may park inside.
class runtime_code {
 public:
  runtime_code() noexcept;
  ~runtime_code();
  runtime_code(const runtime_code&) = delete;
  runtime_code& operator=(const runtime_code&) = delete;
};

/// While it lives, the caller runs code of the user's within a runtime_code.
class user_code {
 public:
  user_code() noexcept;
  ~user_code();
  user_code(const user_code&) = delete;
  user_code& operator=(const user_code&) = delete;

 private:
  unsigned depth_;
};

/// What precedes release(at) happens before what follows an acquire(at) after it. `at` is an
/// address inside of the primitive that the runtime's own atomics use for nothing else, or in the
/// same way.
void release(const void* at) noexcept;
void acquire(const void* at) noexcept;

/// Pretend accesses, which find two calls that must not be concurrent.
void read(const void* at) noexcept;
void write(const void* at) noexcept;

/// By g, which is about to park: for who wakes it.
void about_to_wait(goroutine* g) noexcept;
/// What the parked g did before it parked happens before what the caller does next.
void acquire_from(goroutine* g) noexcept;
/// What the caller did happens before what g does after saw_notice().
void notice(goroutine* g) noexcept;
void saw_notice(goroutine* g) noexcept;

/// While it lives, the caller acts as the parked g, which it is about to make ready. No user_code
/// of the caller may be open.
class as {
 public:
  explicit as(goroutine* g) noexcept;
  ~as();
  as(const as&) = delete;
  as& operator=(const as&) = delete;

 private:
  void* before_ = nullptr;
  void* courier_ = nullptr;
  goroutine* who_ = nullptr;
};

#else

struct runtime_code {
  runtime_code() noexcept {}
};
struct user_code {
  user_code() noexcept {}
};
struct as {
  explicit as(goroutine*) noexcept {}
};
inline void release(const void*) noexcept {}
inline void acquire(const void*) noexcept {}
inline void read(const void*) noexcept {}
inline void write(const void*) noexcept {}
inline void about_to_wait(goroutine*) noexcept {}
inline void acquire_from(goroutine*) noexcept {}
inline void notice(goroutine*) noexcept {}
inline void saw_notice(goroutine*) noexcept {}

#endif

}  // namespace weft::detail::race
