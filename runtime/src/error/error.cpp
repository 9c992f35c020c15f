// The records of errors, and the walks over them. Chains of causes may be long and joins deep, and
// stacks are small: nothing here calls itself.
#include <weft/detail/atomic.hpp>
#include <weft/detail/goexit.hpp>
#include <weft/error.hpp>

#include <array>
#include <cstdlib>
#include <ostream>

#include <cxxabi.h>

namespace weft {
namespace detail {
namespace {

/// A record on the heap. Only `refs` changes once an error refers to it.
struct node : error_record {
  node() noexcept : error_record{record_lifetime::counted} {}

  // How many errors refer to it. RMW only; who takes it to 0 owns the record.
  mutable atomic<std::size_t> refs{1};
  std::string text;
  std::error_code code;
  std::exception_ptr exception;
  std::shared_ptr<const void> payload;
  const std::type_info* type = nullptr;  // of the payload
  error cause;                           // or
  std::vector<error> joined;             // more than one
  node* next_dead = nullptr;             // see destroy()
};

std::string type_name(const std::type_info* type) {
  if (type == nullptr) {
    return "unknown type";
  }
  int status = 0;
  char* readable = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  std::unique_ptr<char, void (*)(void*)> owned(readable, std::free);
  return readable != nullptr ? readable : type->name();
}

}  // namespace

struct error_access {
  static const error_record* record(const error& err) noexcept { return err.record_; }

  static error adopt(const node* n) noexcept {
    error err;
    err.record_ = n;
    return err;
  }

  /// The counted record that err refers to, or nullptr; err is null afterwards.
  static node* detach(error& err) noexcept {
    const error_record* r = std::exchange(err.record_, nullptr);
    if (r == nullptr || r->lifetime == record_lifetime::immortal) {
      return nullptr;
    }
    return const_cast<node*>(static_cast<const node*>(r));  // made as a node that is not const
  }

  static const node* as_node(const error_record* r) noexcept {
    return r->lifetime == record_lifetime::counted ? static_cast<const node*>(r) : nullptr;
  }
  static const static_error& as_static(const error_record* r) noexcept {
    return *static_cast<const static_error*>(r);
  }
};

namespace {

using access = error_access;

std::string_view text_of(const error_record* r) noexcept {
  const node* n = access::as_node(r);
  return n != nullptr ? std::string_view(n->text) : access::as_static(r).text();
}

std::error_code code_of(const error_record* r) noexcept {
  const node* n = access::as_node(r);
  return n != nullptr ? n->code : access::as_static(r).code();
}

std::span<const error> causes_of(const error_record* r) noexcept {
  const node* n = access::as_node(r);
  if (n == nullptr) {
    return {};
  }
  if (!n->joined.empty()) {
    return n->joined;
  }
  return {&n->cause, n->cause ? std::size_t{1} : std::size_t{0}};
}

/// The causes that a walk has still to visit. The first levels need no memory.
class pending {
 public:
  struct range {
    const error* next;
    const error* end;
  };
  void push(range r) {
    if (size_ < first_.size()) {
      first_[size_] = r;
    } else {
      more_.push_back(r);
    }
    ++size_;
  }
  const error* pop() noexcept {
    if (size_ == 0) {
      return nullptr;
    }
    range& top = size_ <= first_.size() ? first_[size_ - 1] : more_.back();
    const error* e = top.next++;
    if (top.next == top.end) {
      if (size_ > first_.size()) {
        more_.pop_back();
      }
      --size_;
    }
    return e;
  }

 private:
  std::array<range, 16> first_;
  std::vector<range> more_;
  std::size_t size_ = 0;
};

/// Calls visit(record) for err and its causes, each before its own causes, the first cause first,
/// until it says true. Calls sibling() before the second and later causes of a join.
template <class Visit, class Sibling>
bool walk(const error& err, Visit visit, Sibling sibling) {
  pending rest;
  const error_record* r = access::record(err);
  while (r != nullptr) {
    if (visit(r)) {
      return true;
    }
    const std::span<const error> causes = causes_of(r);
    if (causes.size() > 1) {
      rest.push({causes.data() + 1, causes.data() + causes.size()});
    }
    if (!causes.empty()) {
      r = access::record(causes.front());
      continue;
    }
    const error* next = rest.pop();
    if (next != nullptr) {
      sibling();
    }
    r = next != nullptr ? access::record(*next) : nullptr;
  }
  return false;
}

template <class Visit>
bool walk(const error& err, Visit visit) {
  return walk(err, visit, [] {});
}

bool drop_reference(node* n) noexcept {
  // [refs.1] acq_rel: release, so that the last one sees what the others did with the record before
  // it destroys it; acquire for being that one.
  return n->refs.fetch_sub(1, acq_rel) == 1;
}

/// The last reference to n is gone. Its causes may lose their last reference by that, and so on:
/// a list instead of a recursion.
void destroy(node* n) noexcept {
  node* dead = n;
  const auto let_go = [&dead](error& cause) {
    node* c = access::detach(cause);
    if (c != nullptr && drop_reference(c)) {
      c->next_dead = dead;
      dead = c;
    }
  };
  while (dead != nullptr) {
    n = dead;
    dead = n->next_dead;
    let_go(n->cause);
    for (error& cause : n->joined) {
      let_go(cause);
    }
    delete n;
  }
}

/// make() fills a record; without memory, or if it is not possible to say more, what is left.
template <class Fill>
error make_node(const error& otherwise, Fill fill) noexcept {
  try {
    auto n = std::make_unique<node>();
    fill(*n);
    return access::adopt(n.release());
  } catch (...) {
    return otherwise;
  }
}

}  // namespace

const void* find_payload(const error& err, const std::type_info& type, exception_probe probe) {
  const void* found = nullptr;
  walk(err, [&](const error_record* r) {
    if (const node* n = access::as_node(r)) {
      if (n->payload != nullptr && *n->type == type) {
        found = n->payload.get();
      } else if (n->exception != nullptr) {
        found = probe(n->exception);
      }
    }
    return found != nullptr;
  });
  return found;
}

error make_payload(std::string_view text, std::error_code code, std::shared_ptr<const void> payload,
                   const std::type_info& type, const error& cause) noexcept {
  return make_node(cause ? cause : out_of_memory, [&](node& n) {
    n.text = text;
    n.code = code;
    n.payload = std::move(payload);
    n.type = &type;
    n.cause = cause;
  });
}

error make_captured(const std::exception_ptr& exception, const error& cause) noexcept {
  if (exception == nullptr) {
    return cause;
  }
  error carried;
  error made = make_node(cause ? cause : out_of_memory, [&](node& n) {
    try {
      std::rethrow_exception(exception);
    } catch (const error_exception& e) {
      carried = e.value();
      n.text = e.what();
    } catch (const std::system_error& e) {
      n.text = e.what();
      n.code = e.code();
    } catch (const std::exception& e) {
      n.text = e.what();
    } catch (...) {
      n.text = "exception of type " + type_name(abi::__cxa_current_exception_type());
    }
    n.exception = exception;
    n.cause = cause;
  });
  return carried && !cause ? carried : made;
}

}  // namespace detail

using detail::error_record;
using access = detail::error_access;

// ---- error ----

error::error(std::string_view text) noexcept
    : error(detail::make_node(out_of_memory, [&](detail::node& n) { n.text = text; })) {}

error::error(std::error_code code, std::string_view text) noexcept {
  if (!code) {
    return;
  }
  *this = detail::make_node(out_of_memory, [&](detail::node& n) {
    n.text = text;
    if (!text.empty()) {
      n.text += ": ";
    }
    n.text += code.message();
    n.code = code;
  });
}

error::error(const std::exception_ptr& exception) noexcept
    : error(detail::make_captured(exception, error())) {}

error error::current() {
  const std::exception_ptr handled = std::current_exception();
  if (handled == nullptr) {
    throw misuse("weft: error::current: no exception is being handled");
  }
  if (detail::handling_goexit()) {
    throw;
  }
  return error(handled);
}

void error::retain() const noexcept {
  // relaxed: the caller holds a reference, so the record is there and stays; nothing is published.
  static_cast<const detail::node*>(record_)->refs.fetch_add(1, detail::relaxed);
}

void error::release() noexcept {
  detail::node* n = access::detach(*this);
  if (detail::drop_reference(n)) {
    detail::destroy(n);
  }
}

std::string error::message() const {
  if (!*this) {
    return "no error";
  }
  std::string all;
  detail::walk(
      *this,
      [&](const error_record* r) {
        all += detail::text_of(r);
        if (!detail::text_of(r).empty() && !detail::causes_of(r).empty()) {
          all += ": ";
        }
        return false;
      },
      [&] { all += '\n'; });
  return all;
}

error error::unwrap() const noexcept {
  const std::span<const error> all = causes();
  return all.size() == 1 ? all.front() : error();
}

std::span<const error> error::causes() const& noexcept {
  return *this ? detail::causes_of(record_) : std::span<const error>();
}

std::error_code error::code() const {
  std::error_code found;
  detail::walk(*this, [&](const error_record* r) {
    found = detail::code_of(r);
    return static_cast<bool>(found);
  });
  return found;
}

void error::rethrow() const {
  if (!*this) {
    throw misuse("weft: error: rethrow: there is no error");
  }
  for (const error* e = this;;) {
    const detail::node* n = access::as_node(access::record(*e));
    if (n != nullptr && n->exception != nullptr) {
      std::rethrow_exception(n->exception);
    }
    const std::span<const error> causes = e->causes();
    if (causes.size() != 1) {
      throw error_exception(*this);
    }
    e = &causes.front();
  }
}

error_exception::error_exception(error e) : std::runtime_error(e.message()), value_(std::move(e)) {
  if (!value_) {
    throw misuse("weft: error_exception: there is no error");
  }
}

// ---- free functions ----

bool is(const error& err, const error& target) {
  if (!err || !target) {
    return !err && !target;
  }
  return detail::walk(err, [&](const error_record* r) { return r == access::record(target); });
}

bool is(const error& err, const std::error_code& target) {
  return detail::walk(err, [&](const error_record* r) {
    const std::error_code code = detail::code_of(r);
    return code && code == target;
  });
}

bool is(const error& err, const std::error_condition& target) {
  return detail::walk(err, [&](const error_record* r) {
    const std::error_code code = detail::code_of(r);
    return code && code == target;
  });
}

error wrap(const error& err, std::string_view text) noexcept {
  if (!err) {
    return err;
  }
  return detail::make_node(err, [&](detail::node& n) {
    n.text = text;
    n.cause = err;
  });
}

error join(std::span<const error> errors) noexcept {
  std::size_t count = 0;
  error first;
  for (const error& e : errors) {
    if (e) {
      if (count == 0) {
        first = e;
      }
      ++count;
    }
  }
  if (count < 2) {
    return first;
  }
  return detail::make_node(first, [&](detail::node& n) {
    n.joined.reserve(count);
    for (const error& e : errors) {
      if (e) {
        n.joined.push_back(e);
      }
    }
  });
}

std::ostream& operator<<(std::ostream& out, const error& err) { return out << err.message(); }

}  // namespace weft

std::size_t std::hash<weft::error>::operator()(const weft::error& err) const noexcept {
  return std::hash<const void*>()(weft::detail::error_access::record(err));
}
