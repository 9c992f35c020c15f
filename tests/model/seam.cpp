// What the sources under test call at each access to an atomic, and what tests have made wrong in
// them.
#include <weft/detail/atomic.hpp>

#include <cstdlib>
#include <source_location>
#include <string_view>
#include <utility>

#include "execution.hpp"

namespace weft::model {
namespace {

struct {
  std::string file;
  unsigned first = 0, last = 0;
  std::memory_order order{};
  std::size_t met = 0;
} weakening;

std::memory_order order_at(std::memory_order order, const std::source_location& site) {
  if (site.line() < weakening.first || site.line() > weakening.last ||
      !std::string_view(site.file_name()).ends_with(weakening.file)) {
    return order;
  }
  ++weakening.met;
  return weakening.order;
}

struct {
  const char* name = nullptr;
  std::size_t met = 0;
} mutation;

// What was freed in this execution. It outlives that: it goes when the next begins.
struct freed_block {
  void* at;
  std::size_t bytes;
};
freed_block freed[1024];
std::size_t freed_count;

// trace::lines: a replay says which thread came to which line.
void note(const std::source_location& site) {
  if (inside() && now->trace != nullptr) {
    const std::string_view file = site.file_name();
    *now->trace << now->running << ' ' << file.substr(file.rfind('/') + 1) << ':' << site.line()
                << '\n';
  }
}

void check_alive(const void* at) {
  for (std::size_t i = 0; i < freed_count; ++i) {
    const auto* low = static_cast<const char*>(freed[i].at);
    if (at >= low && at < low + freed[i].bytes) {
      require(false, "what was freed is touched");
    }
  }
}

}  // namespace

void let_freed_go() {
  const std::size_t n = std::exchange(freed_count, 0);
  for (std::size_t i = 0; i < n; ++i) {
    ::operator delete(freed[i].at);
  }
}

bool weak_memory() {
  return now != nullptr && now->inside && now->stale != 0 && now->failure.empty();
}

void keep_freed() { now->keeps_freed = true; }
bool keep_for_now(void* block, std::size_t bytes) noexcept {
  if (!inside() || !now->keeps_freed || freed_count == std::size(freed)) {
    return false;
  }
  freed[freed_count++] = {block, bytes};
  return true;
}

weakened::weakened(std::string file, unsigned first, unsigned last, std::memory_order order) {
  weakening = {std::move(file), first, last, order, 0};
}
weakened::~weakened() { weakening = {}; }
std::size_t weakened::met() const noexcept { return weakening.met; }

mutated::mutated(const char* name) { mutation = {name, 0}; }
mutated::~mutated() { mutation = {}; }
std::size_t mutated::met() const noexcept { return mutation.met; }

}  // namespace weft::model

namespace weft::detail {

// Called by the sources as mutate.py has changed them.
bool model_mutation(const char* name) noexcept;
bool model_mutation(const char* name) noexcept {
  if (model::mutation.name == nullptr || std::string_view(model::mutation.name) != name) {
    return false;
  }
  ++model::mutation.met;
  return true;
}

void model_step() noexcept { model::step(false); }
void model_yield() noexcept {
  if (model::weak_memory()) {
    model::now->shared.catch_up(model::now->running);
  }
  model::step(true);
}

const void* model_thread() noexcept {
  return model::inside() ? &model::now->threads[model::now->running] : nullptr;
}

void model_begin(const void* at) noexcept {
  if (model::weak_memory()) {
    model::now->shared.begin(at);
  }
}

std::uint64_t model_load(const void* at, std::uint64_t newest, std::memory_order order,
                         bool may_be_stale, const std::source_location& site) noexcept {
  model::note(site);
  model::check_alive(at);
  if (!model::weak_memory()) {
    return newest;
  }
  order = model::order_at(order, site);
  model::memory& m = model::now->shared;
  const std::size_t me = model::now->running;
  const std::size_t nth =
      may_be_stale ? model::choose(m.candidates(me, at, order), model::first::usual) : 0;
  return m.load(me, at, newest, nth, order);
}

void model_store(const void* at, std::uint64_t before, std::uint64_t after, std::memory_order order,
                 bool read, const std::source_location& site) noexcept {
  model::note(site);
  model::check_alive(at);
  if (model::weak_memory()) {
    model::now->shared.store(model::now->running, at, before, after, model::order_at(order, site),
                             read);
  }
}

}  // namespace weft::detail
