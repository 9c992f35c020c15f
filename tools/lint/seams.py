#!/usr/bin/env python3
"""Fails when a source calls the system past the seam, or reads a clock that can be set.

Calls that can fail or wait are in the table of runtime/src/detail/sys.hpp, so that tests can make
them fail; the exceptions below say why they are none. Timers use CLOCK_MONOTONIC only, which no
change of the wall clock touches: the wall clock is read nowhere.
"""

import glob
import re
import sys

# A call as ::name(...), and who may make it besides runtime/src/detail/sys.cpp.
CALL = re.compile(r"(?<![\w>:])::([a-z]\w*)\(")
ALLOWED = {
    "runtime/src/debug/": None,  # the end of the program: what fails there cannot be mended
    "runtime/src/time/clock.cpp": {"clock_gettime"},  # a seam of its own; cannot fail
    "runtime/src/sched/cpus.cpp": {"sched_getaffinity"},  # tested with what it may answer
    # What these answer is looked at where they stand; they neither wait for weft nor take much.
    "runtime/src/sched/park.cpp": {"pthread_key_create", "pthread_setspecific"},
    "runtime/src/sched/process.cpp": {"pthread_atfork"},
    # Of ThreadSanitizer's builds only: the first is meant to be refused.
    "runtime/src/stack/race.cpp": {"munmap", "dl_iterate_phdr"},
    # Of AddressSanitizer's: refused, it leaves a leak unreported.
    "runtime/src/stack/sanitizer.cpp": {"madvise"},
    # Threads that the table made: both fail only for a thread that is not one.
    "runtime/src/sched/scheduler.cpp": {"pthread_join"},
    "runtime/src/sched/stop.cpp": {"pthread_join", "pthread_detach"},
    "runtime/src/sched/monitor.cpp": {"pthread_join"},
    "runtime/src/sched/worker.cpp": {"gettid"},  # for debuggers; cannot fail
}
WALL_CLOCK = re.compile(r"\bsystem_clock\b|\bCLOCK_REALTIME\b|\bgettimeofday\b|\bhigh_resolution_clock\b"
                        r"|\btime\(nullptr\)|\butc_clock\b|\bFUTEX_CLOCK_REALTIME\b")
SOURCES = ["runtime/**/*.?pp", "channels/**/*.?pp", "context/**/*.?pp"]


def may_call(path, name):
    if path == "runtime/src/detail/sys.cpp":
        return True
    for place, names in ALLOWED.items():
        if path.startswith(place):
            return names is None or name in names
    return False


def main():
    errors = 0
    used = set()
    for path in sorted(p for pattern in SOURCES for p in glob.glob(pattern, recursive=True)):
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])
                for name in CALL.findall(code):
                    used.add((path, name))
                    if not may_call(path, name):
                        print(f"{path}:{number}: ::{name}() past the table of detail/sys.hpp")
                        errors += 1
                if WALL_CLOCK.search(code):
                    print(f"{path}:{number}: the wall clock: it can be set while somebody waits")
                    errors += 1
    for place, names in ALLOWED.items():
        for name in names or ():
            if (place, name) not in used:
                print(f"tools/lint/seams.py: {place} does not call ::{name}() any more")
                errors += 1
    if errors:
        print(f"{errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
