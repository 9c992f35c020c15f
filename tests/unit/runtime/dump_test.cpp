// What dumps say: OB-1, OB-2, RT-13, RT-14.
#include <weft/blocking.hpp>
#include <weft/chan.hpp>
#include <weft/debug.hpp>
#include <weft/go.hpp>
#include <weft/mutex.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/shared_mutex.hpp>
#include <weft/sleep.hpp>
#include <weft/wait_group.hpp>

#include <gtest/gtest.h>
#include <regex.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "support/fixture.hpp"

namespace {

using namespace std::chrono_literals;

// On a thread of its own: matching takes more stack than a goroutine has.
bool matches(const std::string& text, const std::string& pattern) {
  bool found = false;
  std::thread([&] {
    regex_t compiled;
    if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {
      found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
      ::regfree(&compiled);
    }
  }).join();
  return found;
}

std::string hex(const void* p) {
  char room[32];
  std::snprintf(room, sizeof room, "%p", p);
  return room;
}

// Who is parked may be on its way off its stack for a moment yet: it has no trace then.
std::string dump_of_parked() {
  std::string text = weft::dump_goroutines();
  for (int tries = 0; tries < 1000 && text.find("no trace") != std::string::npos; ++tries) {
    weft::yield();
    text = weft::dump_goroutines();
  }
  return text;
}

__attribute__((noinline)) void waits_in_here(weft::chan<int> c) {
  c.recv();
  asm volatile("" ::: "memory");  // no tail call
}

class Dump : public weft::testing::Procs {};
WEFT_PROCS(Dump);

// OB-1
TEST_P(Dump, HasIdNameReasonObjectPlaceAndStack) {
  run([] {
    auto c = weft::make_chan<int>(3);
    std::atomic<std::uint64_t> id{0};
    weft::go({.name = "the waiter"}, [&, c] {
      id = weft::this_goroutine::id();
      waits_in_here(c);
    });
    weft::testing::wait_until_parked(1, "chan receive");
    const std::string text = dump_of_parked();
    EXPECT_TRUE(matches(text, "goroutine " + std::to_string(id.load()) +
                                  " \\[chan receive\\] \"the waiter\":\n\tcreated at "
                                  "[^\n]*dump_test.cpp:[0-9]+ in [^\n]*, by goroutine 1\n\twaits "
                                  "for chan 0x[0-9a-f]+ \\(cap 3, len 0\\)\n(\t  [^\n]*\n)*\t  "
                                  "[^\n]*waits_in_here[^\n]*\\([^\n]* 0x[0-9a-f]+\\)\n"))
        << text;
    EXPECT_TRUE(
        matches(text, "goroutine 1 \\[running\\]:\n\tmain, started at [^\n]*fixture.hpp:[0-9]+"))
        << text;
    c.send(1);
  });
}

// OB-1: a trace begins where the user called weft and ends with the goroutine's function.
TEST_P(Dump, ATraceHasNoFramesOfTheRuntime) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::go([c] { waits_in_here(c); });
    weft::testing::wait_until_parked(1, "chan receive");
    const std::string text = dump_of_parked();
    EXPECT_FALSE(matches(text, "switch_fiber|park_current|fiber_loop|run_here|fiber_entry"))
        << text;
    c.send(1);
  });
}

// OB-2
TEST_P(Dump, SaysWhatEachKindOfWaitWaitsFor) {
  run([] {
    auto full = weft::make_chan<int>(1);
    auto other = weft::make_chan<int>();
    full.send(0);
    weft::mutex m;
    weft::shared_mutex rw;
    weft::wait_group g;
    weft::semaphore tokens(5);
    m.lock();
    rw.lock();
    g.add(2);
    ASSERT_TRUE(tokens.try_acquire(4));
    weft::wait_group all;
    all.go([&] { full.send(1); });
    all.go([&] { weft::select(weft::recv(other), weft::send(full, 2)); });
    all.go([&] {
      m.lock();
      m.unlock();
    });
    all.go([&] {
      rw.lock_shared();
      rw.unlock_shared();
    });
    all.go([&] { g.wait(); });
    all.go([&] {
      tokens.acquire(3);
      tokens.release(3);
    });
    all.go([] { weft::sleep(1ms); });
    weft::testing::wait_until_parked(1, "chan send");
    weft::testing::wait_until_parked(1, "select");
    weft::testing::wait_until_parked(1, "sync.Mutex.Lock");
    weft::testing::wait_until_parked(1, "sync.RWMutex.RLock");
    weft::testing::wait_until_parked(1, "sync.WaitGroup.Wait");
    weft::testing::wait_until_parked(1, "semaphore");
    const std::string text = dump_of_parked();
    const auto says = [&](const std::string& what) { EXPECT_TRUE(matches(text, what)) << text; };
    const std::string place = "[^\n]*\n[^\n]*\n\twaits for ";
    says("\\[chan send\\]" + place + "chan 0x[0-9a-f]+ \\(cap 1, len 1\\)\n");
    says("\\[select\\]" + place + "chan 0x[^\n]*, or chan 0x[^\n]*\\)\n");
    says("\\[sync.Mutex.Lock\\]" + place + "mutex " + hex(&m) + "\n");
    says("\\[sync.RWMutex.RLock\\]" + place + "shared_mutex " + hex(&rw) + "\n");
    says("\\[sync.WaitGroup.Wait\\]" + place + "wait_group " + hex(&g) + " \\(count 2\\)\n");
    says("\\[semaphore\\]" + place + "semaphore " + hex(&tokens) + " \\(size 5, used 4\\)\n");
    other.send(0);
    full.recv();
    full.recv();
    m.unlock();
    rw.unlock();
    g.add(-2);
    tokens.release(4);
    all.wait();
  });
}

TEST_P(Dump, WritesAlikeOnesOnce) {
  run([] {
    auto c = weft::make_chan<int>();
    constexpr int n = 120;
    for (int i = 0; i < n; ++i) {
      weft::go([c] { waits_in_here(c); });
    }
    weft::testing::wait_until_parked(n, "chan receive");
    const std::string text = dump_of_parked();
    EXPECT_TRUE(matches(text,
                        "\n120 goroutines \\[chan receive\\]: [0-9]+(, [0-9]+){99}, and 20 more\n"
                        "\tcreated at [^\n]*\n\twaits for chan 0x[0-9a-f]+ \\(cap 0, len 0\\)\n"))
        << text;
    for (int i = 0; i < n; ++i) {
      c.send(i);
    }
  });
}

TEST_P(Dump, ItsHeadSaysWhatMayGoOn) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::go([c] { c.recv(); });
    weft::go([c] {
      int v = 0;
      EXPECT_EQ(c.recv_for(v, 1h), weft::chan_status::ok);
    });
    weft::testing::wait_until_parked(2);
    const std::string text = weft::dump_goroutines();
    EXPECT_TRUE(matches(text,
                        "^weft: 3 goroutines: 1 running, 0 runnable, 2 waiting; [0-9]+ "
                        "worker threads, max_procs [0-9]+\nweft: what may go on: 1 "
                        "goroutines, a timer due in [0-9]+ [a-z]+, [0-9]+ foreign "
                        "threads\n"))
        << text;
    c.send(0);
    c.send(0);
  });
}

__attribute__((noinline)) int deep(int n, const weft::chan<int>& c) {
  const int r = n == 0 ? *c.recv() : deep(n - 1, c);
  asm volatile("" ::: "memory");
  return r + 1;
}

// OB-1: beyond 100 frames the middle is left out.
TEST_P(Dump, AStackOfManyFramesIsShownWithoutItsMiddle) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::go([c] { deep(150, c); });
    weft::testing::wait_until_parked(1, "chan receive");
    const std::string text = dump_of_parked();
    EXPECT_TRUE(matches(text,
                        "deep\\(int[^\n]*\n\t  \\.\\.\\.and [0-9]+ more frames\\.\\.\\.\n\t  "
                        "[^\n]*deep\\(int"))
        << text;
    c.send(0);
  });
}

TEST_P(Dump, TellsRunningOnesFromThoseInBlockingCalls) {
  if (procs() == 1) {
    GTEST_SKIP() << "needs two workers";
  }
  run([] {
    std::atomic<bool> in{false};
    std::atomic<bool> out{false};
    weft::wait_group all;
    all.go([&] {
      weft::blocking([&] {
        in = true;
        while (!out) {
          ::usleep(100);
        }
      });
    });
    while (!in) {
      weft::yield();
    }
    const std::string text = weft::dump_goroutines();
    out = true;
    all.wait();
    EXPECT_TRUE(matches(text,
                        "\\[blocking call\\]:\n[^\n]*\n\t  "
                        "(running on thread [0-9]+, no trace|[^\n]*(sleep|TellsRunning))"))
        << text;
  });
}

// OB-1: such a goroutine is parked in a way of its own.
TEST_P(Dump, MarksThoseThatAreLockedToAThread) {
  run([] {
    auto c = weft::make_chan<int>();
    weft::go([c] {
      weft::lock_os_thread();
      waits_in_here(c);
    });
    weft::testing::wait_until_parked(1, "chan receive");
    const std::string text = weft::dump_goroutines();
    EXPECT_TRUE(matches(text, "\\[chan receive, locked to thread\\]:\n(.|\n)*waits_in_here"))
        << text;
    c.send(1);
  });
}

TEST_P(Dump, GoesToAFileDescriptorToo) {
  run([] {
    std::FILE* f = std::tmpfile();
    ASSERT_NE(f, nullptr);
    EXPECT_TRUE(weft::dump_goroutines(::fileno(f)));
    std::rewind(f);
    char room[64] = {};
    EXPECT_NE(std::fgets(room, sizeof room, f), nullptr);
    EXPECT_TRUE(std::string(room).starts_with("weft: 1 goroutines: 1 running")) << room;
    std::fclose(f);
  });
}

// The JSON is what Python makes of it.
TEST_P(Dump, ItsJsonIsJsonAndHasTheSameContents) {
  run([] {
    auto c = weft::make_chan<int>(3);
    weft::go({.name = "quo\"te\\ \n\xc3\xa9"}, [c] { waits_in_here(c); });
    weft::testing::wait_until_parked(1, "chan receive");
    dump_of_parked();  // it has left its stack
    const std::string text = weft::dump_goroutines(weft::dump_format::json);
    c.send(0);
    std::string path = ::testing::TempDir() + "weft_dump_XXXXXX";
    const int fd = ::mkstemp(path.data());
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(fd);
    const std::string check =
        "python3 -c 'import json,sys; d=json.load(open(sys.argv[1]))\n"
        "g=[x for x in d[\"goroutines\"] if x[\"state\"]==\"waiting\"][0]\n"
        "assert g[\"name\"].startswith(\"quo\\\"te\\\\ \\n\") and g[\"parent\"]==1, g\n"
        "assert g[\"wait_reason\"]==\"chan receive\" and g[\"since_ns\"]>=0, g\n"
        "assert g[\"waits_for\"][0][\"kind\"]==\"chan\" and g[\"waits_for\"][0][\"cap\"]==3, g\n"
        "assert g[\"created_at\"][\"file\"].endswith(\"dump_test.cpp\"), g\n"
        "f=d[\"stacks\"][g[\"stack\"]][\"frames\"]\n"
        "assert any(\"waits_in_here\" in x[\"function\"] for x in f), f\n"
        "assert len(d[\"goroutines\"])==2 and d[\"running\"]==1 and d[\"waiting\"]==1, d' ";
    EXPECT_EQ(std::system((check + path).c_str()), 0) << text;
    ::unlink(path.c_str());
  });
}

// RT-13, RT-14
TEST_P(Dump, OwnTraceAndCallersEndAtTheGoroutinesFunction) {
  run([] {
    const std::string text = weft::stack_trace();
    EXPECT_TRUE(matches(text, "Dump_OwnTraceAndCallersEndAtTheGoroutinesFunction")) << text;
    EXPECT_FALSE(matches(text, "run_here|fiber_loop|fiber_entry")) << text;
    const void* at[100];
    const std::size_t n = weft::callers(at);
    ASSERT_GT(n, 2u);
    ASSERT_LT(n, 100u);
    EXPECT_TRUE(matches(weft::describe_address(at[0]), "OwnTraceAndCallers"))
        << weft::describe_address(at[0]);
    EXPECT_TRUE(matches(weft::describe_address(at[n - 1]), "fiber_entry"))
        << weft::describe_address(at[n - 1]);
    const void* fewer[100];
    ASSERT_EQ(weft::callers(fewer, 1), n - 1);
    EXPECT_EQ(fewer[0], at[1]);
  });
}

TEST(DumpWithoutRuntime, HasNoGoroutines) {
  EXPECT_TRUE(matches(weft::dump_goroutines(), "^weft: 0 goroutines:"));
}

}  // namespace
