// What programs ask for: <weft/debug.hpp>.
#include <weft/debug.hpp>
#include <weft/detail/race.hpp>

#include <algorithm>
#include <new>

#include "debug/backtrace.hpp"
#include "debug/dump.hpp"
#include "debug/frames.hpp"
#include "debug/mapped.hpp"
#include "debug/text_out.hpp"
#include "sched/scheduler.hpp"

namespace weft {
namespace {

using namespace detail;

bool write_dump(text_out& out, dump_format format) {
  const race::runtime_code in;  // it reads records and parked frames that others write
  const scheduler::in_use s;
  scheduler* running = s ? &*s : nullptr;
  return format == dump_format::json ? write_json_dump(running, out)
                                     : write_text_dump(running, out);
}

}  // namespace

std::string dump_goroutines(dump_format format) {
  std::string text;
  bool complete = false;
  {
    text_out out(append_to_string, &text);
    complete = write_dump(out, format);
    out.flush();
  }
  if (!complete) {
    throw std::bad_alloc();
  }
  return text;
}

bool dump_goroutines(int fd, dump_format format) {
  text_out out(write_to_fd, &fd);
  return write_dump(out, format);
}

__attribute__((noinline)) std::size_t callers(std::span<const void*> into,
                                              std::size_t skip) noexcept {
  frame_list f;
  trace_here(f);
  const std::size_t first = std::min<std::size_t>(1 + skip, f.count);  // 1: this function
  const std::size_t n = std::min<std::size_t>(f.count - first, into.size());
  std::copy_n(f.at + first, n, into.begin());
  return n;
}

__attribute__((noinline)) std::string stack_trace() {
  frame_list f;
  trace_here(f);
  std::string text;
  {
    text_out out(append_to_string, &text);
    write_trace(out, f);
    out.flush();
  }
  return text;
}

std::string describe_address(const void* return_address) {
  std::string text;
  const mapped<symbol_reader> symbols;
  if (!symbols) {
    throw std::bad_alloc();
  }
  text_out out(append_to_string, &text);
  demangler name(true);
  write_symbol(out, return_address, *symbols, name);
  out.flush();
  return text;
}

}  // namespace weft
