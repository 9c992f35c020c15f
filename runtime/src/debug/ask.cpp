#include "debug/ask.hpp"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "debug/backtrace.hpp"
#include "detail/sys.hpp"
#include "sched/scheduler.hpp"
#include "stack/sanitizer.hpp"
#include "time/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::int64_t walking_ns = 1'000'000'000;

// The one question that there is.
struct question {
  // [ask] { number:30, phase:2 }, a futex word. Written by who asks and by who answers.
  atomic<std::uint32_t> word{0};
  // Written by who asks, before `asked`.
  atomic<std::int32_t> tid{0};
  atomic<const goroutine*> who{nullptr};
  atomic<std::uint64_t> id{0};
  // [ask.4] the thread that walks its stack; 0: none does.
  atomic<std::int32_t> walker{0};
  frame_list frames{};  // written between `answering` and `answered`, by who answers
};
constinit question asked_now;
sigjmp_buf way_out;  // of who answers

constexpr std::uint32_t idle = 0, asked = 1, answering = 2, answered = 3;
constexpr std::uint32_t phases = 4;

// Held by who asks: one at a time.
constinit spinlock asking;

const char* stack_pointer([[maybe_unused]] void* context) noexcept {
#if defined(__x86_64__)
  const auto* c = static_cast<const ucontext_t*>(context);
  return reinterpret_cast<const char*>(c->uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
  const auto* c = static_cast<const ucontext_t*>(context);
  return reinterpret_cast<const char*>(c->uc_mcontext.sp);
#else
  return nullptr;
#endif
}

bool on_stack(const fiber& f, const char* at) noexcept { return at >= f.low && at < f.top; }

// [ask.4]
void answer(question& q, void* context) noexcept {
  q.frames.count = q.frames.elided = 0;
  worker* w = this_worker();
  const goroutine* g = w != nullptr ? w->current() : nullptr;
  // relaxed: [ask.3] made sure of them
  if (g == nullptr || g != q.who.load(relaxed) || g->id != q.id.load(relaxed)) {
    return;
  }
  const fiber* f = g->stack != nullptr ? g->stack : w->running_fiber();
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  if (f == nullptr || !on_stack(*f, stack_pointer(context)) || on_stack(*f, here)) {
    return;
  }
  if (sigsetjmp(way_out, 0) == 0) {
    q.walker.store(::gettid(), relaxed);  // relaxed: read by this thread only
    trace_interrupted(q.frames);
  } else {
    q.frames.count = q.frames.elided = 0;
  }
  q.walker.store(0, relaxed);  // relaxed: as above
}

void on_ask(int, siginfo_t*, void* context) noexcept {
  const int saved_errno = errno;
  question& q = asked_now;
  std::uint32_t word = q.word.load(acquire);  // [ask.3] acquire: whom it is put to
  // acq_rel: it cannot be withdrawn any more. relaxed on failure: it was.
  if (word % phases == asked && q.tid.load(relaxed) == ::gettid() &&
      q.word.compare_exchange(word, word - asked + answering, acq_rel, relaxed)) {
    answer(q, context);
    q.word.store(word - asked + answered, release);  // [ask.5] release: the frames are there
    sys.futex_wake(q.word.address(), 1);
  }
  errno = saved_errno;
}

bool handler_is_there() noexcept {
  struct sigaction now {};
  return ::sigaction(SIGURG, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
         now.sa_sigaction == on_ask;
}

// Sleeps while the word is `word`, for so long at the most.
std::uint32_t await_change(const atomic<std::uint32_t>& word, std::uint32_t is,
                           std::int64_t ns) noexcept {
  const std::int64_t until = real_now() + ns;
  for (;;) {
    const std::uint32_t now = word.load(acquire);  // [ask.5] acquire: the frames are there
    const std::int64_t left = until - real_now();
    if (now != is || left <= 0) {
      return now;
    }
    sys.futex_wait(word.address(), is, left);
  }
}

// With `asking` locked.
bool ask(std::int32_t tid, const goroutine* g, std::uint64_t id, std::int64_t patience_ns,
         frame_list& out) noexcept {
  question& q = asked_now;
  std::uint32_t word = q.word.load(acquire);  // [ask.1] acquire: the last answer is complete
  if (word % phases == answering) {
    return false;  // the last one never came to its end
  }
  const std::uint32_t mine = word - word % phases + phases + asked;
  // relaxed: before `asked` is set
  q.tid.store(tid, relaxed);
  q.who.store(g, relaxed);
  q.id.store(id, relaxed);
  q.word.store(mine, release);  // [ask.1] release: whom it is put to
  word = mine;
  if (sys.signal_thread(tid, SIGURG) == 0) {
    word = await_change(q.word, mine, patience_ns);
  }
  // [ask.5] acq_rel: withdrawn, unless somebody has begun to answer.
  if (word == mine && q.word.compare_exchange(word, mine - asked + idle, acq_rel, acquire)) {
    return false;
  }
  if (word == mine - asked + answering) {
    word = await_change(q.word, word, walking_ns);
  }
  if (word != mine - asked + answered) {
    return false;
  }
  out.count = q.frames.count;
  out.elided = q.frames.elided;
  out.split = q.frames.split;
  std::copy_n(q.frames.at, q.frames.count, out.at);
  return out.count != 0;
}

}  // namespace

std::int64_t ask_patience_ns = 250'000'000;

bool install_ask_handler() noexcept {
  struct sigaction now {};
  // TSan holds signals back until the thread calls something.
  if (WEFT_TSAN || ::sigaction(SIGURG, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 ||
      now.sa_handler != SIG_DFL) {
    return false;
  }
  frame_list once;
  trace_here(once);  // what the unwinder allocates, it allocates now
  struct sigaction ours {};
  ours.sa_sigaction = on_ask;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigemptyset(&ours.sa_mask);
  return ::sigaction(SIGURG, &ours, nullptr) == 0;
}

void let_thread_be_asked() noexcept {
  sigset_t just_this;
  ::sigemptyset(&just_this);
  ::sigaddset(&just_this, SIGURG);
  if (handler_is_there()) {
    ::pthread_sigmask(SIG_UNBLOCK, &just_this, nullptr);
  }
}

bool ask_for_trace(std::int32_t tid, const goroutine* g, std::uint64_t id, std::int64_t patience_ns,
                   frame_list& out) noexcept {
  constexpr int naps = 500;  // of a millisecond, in a crashed process perhaps in vain
  out.count = out.elided = 0;
  if (tid == 0 || tid == ::gettid() || !handler_is_there()) {
    return false;
  }
  for (int n = 0; !asking.try_lock(); ++n) {
    if (n == naps) {
      return false;
    }
    sys.nap(1'000'000);
  }
  const bool got = ask(tid, g, id, patience_ns, out);
  asking.unlock();
  return got;
}

void leave_answer() noexcept {
  if (asked_now.walker.load(relaxed) == ::gettid()) {  // relaxed: written by this thread, or other
    siglongjmp(way_out, 1);
  }
}

}  // namespace weft::detail
