// The only caller of ThreadSanitizer's interface. See [race] in docs/protocols.md.
#include "stack/race.hpp"

#if WEFT_RACE

#include <link.h>
#include <sanitizer/tsan_interface.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "stack/guard.hpp"

extern "C" {
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void AnnotateBenignRaceSized(const char* file, int line, const volatile void* at, std::size_t bytes,
                             const char* why);
void __tsan_read1(void* at);
void __tsan_write1(void* at);
}

namespace weft::detail::race {
namespace {

// Two views of a program. `users` is the one described above. `runtimes` leaves the runtime's own
// synchronisation visible and lets each switch synchronise: for the tests of the runtime itself,
// whose memory is looked at then, while races of goroutines on one worker are not seen.
enum class view : int { unknown, users, runtimes };
constinit int chosen = 0;

constinit thread_local actor native;
constinit thread_local actor* mine = nullptr;  // null: native

// Read anew each time: a goroutine may be on another thread after each call that can park.
#define WEFT_OPAQUE WEFT_SWITCHES_CONTEXT

WEFT_OPAQUE bool users_view() noexcept {
  int v = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  if (v == static_cast<int>(view::unknown)) [[unlikely]] {
    const char* wanted = std::getenv("WEFT_RACE_VIEW");
    const bool runtimes = wanted != nullptr && std::strcmp(wanted, "runtime") == 0;
    v = static_cast<int>(runtimes ? view::runtimes : view::users);
    __atomic_store_n(&chosen, v, __ATOMIC_RELAXED);
  }
  return v == static_cast<int>(view::users);
}

WEFT_OPAQUE actor* thread_actor() noexcept {
  if (native.context == nullptr) [[unlikely]] {
    native.context = __tsan_get_current_fiber();
  }
  return &native;
}
WEFT_OPAQUE actor* me() noexcept { return mine != nullptr ? mine : thread_actor(); }
WEFT_OPAQUE void set_me(actor* a) noexcept { mine = a == thread_actor() ? nullptr : a; }

WEFT_OPAQUE void ignore_begin() noexcept {
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
}
WEFT_OPAQUE void ignore_end() noexcept {
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

// [race.2] The context changes here, in a function that TSan does not follow.
WEFT_OPAQUE void change_to(actor* a) noexcept {
  thread_actor();  // while it can still be asked for
  set_me(a);
  __tsan_switch_to_fiber(a->context, users_view() ? __tsan_switch_to_fiber_no_sync : 0);
}

// The thread_locals of a worker belong to whoever runs on it, errno for one: only one does at a
// time.
int allow_thread_locals(dl_phdr_info* module, std::size_t, void*) noexcept {
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const auto& part = module->dlpi_phdr[i];
    if (part.p_type == PT_TLS && module->dlpi_tls_data != nullptr) {
      AnnotateBenignRaceSized(__FILE__, __LINE__, module->dlpi_tls_data, part.p_memsz,
                              "a worker's thread_locals");
    }
  }
  return 0;
}

// [race.7] TSan forgets what it knows of a range of memory before it unmaps it. The unaligned
// address makes the kernel refuse: nothing is unmapped. It forgets whole pages of its shadow only,
// each of which stands for two KiB.
WEFT_OPAQUE void forget(const char* low, const void* frame) noexcept {
  char* from = const_cast<char*>(low) + 1;
  ::munmap(from, static_cast<std::size_t>(static_cast<const char*>(frame) - from));
}

// [race.8] A race is reported only if TSan can still say where the earlier access was made. It
// gives the history of a context that is destroyed to the next one that needs room, and somebody
// who waits in a loop needs room every millisecond. So the last contexts that ended are kept for a
// while.
constexpr unsigned ended_kept = 64;
constinit void* ended[ended_kept] = {};
constinit unsigned ended_next = 0;

// What was done on this thread happens before the destructors of its thread_locals.
WEFT_OPAQUE void leaving_thread(actor* a) noexcept {
  if (a != thread_actor()) {
    release(&native.ended);
  }
}

}  // namespace

// ---- [race.3] runtime code and user code ----

WEFT_OPAQUE runtime_code::runtime_code() noexcept {
  if (users_view() && me()->depth++ == 0) {
    ignore_begin();
  }
}

WEFT_OPAQUE runtime_code::~runtime_code() {
  if (users_view() && --me()->depth == 0) {
    ignore_end();
  }
}

WEFT_OPAQUE user_code::user_code() noexcept : depth_(0) {
  actor* a = me();
  if (users_view() && !a->worker && a->depth != 0) {
    depth_ = a->depth;
    a->depth = 0;
    ignore_end();
  }
}

WEFT_OPAQUE user_code::~user_code() {
  if (depth_ != 0) {
    me()->depth = depth_;
    ignore_begin();
  }
}

// ---- [race.4] edges ----

namespace {

template <class F>
WEFT_OPAQUE void as_user(F f) noexcept {
  if (me()->worker) {
    return;  // the loop of a worker did nothing that a user knows of
  }
  const user_code out;
  f();
}

}  // namespace

WEFT_OPAQUE void release(const void* at) noexcept {
  as_user([at] { __tsan_release(const_cast<void*>(at)); });
}
WEFT_OPAQUE void acquire(const void* at) noexcept {
  as_user([at] { __tsan_acquire(const_cast<void*>(at)); });
}
WEFT_OPAQUE void read(const void* at) noexcept {
  if (users_view()) {
    as_user([at] { __tsan_read1(const_cast<void*>(at)); });
  }
}
WEFT_OPAQUE void write(const void* at) noexcept {
  if (users_view()) {
    as_user([at] { __tsan_write1(const_cast<void*>(at)); });
  }
}

// ---- contexts ----

namespace {

// TSan maps two pieces of memory for each context, and ends the process when the kernel gives it no
// more.
WEFT_OPAQUE long* contexts_left() noexcept {
  static long left = mappings_to_spend() / (guard_support() == guard_kind::madvise ? 2 : 4);
  return &left;
}

WEFT_OPAQUE void count_context() {
  // relaxed: a counter; it orders nothing.
  if (__atomic_fetch_sub(contexts_left(), 1, __ATOMIC_RELAXED) > 0) {
    return;
  }
  __atomic_fetch_add(contexts_left(), 1, __ATOMIC_RELAXED);  // relaxed: as above
  throw std::system_error(
      ENOMEM, std::generic_category(),
      "weft: ThreadSanitizer cannot follow more goroutines at once: each costs it two mappings "
      "(see vm.max_map_count)");
}

}  // namespace

WEFT_OPAQUE actor* make_actor() {
  count_context();
  auto* a = new actor;
  const user_code out;  // [race.1] so that TSan makes the edge from here to its beginning
  a->context = __tsan_create_fiber(0);
  return a;
}

void name_actor(actor* a, std::uint64_t id, std::string_view name) noexcept {
  char text[64] = "goroutine ";
  std::size_t n = std::strlen(text);
  char digits[20];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + id % 10);
    id /= 10;
  } while (id != 0);
  while (count != 0) {
    text[n++] = digits[--count];
  }
  if (!name.empty()) {
    text[n++] = ' ';
    text[n++] = '(';
    for (const char c : name) {
      if (n + 2 >= sizeof(text)) {
        break;
      }
      text[n++] = c;
    }
    text[n++] = ')';
  }
  text[n] = '\0';
  __tsan_set_fiber_name(a->context, text);
}

WEFT_OPAQUE void free_actor(actor* a) noexcept {
  // relaxed: any place will do. acq_rel: whoever destroys a context comes after its last use.
  const unsigned place = __atomic_fetch_add(&ended_next, 1, __ATOMIC_RELAXED) % ended_kept;
  void* oldest = __atomic_exchange_n(&ended[place], a->context, __ATOMIC_ACQ_REL);
  if (oldest != nullptr) {
    __tsan_destroy_fiber(oldest);
  }
  delete a;
  __atomic_fetch_add(contexts_left(), 1, __ATOMIC_RELAXED);  // relaxed: a counter
}

WEFT_OPAQUE void enter(actor* a, const char* low, const void* frame) noexcept {
  change_to(a);
  __tsan_acquire(&a->started);
  if (users_view()) {
    forget(low, frame);
  }
}

WEFT_OPAQUE void leave() noexcept {
  leaving_thread(me());
  change_to(thread_actor());
}

WEFT_OPAQUE actor* of_thread() noexcept { return thread_actor(); }

WEFT_OPAQUE void begin_worker() noexcept {
  actor* a = thread_actor();
  if (users_view()) {
    a->worker = true;
    ::dl_iterate_phdr(allow_thread_locals, nullptr);
    if (a->depth++ == 0) {
      ignore_begin();
    }
  }
}

WEFT_OPAQUE void end_worker() noexcept {
  actor* a = thread_actor();
  if (a->worker) {
    a->worker = false;
    if (--a->depth == 0) {
      ignore_end();
    }
    acquire(&a->ended);
  }
}

WEFT_OPAQUE void before_exit() noexcept {
  actor* a = me();
  if (users_view() && a->depth != 0) {
    a->depth = 0;
    ignore_end();
  }
}

// [race.6]
WEFT_OPAQUE stranger::stranger(const char* low, const void* frame) noexcept : before_(nullptr) {
  if (users_view()) {
    forget(low, frame);
    before_ = me();
    me_.context = __tsan_create_fiber(0);
    __tsan_set_fiber_name(me_.context, "timer");
    change_to(&me_);
  }
}

WEFT_OPAQUE stranger::~stranger() {
  if (before_ != nullptr) {
    change_to(before_);
    __tsan_destroy_fiber(me_.context);
  }
}

WEFT_OPAQUE void switch_stacks(fiber* from, fiber* to) noexcept {
  actor* a = me();
  leaving_thread(a);
  from->tsan = a == thread_actor() ? nullptr : a;
  change_to(to->tsan != nullptr ? static_cast<actor*>(to->tsan) : thread_actor());
}

// ---- acting for somebody else ----

WEFT_OPAQUE void* become(actor* a) noexcept {
  if (!users_view()) {
    return nullptr;
  }
  actor* before = me();
  change_to(a);
  return before;
}

WEFT_OPAQUE void become_again(void* before) noexcept {
  if (before != nullptr) {
    change_to(static_cast<actor*>(before));
  }
}

WEFT_OPAQUE actor* make_courier() noexcept {
  __atomic_fetch_sub(contexts_left(), 1, __ATOMIC_RELAXED);  // relaxed: a counter
  auto* a = new actor;
  a->context = __tsan_create_fiber(0);  // within runtime code: without an edge from the caller
  return a;
}

WEFT_OPAQUE void free_courier(actor* a) noexcept { free_actor(a); }

}  // namespace weft::detail::race

#endif
